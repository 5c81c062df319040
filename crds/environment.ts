import { z } from "zod";
import { ageColumn, readyColumn, statusColumn, suspendedColumn } from "./columns.ts";
import { deepIntervalRange, intervalRange } from "./duration-range.ts";
import {
  atomic,
  deepInterval,
  deletionPolicy,
  drift,
  duration,
  interval,
  inventory,
  localReference,
  logicalName,
  secretKeyReference,
  state,
  statusOf,
  suspend,
  variable,
  variableName,
} from "./fields.ts";
import type { KindDefinition } from "./kind.ts";

const commit = () =>
  z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .describe("A commit, as its full SHA.");

const github = z
  .object({
    environment: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe("Name of the deployment environment on GitHub. Default: the environment's short name."),
    reviewers: z
      .array(
        z.object({
          user: z.string().min(1).max(39).optional().describe("Login of a user."),
          team: z.string().min(1).max(255).optional().describe("Slug of a team of the owner."),
        }),
      )
      .max(6)
      .optional()
      .describe("Who must approve Actions jobs that name this environment: up to 6 users or teams."),
    waitTimer: z.int().min(0).max(43200).optional().describe("Minutes that Actions jobs wait, 0 to 43200."),
    preventSelfReview: z.boolean().optional().describe("Whether whoever started a job may not approve it."),
    branchPolicies: z
      .object({
        protectedBranches: z.boolean().optional().describe("True: only branches with protection may deploy."),
        patterns: z
          .array(z.string().min(1).max(255))
          .max(50)
          .optional()
          .describe("Only branches that match one of these names or patterns may deploy."),
      })
      .optional()
      .describe("Which branches Actions jobs may deploy from; not managed when not set."),
    variables: z
      .array(
        z.object({
          name: variableName().describe("Name of the variable."),
          value: z.string().max(49152).describe("Value, readable by everyone with access."),
        }),
      )
      .max(100)
      .optional()
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .describe("Actions variables of the environment."),
  })
  .describe("The deployment environment on GitHub.");

const neon = z
  .object({
    branch: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe(
        "Name of the Neon branch. Default: the environment's short name; the project's root branch for Production.",
      ),
    parent: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe("Name of the branch it is cut from. Default: the project's root branch."),
    protected: z
      .boolean()
      .optional()
      .describe("Whether Neon protects the branch against deletion and reset; not managed when not set."),
    compute: z
      .object({
        min: z.number().min(0.25).max(56).optional().describe("Least compute units."),
        max: z.number().min(0.25).max(56).optional().describe("Most compute units."),
        suspendAfter: z
          .union([z.literal("Never"), duration()])
          .optional()
          .describe("Idle time until the compute is suspended, or Never."),
      })
      .optional()
      .describe("Size of the branch's compute; what is not set is not managed."),
  })
  .describe("The environment's Neon branch.");

export const workerSettings = z.object({
  name: logicalName().describe("Logical name of the Worker, as declared on the Project."),
  vars: z
    .array(variable())
    .max(128)
    .optional()
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
    .describe("Plain-text variables of the Worker."),
  bindings: z
    .array(
      z
        .object({
          name: variableName().describe("Name that the Worker's code uses."),
          kv: logicalName().optional().describe("Logical name of a KV namespace of the Project."),
          r2: logicalName().optional().describe("Logical name of an R2 bucket of the Project."),
          worker: logicalName().optional().describe("Logical name of another Worker of the Project."),
        })
        .meta(atomic),
    )
    .max(64)
    .optional()
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
    .describe("What the Worker is bound to, by logical name."),
  workersDev: z
    .boolean()
    .default(true)
    .describe("Whether the Worker answers under workers.dev. Default true."),
  routes: z
    .array(
      z.object({
        pattern: z.string().min(1).max(1024).describe("Route pattern, such as shop.example/api/*."),
        zone: z.string().min(1).max(253).describe("Name of the zone."),
      }),
    )
    .max(100)
    .optional()
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["pattern"] })
    .describe("Routes that lead to the Worker."),
  domains: z
    .array(
      z.object({
        hostname: z.string().min(1).max(253).describe("Hostname that the Worker answers under."),
        zone: z.string().min(1).max(253).describe("Name of the zone it lies in."),
      }),
    )
    .max(100)
    .optional()
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["hostname"] })
    .describe("Custom domains of the Worker."),
  crons: z
    .array(z.string().min(9).max(128))
    .max(20)
    .optional()
    .describe(
      "Cron expressions at which the Worker is started; all of them, and none when empty. Not managed when not set.",
    ),
});

const cloudflare = z
  .object({
    workers: z
      .array(workerSettings)
      .max(50)
      .optional()
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .describe("Settings of the Project's Workers in this environment."),
    names: z
      .record(z.string(), z.string().min(1).max(255))
      .optional()
      .describe(
        "Physical names by logical name, to use what exists under another name: of Workers, and of KV namespaces and R2 buckets with scope: Environment.",
      ),
    bindingsPolicy: z
      .enum(["Preserve", "Exclusive"])
      .default("Preserve")
      .describe(
        "Preserve keeps bindings that others put on the Worker, Exclusive removes them. Default Preserve.",
      ),
  })
  .describe("Settings of the project's Workers in this environment.");

const secret = z.object({
  name: variableName().describe("Name under which the value reaches its targets."),
  from: z
    .object({
      neon: z
        .enum(["connectionUri", "pooledConnectionUri"])
        .optional()
        .describe("A fact of the environment's Neon branch."),
      secretRef: secretKeyReference().optional(),
    })
    .meta(atomic)
    .describe("Where the value comes from: exactly one of neon and secretRef."),
  to: z
    .array(z.enum(["Worker", "GitHub"]))
    .min(1)
    .max(2)
    .describe("Where it goes: to every Worker of the environment, to the GitHub environment, or both."),
  previews: z
    .boolean()
    .default(false)
    .describe(
      "Whether previews based on this environment get it too; facts of Neon are then the preview's own. Default false.",
    ),
});

const spec = z.object({
  projectRef: localReference("Project"),
  stage: z
    .enum(["Dev", "Staging", "Production"])
    .describe("How careful to be: a Production stage keeps its Workers and domains when it is deleted."),
  deploy: z
    .object({
      branch: z
        .string()
        .min(1)
        .max(244)
        .optional()
        .describe(
          "Git branch whose newest commit is deployed; created from the default branch when missing.",
        ),
      revision: commit().optional(),
    })
    .meta(atomic)
    .optional()
    .describe("What is deployed: exactly one of branch and revision."),
  github: github.optional(),
  neon: neon.optional(),
  cloudflare: cloudflare.optional(),
  secrets: z
    .array(secret)
    .max(100)
    .optional()
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
    .describe("Secret values and where they go."),
  deletionPolicy: deletionPolicy(),
  drift: drift(),
  suspend: suspend(),
  interval: interval("10m"),
  deepInterval: deepInterval(),
});

const status = statusOf({
  state: state(),
  url: z.string().optional().describe("Where the environment's first Worker answers."),
  urls: z.array(z.string()).optional().describe("Every URL of the environment."),
  revision: z.string().optional().describe("The deployed commit."),
  branch: z.string().optional().describe("The git branch that is followed."),
  neonBranch: z.string().optional().describe("Name of the Neon branch."),
  secrets: z
    .array(
      z.object({
        name: z.string().describe("Name of the secret."),
        from: z.string().describe("Where the value comes from."),
        to: z.array(z.string()).describe("Where it was written."),
      }),
    )
    .optional()
    .describe("Which secret went where; never a value."),
  inventory: inventory(),
});

type Spec = z.output<typeof spec>;
type Secret = z.output<typeof secret>;
type Binding = NonNullable<z.output<typeof workerSettings>["bindings"]>[number];

export const environment: KindDefinition = {
  kind: "Environment",
  plural: "environments",
  singular: "environment",
  shortNames: ["fenv"],
  description:
    "One place where a project runs: a git branch or commit, a Neon branch, Workers and their settings.",
  spec,
  status,
  columns: [
    { name: "Project", type: "string", jsonPath: ".spec.projectRef.name", description: "The project." },
    { name: "Stage", type: "string", jsonPath: ".spec.stage", description: "Dev, Staging or Production." },
    {
      name: "Branch",
      type: "string",
      jsonPath: ".status.branch",
      description: "The git branch that is followed.",
    },
    { name: "Neon", type: "string", jsonPath: ".status.neonBranch", description: "The Neon branch." },
    { name: "URL", type: "string", jsonPath: ".status.url", description: "Where it answers." },
    readyColumn(),
    statusColumn,
    {
      name: "Revision",
      type: "string",
      jsonPath: ".status.revision",
      description: "The deployed commit.",
      priority: 1,
    },
    suspendedColumn,
    ageColumn,
  ],
  rules: [
    intervalRange,
    deepIntervalRange,
    {
      path: "spec",
      cel: "self.projectRef.name == oldSelf.projectRef.name",
      message: "projectRef cannot be changed: create another Environment",
      test: (value: Spec, old) => value.projectRef.name === (old as Spec).projectRef.name,
    },
    {
      path: "spec.deploy",
      cel: "has(self.branch) != has(self.revision)",
      message: "set exactly one of branch and revision",
      test: (value: NonNullable<Spec["deploy"]>) =>
        (value.branch === undefined) !== (value.revision === undefined),
    },
    {
      path: "spec.github.branchPolicies",
      cel: "!(has(self.protectedBranches) && self.protectedBranches && has(self.patterns) && size(self.patterns) > 0)",
      message: "protectedBranches and patterns exclude each other on GitHub: set one",
      test: (value: { protectedBranches?: boolean; patterns?: string[] }) =>
        !(value.protectedBranches === true && (value.patterns ?? []).length > 0),
    },
    {
      path: "spec.github.reviewers[]",
      cel: "has(self.user) != has(self.team)",
      message: "set exactly one of user and team",
      test: (value: { user?: string; team?: string }) =>
        (value.user === undefined) !== (value.team === undefined),
    },
    {
      path: "spec.neon.compute",
      cel: "!has(self.min) || !has(self.max) || self.min <= self.max",
      message: "min must not be greater than max",
      test: (value: { min?: number; max?: number }) =>
        value.min === undefined || value.max === undefined || value.min <= value.max,
    },
    {
      path: "spec.secrets[].from",
      cel: "has(self.neon) != has(self.secretRef)",
      message: "set exactly one of neon and secretRef",
      test: (value: Secret["from"]) => (value.neon === undefined) !== (value.secretRef === undefined),
    },
    {
      path: "spec.cloudflare.workers[].bindings[]",
      cel: "(has(self.kv) ? 1 : 0) + (has(self.r2) ? 1 : 0) + (has(self.worker) ? 1 : 0) == 1",
      message: "set exactly one of kv, r2 and worker",
      test: (value: Binding) =>
        [value.kv, value.r2, value.worker].filter((target) => target !== undefined).length === 1,
    },
    {
      path: "spec.cloudflare.workers[].vars[]",
      cel: "has(self.value) != has(self.valueFrom)",
      message: "set exactly one of value and valueFrom",
      test: (value: { value?: string; valueFrom?: unknown }) =>
        (value.value === undefined) !== (value.valueFrom === undefined),
    },
  ],
};

export type EnvironmentSpec = Spec;
export type WorkerSettings = z.output<typeof workerSettings>;
export type EnvironmentSecret = Secret;
