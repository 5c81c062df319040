import { z } from "zod";
import { ageColumn, readyColumn, statusColumn, suspendedColumn } from "./columns.ts";
import { deepIntervalRange, intervalRange, within } from "./duration-range.ts";
import {
  connectionReference,
  deepInterval,
  deletionPolicy,
  drift,
  duration,
  interval,
  inventory,
  localReference,
  logicalName,
  state,
  statusOf,
  suspend,
} from "./fields.ts";
import type { KindDefinition } from "./kind.ts";
import { projectGitHub, someRule } from "./project-github.ts";

const neon = z
  .object({
    connectionRef: connectionReference(),
    region: z
      .string()
      .min(1)
      .max(64)
      .describe("Region id, such as aws-eu-central-1; cannot be changed later."),
    postgresVersion: z
      .int()
      .min(14)
      .max(18)
      .default(17)
      .describe("Major version of Postgres, 14 to 18; cannot be changed later. Default 17."),
    branch: z
      .string()
      .min(1)
      .max(256)
      .default("main")
      .describe("Name of the root branch, set when the project is created. Default main."),
    database: z
      .string()
      .max(63)
      .regex(/^[a-z_][a-z0-9_]*$/)
      .default("app")
      .describe("Name of the database on every branch. Default app."),
    role: z
      .string()
      .max(63)
      .regex(/^[a-z_][a-z0-9_]*$/)
      .default("app")
      .describe("Name of the role that owns the database. Default app."),
    historyRetention: duration()
      .optional()
      .describe("How long history is kept for restores, up to 720h; not managed when not set."),
    settings: z
      .object({
        allowedIps: z
          .array(z.string().max(64))
          .max(256)
          .optional()
          .describe("Addresses and ranges that may connect."),
        allowedIpsProtectedBranchesOnly: z
          .boolean()
          .optional()
          .describe("Whether allowedIps holds for protected branches only."),
        blockPublicConnections: z
          .boolean()
          .optional()
          .describe("Whether connections from the public internet are refused."),
        logicalReplication: z
          .literal(true)
          .optional()
          .describe("True enables logical replication; Neon cannot disable it again."),
      })
      .optional()
      .describe("Settings of the Neon project; what is not set is not managed."),
  })
  .describe("The project's database on Neon.");

const storage = (what: string) =>
  z.object({
    name: logicalName().describe(`Logical name of the ${what}.`),
    scope: z
      .enum(["Environment", "Project"])
      .default("Environment")
      .describe(
        "Environment: one for each environment and preview. Project: one that all share. Default Environment.",
      ),
  });

const cloudflare = z
  .object({
    connectionRef: connectionReference(),
    workers: z
      .array(
        z.object({
          name: logicalName().describe("Logical name of the Worker."),
          code: z
            .object({
              path: z
                .string()
                .min(1)
                .max(1024)
                .regex(/^[^/].*$/)
                .describe(
                  "A prebuilt module, or a directory with a wrangler.json, committed in the repository.",
                ),
            })
            .describe("Where the Worker's bundle comes from; Flaresmith never builds."),
        }),
      )
      .max(50)
      .optional()
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .describe("Workers, each deployed once per environment."),
    kv: z
      .array(storage("KV namespace"))
      .max(50)
      .optional()
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .describe("KV namespaces."),
    r2: z
      .array(storage("R2 bucket"))
      .max(50)
      .optional()
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .describe("R2 buckets."),
  })
  .describe("What the project runs on Cloudflare.");

const previews = z
  .object({
    environmentRef: localReference("Environment")
      .optional()
      .describe("Environment that previews are based on when they name none."),
    ttl: duration()
      .default("72h")
      .describe("How long a Preview lives when it sets no ttl, 24h to 168h. Default 72h."),
    max: z
      .int()
      .min(0)
      .max(500)
      .default(15)
      .describe("How many previews may be active at once; later ones wait. Default 15."),
    data: z
      .enum(["Branch", "SchemaOnly", "None"])
      .optional()
      .describe(
        "What a preview's database starts with: a copy of its base's data, the schema only, or no database. Must be set when the base is a Production environment. Default Branch.",
      ),
  })
  .describe("How previews of this project are made.");

const spec = z.object({
  github: projectGitHub.optional(),
  neon: neon.optional(),
  cloudflare: cloudflare.optional(),
  previews: previews.optional(),
  deletionPolicy: deletionPolicy(),
  drift: drift(),
  suspend: suspend(),
  interval: interval("10m"),
  deepInterval: deepInterval(),
});

const status = statusOf({
  state: state(),
  repositoryUrl: z.string().optional().describe("Where people find the repository."),
  neonProject: z.string().optional().describe("Id of the Neon project."),
  inventory: inventory(),
});

type Spec = z.output<typeof spec>;

export const project: KindDefinition = {
  kind: "Project",
  plural: "projects",
  singular: "project",
  shortNames: ["proj"],
  description:
    "A repository, a database and the Workers of one product, from which environments and previews are made.",
  spec,
  status,
  columns: [
    {
      name: "Repository",
      type: "string",
      jsonPath: ".status.repositoryUrl",
      description: "Where people find the repository.",
    },
    {
      name: "Neon",
      type: "string",
      jsonPath: ".status.neonProject",
      description: "Id of the Neon project.",
      priority: 1,
    },
    { name: "State", type: "string", jsonPath: ".status.state", description: "One word that sums it up." },
    readyColumn(),
    statusColumn,
    suspendedColumn,
    ageColumn,
  ],
  rules: [
    intervalRange,
    deepIntervalRange,
    someRule,
    {
      path: "spec",
      cel: "has(self.github) || !has(self.cloudflare) || !has(self.cloudflare.workers) || size(self.cloudflare.workers) == 0",
      message: "cloudflare.workers needs github: a Worker's code is read from the project's repository",
      test: (value: Spec) => value.github !== undefined || (value.cloudflare?.workers ?? []).length === 0,
    },
    {
      path: "spec.github",
      cel: "self.mode != 'Reference' || (!has(self.template) && !has(self.visibility) && !has(self.description) && !has(self.topics) && !has(self.settings) && !has(self.rulesets) && !has(self.files) && !has(self.variables) && !has(self.secrets) && !has(self.defaultBranch))",
      message:
        "mode: Reference never writes to the repository: remove template, visibility, description, topics, defaultBranch, settings, files, rulesets, variables and secrets, or use mode: Manage in one Project",
      test: (value: NonNullable<Spec["github"]>) =>
        value.mode !== "Reference" ||
        [
          value.template,
          value.visibility,
          value.description,
          value.topics,
          value.settings,
          value.rulesets,
          value.files,
          value.variables,
          value.secrets,
          value.defaultBranch,
        ].every((field) => field === undefined),
    },
    {
      path: "spec.neon",
      cel: "self.region == oldSelf.region",
      message: "region cannot be changed: Neon has no way to move a project; create another Project",
      test: (value: NonNullable<Spec["neon"]>, old) =>
        value.region === (old as NonNullable<Spec["neon"]>).region,
    },
    {
      path: "spec.neon",
      cel: "self.postgresVersion == oldSelf.postgresVersion",
      message: "postgresVersion cannot be changed: Neon has no upgrade in place; create another Project",
      test: (value: NonNullable<Spec["neon"]>, old) =>
        value.postgresVersion === (old as NonNullable<Spec["neon"]>).postgresVersion,
    },
    {
      path: "spec.previews",
      cel: "duration(self.ttl) >= duration('24h') && duration(self.ttl) <= duration('168h')",
      message: "ttl must be between 24h and 168h",
      test: (value: NonNullable<Spec["previews"]>) => within(value.ttl, "24h", "168h"),
    },
  ],
};

export type ProjectSpec = Spec;
