import { z } from "zod";
import { ageColumn, readyColumn, statusColumn, suspendedColumn } from "./columns.ts";
import { intervalRange } from "./duration-range.ts";
import { interval, localReference, objectName, statusOf, suspend } from "./fields.ts";
import type { KindDefinition } from "./kind.ts";

const spec = z.object({
  provider: z.enum(["GitHub", "Neon", "Cloudflare"]).describe("Which provider this identity is at."),
  endpoint: z
    .string()
    .max(2048)
    .regex(/^https?:\/\/[^\s]+$/)
    .optional()
    .describe(
      "Base URL of the provider's API, for GitHub Enterprise Server or the sandbox. Default: the public service.",
    ),
  account: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe(
      "GitHub owner, Neon organization id or Cloudflare account id that things are created in. Default: what the credentials belong to, when that is one account.",
    ),
  credentials: z
    .object({ secretRef: localReference("Secret") })
    .describe(
      "Secret with the credentials. GitHub: token, or appId, installationId and privateKey; Neon: apiKey; Cloudflare: apiToken; for webhooks also webhookSecret.",
    ),
  allowedNamespaces: z
    .array(z.union([z.literal("*"), objectName()]))
    .max(256)
    .optional()
    .meta({ "x-kubernetes-list-type": "set" })
    .describe("Other namespaces whose objects may use this Connection; * for all. Default: only its own."),
  budget: z
    .object({
      share: z
        .number()
        .min(0.05)
        .max(1)
        .default(0.8)
        .describe(
          "The part of the provider's rate limit that this controller may use, from 0.05 to 1. Default 0.8.",
        ),
    })
    .optional()
    .describe("How much of the provider's rate limit is used."),
  workersUrl: z
    .string()
    .max(512)
    .regex(/^https?:\/\/.*\{script\}.*$/)
    .optional()
    .describe(
      "URL under which Workers answer, with {script} and {subdomain}; Cloudflare only. Default https://{script}.{subdomain}.workers.dev.",
    ),
  suspend: suspend(),
  interval: interval("10m").describe(
    "How often the Secret is read again and refused credentials are tried again, as a Go duration from 30s to 24h; the provider is asked about credentials that work once an hour at most. Default 10m.",
  ),
});

const status = statusOf({
  identity: z.string().optional().describe("Who the provider says these credentials are."),
  account: z.string().optional().describe("The account that things are created in."),
  breaker: z
    .enum(["Closed", "Open"])
    .optional()
    .describe("Whether calls to the provider are held back after repeated failures."),
  throttledUntil: z.string().optional().describe("Until when the provider asked for no more calls."),
});

export const connection: KindDefinition = {
  kind: "Connection",
  plural: "connections",
  singular: "connection",
  shortNames: ["conn"],
  description: "One identity at one provider.",
  spec,
  status,
  columns: [
    {
      name: "Provider",
      type: "string",
      jsonPath: ".spec.provider",
      description: "GitHub, Neon or Cloudflare.",
    },
    {
      name: "Identity",
      type: "string",
      jsonPath: ".status.identity",
      description: "Who the provider says this is.",
    },
    readyColumn("Whether the credentials work."),
    statusColumn,
    suspendedColumn,
    ageColumn,
  ],
  rules: [
    intervalRange,
    {
      path: "spec",
      cel: "self.provider == oldSelf.provider",
      message: "provider cannot be changed: create another Connection",
      test: (value: z.output<typeof spec>, old) => value.provider === (old as z.output<typeof spec>).provider,
    },
    {
      path: "spec",
      cel: "!has(self.workersUrl) || self.provider == 'Cloudflare'",
      message: "workersUrl belongs to a Connection with provider: Cloudflare",
      test: (value: z.output<typeof spec>) =>
        value.workersUrl === undefined || value.provider === "Cloudflare",
    },
  ],
};

export type ConnectionSpec = z.output<typeof spec>;
export type ConnectionStatus = z.output<typeof status>;
