/** `spec.github` of a Project: the repository and everything around it that is not one environment's. */
import { z } from "zod";
import type { CrossFieldRule } from "./kind.ts";
import { connectionReference, secretKeyReference, variableName } from "./fields.ts";

const settings = z
  .object({
    hasIssues: z.boolean().optional().describe("Whether issues are enabled."),
    hasWiki: z.boolean().optional().describe("Whether the wiki is enabled."),
    hasProjects: z.boolean().optional().describe("Whether projects are enabled."),
    homepage: z.string().max(255).optional().describe("URL shown beside the description."),
    allowMergeCommit: z
      .boolean()
      .optional()
      .describe("Whether pull requests can be merged with a merge commit."),
    allowSquashMerge: z.boolean().optional().describe("Whether pull requests can be squash-merged."),
    allowRebaseMerge: z.boolean().optional().describe("Whether pull requests can be rebase-merged."),
    allowAutoMerge: z.boolean().optional().describe("Whether auto-merge can be enabled on pull requests."),
    allowUpdateBranch: z
      .boolean()
      .optional()
      .describe("Whether a pull request's branch can always be updated from its base."),
    deleteBranchOnMerge: z.boolean().optional().describe("Whether head branches are deleted after a merge."),
    squashMergeCommitTitle: z
      .enum(["PR_TITLE", "COMMIT_OR_PR_TITLE"])
      .optional()
      .describe("Default title of squash commits; set together with squashMergeCommitMessage."),
    squashMergeCommitMessage: z
      .enum(["PR_BODY", "COMMIT_MESSAGES", "BLANK"])
      .optional()
      .describe("Default message of squash commits."),
    mergeCommitTitle: z
      .enum(["PR_TITLE", "MERGE_MESSAGE"])
      .optional()
      .describe("Default title of merge commits; set together with mergeCommitMessage."),
    mergeCommitMessage: z
      .enum(["PR_BODY", "PR_TITLE", "BLANK"])
      .optional()
      .describe("Default message of merge commits."),
    webCommitSignoffRequired: z
      .boolean()
      .optional()
      .describe("Whether commits made on the web must be signed off."),
  })
  .describe("Repository settings; what is not set is not managed.");

const ruleset = z.object({
  name: z.string().min(1).max(100).describe("Name of the ruleset, unique in the repository."),
  target: z
    .enum(["Branch", "Tag"])
    .default("Branch")
    .describe("Whether the rules are for branches or tags. Default Branch."),
  enforcement: z
    .enum(["Active", "Disabled", "Evaluate"])
    .default("Active")
    .describe("Active, Disabled, or Evaluate (GitHub Enterprise only). Default Active."),
  include: z
    .array(z.string().min(1).max(255))
    .max(50)
    .default(["~DEFAULT_BRANCH"])
    .describe(
      "Names or patterns the rules apply to, also ~DEFAULT_BRANCH and ~ALL. Default the default branch.",
    ),
  exclude: z
    .array(z.string().min(1).max(255))
    .max(50)
    .optional()
    .describe("Names or patterns that are left out."),
  rules: z
    .object({
      creation: z.boolean().optional().describe("Only bypass actors may create matching refs."),
      update: z.boolean().optional().describe("Only bypass actors may update matching refs."),
      deletion: z.boolean().optional().describe("Only bypass actors may delete matching refs."),
      nonFastForward: z.boolean().optional().describe("Force pushes are refused."),
      requiredLinearHistory: z.boolean().optional().describe("Merge commits are refused."),
      requiredSignatures: z.boolean().optional().describe("Commits must be signed."),
      pullRequest: z
        .object({
          requiredApprovingReviewCount: z
            .int()
            .min(0)
            .max(10)
            .default(1)
            .describe("Approvals needed, 0 to 10. Default 1."),
          dismissStaleReviewsOnPush: z
            .boolean()
            .default(false)
            .describe("Whether new commits dismiss approvals. Default false."),
          requireCodeOwnerReview: z
            .boolean()
            .default(false)
            .describe("Whether code owners must approve. Default false."),
          requireLastPushApproval: z
            .boolean()
            .default(false)
            .describe("Whether someone other than the last pusher must approve. Default false."),
          requiredReviewThreadResolution: z
            .boolean()
            .default(false)
            .describe("Whether all conversations must be resolved. Default false."),
        })
        .optional()
        .describe("Changes need a pull request."),
      requiredStatusChecks: z
        .object({
          strict: z
            .boolean()
            .default(false)
            .describe("Whether branches must be up to date before merging. Default false."),
          checks: z
            .array(
              z.object({
                context: z.string().min(1).max(255).describe("Name of the status check."),
                integrationId: z.int().optional().describe("Id of the GitHub App that must report it."),
              }),
            )
            .min(1)
            .max(50)
            .describe("The checks that must succeed."),
        })
        .optional()
        .describe("Status checks must succeed."),
    })
    .describe("The rules; at least one that is true or has settings."),
  bypassActors: z
    .array(
      z.object({
        actorId: z.int().optional().describe("Id of the team, app or role; not for OrganizationAdmin."),
        actorType: z
          .enum(["OrganizationAdmin", "RepositoryRole", "Team", "Integration", "DeployKey"])
          .describe("What kind of actor."),
        bypassMode: z
          .enum(["always", "pull_request"])
          .default("always")
          .describe("Whether the bypass holds always or in pull requests only. Default always."),
      }),
    )
    .max(50)
    .optional()
    .describe("Who may bypass the rules; what is not set is not managed."),
});

const ruleSwitches = [
  "creation",
  "update",
  "deletion",
  "nonFastForward",
  "requiredLinearHistory",
  "requiredSignatures",
] as const;
const ruleBlocks = ["pullRequest", "requiredStatusChecks"] as const;

/** A ruleset without a rule protects nothing, whatever its name says. */
export const someRule: CrossFieldRule = {
  path: "spec.github.rulesets[].rules",
  cel: [
    ...ruleSwitches.map((name) => `(has(self.${name}) && self.${name})`),
    ...ruleBlocks.map((name) => `has(self.${name})`),
  ].join(" || "),
  message: "set at least one rule: a rule that is false is none",
  test: (rules: z.output<typeof ruleset>["rules"]) =>
    ruleSwitches.some((name) => rules[name] === true) || ruleBlocks.some((name) => rules[name] !== undefined),
};

export const projectGitHub = z
  .object({
    connectionRef: connectionReference(),
    mode: z
      .enum(["Manage", "Reference"])
      .default("Manage")
      .describe(
        "Manage: this Project creates and keeps the repository. Reference: it only uses one that another Project or person manages. Default Manage.",
      ),
    owner: z
      .string()
      .max(39)
      .regex(/^[A-Za-z0-9](-?[A-Za-z0-9])*$/)
      .optional()
      .describe("User or organization that owns the repository. Default: the Connection's account."),
    repository: z
      .string()
      .min(1)
      .max(100)
      .regex(/^[A-Za-z0-9._-]+$/)
      .describe("Name of the repository."),
    template: z
      .object({
        owner: z.string().min(1).max(39).describe("Owner of the template repository."),
        repository: z.string().min(1).max(100).describe("Name of the template repository."),
      })
      .optional()
      .describe("Template repository that the repository is generated from, when it is created."),
    visibility: z
      .enum(["Private", "Public", "Internal"])
      .optional()
      .describe("Who can see the repository. Created Private when not set, and then not managed."),
    description: z.string().max(350).optional().describe("Description of the repository."),
    topics: z
      .array(
        z
          .string()
          .max(50)
          .regex(/^[a-z0-9][a-z0-9-]*$/),
      )
      .max(19)
      .optional()
      .describe("All topics of the repository, lower-case; GitHub takes 20, of which one is the marker."),
    defaultBranch: z
      .string()
      .min(1)
      .max(244)
      .optional()
      .describe("Default branch; an existing branch, or the one made at creation."),
    settings: settings.optional(),
    files: z
      .array(
        z.object({
          path: z
            .string()
            .min(1)
            .max(1024)
            .regex(/^[^/].*$/)
            .describe("Path inside the repository."),
          content: z.string().max(262144).describe("Content of the file, as text."),
        }),
      )
      .max(64)
      .optional()
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["path"] })
      .describe(
        "Files put into the repository once, in one commit, after it was created; never touched again.",
      ),
    rulesets: z
      .array(ruleset)
      .max(75)
      .optional()
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .describe("Rulesets of the repository; others are left alone."),
    variables: z
      .array(
        z.object({
          name: variableName().describe("Name of the variable."),
          value: z.string().max(49152).describe("Value, readable by everyone with access."),
        }),
      )
      .max(500)
      .optional()
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .describe("Actions variables of the repository."),
    secrets: z
      .array(
        z.object({ name: variableName().describe("Name of the secret."), secretRef: secretKeyReference() }),
      )
      .max(100)
      .optional()
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .describe("Actions secrets of the repository."),
  })
  .describe("The project's repository on GitHub.");
