/**
 * Seeds that once broke a promise, run with every test. A seed means what it meant only as long as scenario and schedule
 * stay as they are; what each of them showed has a test of its own as well.
 */
export const regressions: readonly { scenario: string; seed: number; was: string }[] = [
  {
    scenario: "one-project",
    seed: 2,
    was: "an API server that answers 503 was told as a defect of Flaresmith",
  },
  {
    scenario: "one-project",
    seed: 35,
    was: "rulesets stayed in a repository that its Project left in place",
  },
  { scenario: "one-project", seed: 49, was: "a variable whose write was not remembered stayed for ever" },
  { scenario: "one-project", seed: 56, was: "an edit during deletion made the deletion wait for a person" },
  { scenario: "one-project", seed: 147, was: "a preview whose first deployment was refused leaked" },
  {
    scenario: "one-project",
    seed: 184,
    was: "behind a silent watch a secret was written again at every attempt",
  },
  { scenario: "one-project", seed: 220, was: "a clock that jumped back held a creation up for that long" },
  { scenario: "five-projects", seed: 14, was: "a variable of an environment stayed after its project" },
  {
    scenario: "five-projects",
    seed: 136,
    was: "a variable whose removal failed was forgotten with the repository that stayed",
  },
  { scenario: "two-leaders", seed: 527, was: "a second leader wrote what a newer spec had taken away" },
  {
    scenario: "two-leaders",
    seed: 1083,
    was: "a secret of an upload without an answer stayed on the Worker when the spec changed",
  },
  {
    scenario: "two-leaders",
    seed: 1777,
    was: "a second leader wrote a secret that a newer spec had taken away",
  },
  {
    scenario: "two-leaders",
    seed: 11557,
    was: "a preview whose listing does not say when it was deployed was deployed again at every look",
  },
  {
    scenario: "provider-outage",
    seed: 37421,
    was: "a Connection said only at its resync that its provider wanted no more calls",
  },
  {
    scenario: "delete-during-create",
    seed: 48831,
    was: "an error stayed in the inventory for a resync when the status that took it out was refused",
  },
  {
    scenario: "one-project",
    seed: 86,
    was: "a status told of an older listing than the one before",
  },
  {
    scenario: "one-project",
    seed: 3550,
    was: "what the project deleted itself and wanted again was called deleted by someone else",
  },
  {
    scenario: "one-project",
    seed: 2617,
    was: "a branch that another leader made was called deleted by someone else",
  },
  {
    scenario: "one-thing",
    seed: 86378,
    was: "a deletion that got no answer arrived when another repository of that name was there, and took that",
  },
  {
    scenario: "refused-midway",
    seed: 84100,
    was: "an environment's branch was made from the commit before the seeded files, which GitHub showed once more",
  },
  {
    scenario: "unclear-creates",
    seed: 50396,
    was: "an environment's branch was made from the commit before the seeded files, as nobody could tell what GitHub shows",
  },
  {
    scenario: "unclear-creates",
    seed: 10534,
    was: "an environment's branch was made from the commit before the seeded files",
  },
  {
    scenario: "drift",
    seed: 7,
    was: "a requested look that met an outage was answered without having looked",
  },
  {
    scenario: "delete-during-create",
    seed: 80,
    was: "a bucket deleted a moment ago was taken for one that somebody else deleted, by an older listing",
  },
];
