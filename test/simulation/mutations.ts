/**
 * Deliberate faults, each in one place of the controller: what the simulator must be able to see. The first are the ways
 * in which controllers usually go wrong, the others undo a fix for something that the simulator found.
 */
export interface Mutation {
  name: string;
  /** What the controller does then. */
  about: string;
  /** From the root of the repository. */
  file: string;
  /** Stands in the file exactly once. */
  find: string;
  replace: string;
  /** Where it shows. */
  scenario: string;
  /** Seeds of that scenario, from 1, within which it must be caught. */
  within: number;
}

const engine = "reconcilers/engine";

export const mutations: readonly Mutation[] = [
  {
    name: "blind-re-post",
    about: "A POST whose answer was lost is sent again by the transport.",
    file: "controller/runtime/transport.ts",
    find: "if (!transientCodes.has(error.code)) return false;",
    replace: 'return [...transientCodes, "INTEGRATION_UNKNOWN_OUTCOME"].includes(error.code);',
    scenario: "one-thing",
    within: 300,
  },
  {
    name: "no-intent",
    about: "Nothing is stored before something is created.",
    file: `${engine}/act.ts`,
    find: "await intents.record(intent);",
    replace: "options.inventory.set(slot, intent);",
    scenario: "one-thing",
    within: 400,
  },
  {
    name: "intent-after-call",
    about: "The intent is stored while the create is already on its way.",
    file: `${engine}/act.ts`,
    find: "await intents.record(intent);",
    replace: "void intents.record(intent).catch(() => undefined);",
    scenario: "delete-during-create",
    within: 20,
  },
  {
    name: "no-grace-on-create",
    about: "What was asked for and cannot be seen yet is asked for again.",
    file: `${engine}/plan.ts`,
    find: 'if (entry?.state === "creating" && age < CREATE_GRACE) {',
    replace: "if (age < -1) {",
    scenario: "unclear-creates",
    within: 500,
  },
  {
    name: "no-grace-on-delete",
    about: "What was asked for and cannot be seen yet counts as gone when its object is deleted.",
    file: `${engine}/remove.ts`,
    find: 'if (entry.state === "deleting") return false;',
    replace: "if (entry.slot.length > 0) return false;",
    scenario: "unclear-creates",
    within: 500,
  },
  {
    name: "error-is-absence",
    about: "A list or a read that failed is taken for an empty one.",
    file: `${engine}/settle.ts`,
    find: 'return { state: "unknown", error: toFlaresmithError(error) };',
    replace: 'void error; return { state: "absent" };',
    scenario: "provider-outage",
    within: 300,
  },
  {
    name: "adoption-by-name",
    about: "Whatever has the right name and no marker is taken for ours.",
    file: `${engine}/plan.ts`,
    find: 'if (definition.ownership !== "inherited") return false;',
    replace: 'if (definition.ownership !== "inherited") return true;',
    scenario: "foreign-name",
    within: 20,
  },
  {
    name: "finalizer-first",
    about: "The finalizer goes before what it protects.",
    file: `${engine}/finalize-object.ts`,
    find: "if (inventory.size === 0) {",
    replace: "if (inventory.size >= 0) {",
    scenario: "one-thing",
    within: 100,
  },
  {
    name: "ready-by-spec",
    about: "Ready says that the spec was understood, not that the world is so.",
    file: `${engine}/reconcile-object.ts`,
    find: "...providerParts(results, removals, environment.conditionTypes),",
    replace: "",
    scenario: "one-thing",
    within: 20,
  },
  {
    name: "conflict-overwritten",
    about: "A status that somebody else wrote in the meantime is overwritten.",
    file: `${engine}/status-writer.ts`,
    find: "if (latest.metadata.uid !== current.metadata.uid || !untouched) throw error;",
    replace: "void untouched;",
    scenario: "two-leaders",
    within: 100,
  },
  {
    name: "lease-as-fence",
    about: "Who believes to lead stores intents without comparing versions.",
    file: `${engine}/status-writer.ts`,
    find: "persist: () => send(current, { ...statusOf(current), inventory: entries() }),",
    replace:
      "persist: () => { const { resourceVersion: _, ...metadata } = current.metadata; return send({ ...current, metadata } as KubernetesObject, { ...statusOf(current), inventory: entries() }); },",
    scenario: "two-leaders",
    within: 200,
  },
  {
    name: "impatient",
    about: "Calls go on while a provider asked to wait.",
    file: "controller/runtime/transport.ts",
    find: "const { gate, budget, breaker } = this.#identity;\n    if (gate.closedUntil !== undefined) throw",
    replace: "const { gate, budget, breaker } = this.#identity;\n    if (gate.closedUntil === -1) throw",
    scenario: "one-thing",
    within: 100,
  },
  {
    name: "parts-stay",
    about: "Rulesets and variables stay in a repository that is left in place.",
    file: `${engine}/remove.ts`,
    find: 'return policyOf(whole) === "Orphan" && policyOf(entry) === "Delete";',
    replace: "return false;",
    scenario: "one-thing",
    within: 300,
  },
  {
    name: "nothing-claimed",
    about: "Variables and secrets are written before anything says that they are ours.",
    file: `${engine}/act.ts`,
    find: "await claim(step, observed, intents);",
    replace: "",
    scenario: "settings-in-place",
    within: 100,
  },
  {
    name: "forgotten-part",
    about: "What could not be taken out of a repository that stays is forgotten with it.",
    file: `${engine}/remove.ts`,
    find: 'if (status === "orphaned" && leavesByItself(part, leaving)) continue;',
    replace: "",
    scenario: "settings-in-place",
    within: 200,
  },
];
