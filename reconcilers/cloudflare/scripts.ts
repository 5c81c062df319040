/** Reads of Worker scripts: the account's listing and one script's settings. */
import { z } from "zod";
import type { CloudflareClient } from "./client.ts";
import { segment } from "./client.ts";
import { isAbsence } from "./failures.ts";
import { readList } from "./paging.ts";
import { bindingSchema } from "./worker-bindings.ts";

/** Cloudflare's words for "there is no such script" (research of the live API). */
export const SCRIPT_ABSENT: readonly number[] = Object.freeze([10007, 10090]);

/** What lies in a Worker waits for: the Worker was observed in the same pass, and this part says that there is none. */
export const NOT_KNOWN_YET = "Cloudflare does not know the new Worker everywhere yet";

const scriptSchema = z.looseObject({
  id: z.string(),
  tag: z.string().nullish(),
  created_on: z.string().nullish(),
  etag: z.string().nullish(),
  modified_on: z.string().nullish(),
  tags: z.array(z.string()).nullish(),
  compatibility_date: z.string().nullish(),
  compatibility_flags: z.array(z.string()).nullish(),
  observability: z.record(z.string(), z.unknown()).nullish(),
});

const settingsSchema = z.looseObject({
  bindings: z.array(bindingSchema).nullish(),
  compatibility_date: z.string().nullish(),
  compatibility_flags: z.array(z.string()).nullish(),
  tags: z.array(z.string()).nullish(),
  observability: z.record(z.string(), z.unknown()).nullish(),
  logpush: z.boolean().nullish(),
  tail_consumers: z.array(z.unknown()).nullish(),
  placement: z.record(z.string(), z.unknown()).nullish(),
  limits: z.record(z.string(), z.unknown()).nullish(),
  annotations: z.record(z.string(), z.unknown()).nullish(),
});

export type ListedScript = z.output<typeof scriptSchema>;
export type ScriptSettings = z.output<typeof settingsSchema>;

export function scriptPath(accountId: string, scriptName: string): string {
  return `/accounts/${segment(accountId)}/workers/scripts/${segment(scriptName)}`;
}

/** Every script of an account, in one answer. */
export function readScripts(
  client: CloudflareClient,
  accountId: string,
  signal: AbortSignal,
): Promise<ListedScript[]> {
  return readList(client, {
    path: `/accounts/${segment(accountId)}/workers/scripts`,
    item: scriptSchema,
    purpose: { what: "listing the account's Workers", permission: "Workers Scripts: Read" },
    signal,
  });
}

/** Settings of one script; undefined when Cloudflare says that there is none. */
export async function readSettings(
  client: CloudflareClient,
  accountId: string,
  scriptName: string,
  signal: AbortSignal,
): Promise<ScriptSettings | undefined> {
  try {
    const answer = await client.call({
      method: "GET",
      path: `${scriptPath(accountId, scriptName)}/settings`,
      result: settingsSchema,
      purpose: {
        what: `reading the settings of the Worker ${scriptName}`,
        permission: "Workers Scripts: Read",
      },
      signal,
    });
    return answer.result;
  } catch (error) {
    if (isAbsence(error, SCRIPT_ABSENT)) return undefined;
    throw error;
  }
}

const deploymentsSchema = z.looseObject({
  deployments: z
    .array(z.looseObject({ versions: z.array(z.looseObject({ version_id: z.string() })) }))
    .nullish(),
});

/** An id of a version, which answers write with hyphens and without (workers-sdk, `parseNonHyphenedUuid`). */
export function plainVersion(id: string): string {
  return id.replaceAll("-", "").toLowerCase();
}

/**
 * Id of the version that serves a script; of several that share the traffic, all ids with a sign between, which is no
 * version's. Undefined when nothing was deployed.
 */
export async function readServingVersion(
  client: CloudflareClient,
  accountId: string,
  scriptName: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { result } = await client.call({
    method: "GET",
    path: `${scriptPath(accountId, scriptName)}/deployments`,
    result: deploymentsSchema,
    purpose: {
      what: `reading the deployments of the Worker ${scriptName}`,
      permission: "Workers Scripts: Read",
    },
    signal,
  });
  // The newest comes first, and it is the one that serves.
  const ids = result.deployments?.[0]?.versions.map((share) => plainVersion(share.version_id));
  return ids?.toSorted().join("+");
}
