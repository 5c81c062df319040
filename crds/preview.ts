import { z } from "zod";
import { ageColumn, readyColumn, statusColumn, suspendedColumn } from "./columns.ts";
import { deepIntervalRange, intervalRange, within } from "./duration-range.ts";
import {
  deepInterval,
  drift,
  duration,
  interval,
  inventory,
  localReference,
  state,
  statusOf,
  suspend,
} from "./fields.ts";
import type { KindDefinition } from "./kind.ts";

const spec = z.object({
  projectRef: localReference("Project"),
  environmentRef: localReference("Environment")
    .optional()
    .describe("The Environment it is based on. Default: the Project's previews.environmentRef."),
  branch: z.string().min(1).max(244).describe("Git branch that is previewed; it must exist."),
  revision: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .optional()
    .describe("A commit, as its full SHA. Default: the newest of the branch."),
  ttl: duration()
    .optional()
    .describe(
      "How long the preview lives after it was created or its spec was changed, 24h to 168h. Default: the Project's previews.ttl.",
    ),
  keepUntil: z.iso
    .datetime()
    .optional()
    .describe("Keeps the preview at least until then, at most 30 days ahead, whatever its ttl."),
  data: z
    .enum(["Branch", "SchemaOnly", "None"])
    .optional()
    .describe("What its database starts with. Default: the Project's previews.data, else Branch."),
  drift: drift(),
  suspend: suspend(),
  interval: interval("10m"),
  deepInterval: deepInterval(),
});

const status = statusOf({
  state: state(),
  url: z.string().optional().describe("Where the preview's first Worker answers."),
  urls: z.array(z.string()).optional().describe("Every URL of the preview."),
  branch: z.string().optional().describe("The git branch that is previewed."),
  revision: z.string().optional().describe("The deployed commit."),
  neonBranch: z.string().optional().describe("Name of the Neon branch."),
  activatedAt: z
    .string()
    .optional()
    .describe("When the life of the current spec began; the ttl counts from here."),
  activatedGeneration: z.int().optional().describe("The generation whose life activatedAt begins."),
  expiresAt: z.string().optional().describe("When the preview's external things are removed."),
  queuePosition: z
    .int()
    .optional()
    .describe("Place in the queue while the project's previews.max is reached, from 1."),
  inventory: inventory(),
});

type Spec = z.output<typeof spec>;

export const preview: KindDefinition = {
  kind: "Preview",
  plural: "previews",
  singular: "preview",
  shortNames: ["prev"],
  description:
    "An environment at another revision: with its own database branch and URL, for a limited time.",
  spec,
  status,
  columns: [
    { name: "Project", type: "string", jsonPath: ".spec.projectRef.name", description: "The project." },
    {
      name: "Branch",
      type: "string",
      jsonPath: ".spec.branch",
      description: "The git branch that is previewed.",
    },
    { name: "Neon", type: "string", jsonPath: ".status.neonBranch", description: "The Neon branch." },
    { name: "URL", type: "string", jsonPath: ".status.url", description: "Where it answers." },
    { name: "Expires", type: "string", jsonPath: ".status.expiresAt", description: "When it is removed." },
    readyColumn(),
    statusColumn,
    suspendedColumn,
    ageColumn,
  ],
  rules: [
    intervalRange,
    deepIntervalRange,
    {
      path: "spec",
      cel: "self.projectRef.name == oldSelf.projectRef.name",
      message: "projectRef cannot be changed: create another Preview",
      test: (value: Spec, old) => value.projectRef.name === (old as Spec).projectRef.name,
    },
    {
      path: "spec",
      cel: "!has(self.ttl) || (duration(self.ttl) >= duration('24h') && duration(self.ttl) <= duration('168h'))",
      message: "ttl must be between 24h and 168h",
      test: (value: Spec) => value.ttl === undefined || within(value.ttl, "24h", "168h"),
    },
  ],
};

export type PreviewSpec = Spec;
