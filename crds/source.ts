import { z } from "zod";
import { ageColumn, readyColumn, statusColumn, suspendedColumn } from "./columns.ts";
import { intervalRange } from "./duration-range.ts";
import { interval, localReference, statusOf, suspend } from "./fields.ts";
import type { KindDefinition } from "./kind.ts";

const spec = z.object({
  git: z
    .object({
      url: z
        .string()
        .min(1)
        .max(2048)
        .regex(
          /^(https:\/\/|ssh:\/\/|file:\/\/|[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:)[^\s]+$/,
        )
        .describe("https://, ssh:// (or user@host:path), or file:// below an allowed directory."),
      branch: z.string().min(1).max(244).default("main").describe("Branch that is followed. Default main."),
      secretRef: localReference("Secret")
        .optional()
        .describe("Secret with token (https), or sshPrivateKey and knownHosts (ssh)."),
    })
    .optional()
    .describe("A git repository."),
  directory: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe("A directory on the controller's machine, below one named with --allow-directory."),
  path: z
    .string()
    .max(1024)
    .regex(/^[^\0]*$/)
    .default("./")
    .describe("Folder inside the repository or directory that is read, with its subfolders. Default ./"),
  prune: z
    .boolean()
    .default(true)
    .describe("Whether objects whose manifest disappears are deleted, within the guard. Default true."),
  suspend: suspend(),
  interval: interval("1m"),
});

const status = statusOf({
  observedRevision: z
    .string()
    .optional()
    .describe("The newest revision that was read, as branch@sha1:<commit>, or dir@sha256:<hash>."),
  appliedRevision: z.string().optional().describe("The newest revision that was applied without any error."),
  inventory: z
    .array(
      z.object({
        kind: z.string().describe("Kind of the object."),
        name: z.string().describe("Name of the object."),
        file: z.string().describe("File that declares it."),
      }),
    )
    .optional()
    .describe("Every object that this Source applied and still owns."),
  errors: z
    .array(
      z.object({
        file: z.string().describe("File, relative to the source's path."),
        line: z.int().optional().describe("Line, from 1."),
        column: z.int().optional().describe("Column, from 1."),
        field: z.string().optional().describe("Field path inside the object."),
        message: z.string().describe("What is wrong and what to do."),
      }),
    )
    .optional()
    .describe("What is wrong in which file; the objects of these files keep their last good spec."),
});

export const source: KindDefinition = {
  kind: "Source",
  plural: "sources",
  singular: "source",
  shortNames: ["src"],
  description: "Where desired state comes from: a git repository or a directory of YAML.",
  spec,
  status,
  columns: [
    readyColumn("Whether everything was applied."),
    statusColumn,
    {
      name: "Revision",
      type: "string",
      jsonPath: ".status.appliedRevision",
      description: "The newest revision applied.",
    },
    { name: "URL", type: "string", jsonPath: ".spec.git.url", description: "Git repository.", priority: 1 },
    {
      name: "Directory",
      type: "string",
      jsonPath: ".spec.directory",
      description: "Directory.",
      priority: 1,
    },
    suspendedColumn,
    ageColumn,
  ],
  rules: [
    intervalRange,
    {
      path: "spec",
      cel: "has(self.git) != has(self.directory)",
      message: "set exactly one of git and directory",
      test: (value: z.output<typeof spec>) => (value.git === undefined) !== (value.directory === undefined),
    },
  ],
};

export type SourceSpec = z.output<typeof spec>;
export type SourceStatus = z.output<typeof status>;
