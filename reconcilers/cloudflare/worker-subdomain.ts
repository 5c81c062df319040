/**
 * Whether a Worker answers under workers.dev, and where. It lies in the Worker and carries no marker of its own. A script
 * that was uploaded a moment ago is unknown to this part of Cloudflare for some seconds.
 */
import { z } from "zod";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type {
  FieldChange,
  Observation,
  ResourceContext,
  ResourceDefinition,
  WriteResult,
} from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { segment } from "./client.ts";
import { hasCode, isAbsence } from "./failures.ts";
import { NOT_KNOWN_YET, SCRIPT_ABSENT, scriptPath } from "./scripts.ts";
import type { WorkerSubdomainDesired, WorkerSubdomainObserved, WorkerSubdomainOutputs } from "./types.ts";

type Context = ResourceContext<CloudflareClient>;

/** An account's subdomain practically never changes, in milliseconds. */
const ACCOUNT_SUBDOMAIN_AGE = 6 * 3_600_000;

const accountSubdomain = z.looseObject({ subdomain: z.string().nullish() }).nullish();
const subdomainSchema = z.looseObject({ enabled: z.boolean(), previews_enabled: z.boolean().nullish() });

/**
 * The account's part of workers.dev URLs; undefined when it has chosen none yet.
 * @throws FlaresmithError for whatever the call throws
 */
export function readAccountSubdomain(
  context: Pick<Context, "client" | "shared" | "signal">,
  accountId: string,
): Promise<string | undefined> {
  const { client, signal } = context;
  const load = async (): Promise<string | undefined> => {
    try {
      const answer = await client.call({
        method: "GET",
        path: `/accounts/${segment(accountId)}/workers/subdomain`,
        result: accountSubdomain,
        purpose: { what: "reading the account's workers.dev subdomain", permission: "Workers Scripts: Read" },
        signal,
      });
      return answer.result?.subdomain ?? undefined;
    } catch (error) {
      // 10007 is Cloudflare's word for an account that never had one.
      if (hasCode(error, [10007])) return undefined;
      throw error;
    }
  };
  return context.shared(`account-subdomain:${accountId}`, load, ACCOUNT_SUBDOMAIN_AGE);
}

/** The same, for what cannot do without. @throws FlaresmithError INTEGRATION_REJECTED with the remedy when there is none */
async function requireAccountSubdomain(
  context: Pick<Context, "client" | "shared" | "signal">,
  accountId: string,
): Promise<string> {
  const subdomain = await readAccountSubdomain(context, accountId);
  if (subdomain !== undefined) return subdomain;
  throw new FlaresmithError({
    code: "INTEGRATION_REJECTED",
    message: `the Cloudflare account ${accountId} has no workers.dev subdomain`,
    hint: "Choose the account's workers.dev subdomain once, in Cloudflare's dashboard under Workers & Pages, or set workersDev: false and use domains.",
    context: { provider: "cloudflare" },
  });
}

/** Where something answers under workers.dev. @param label script name, or `<preview>-<script name>` */
export function workersUrl(template: string, label: string, subdomain: string): string {
  return template.replaceAll("{script}", label).replaceAll("{subdomain}", subdomain);
}

function urlOf(context: Context, scriptName: string, subdomain: string | undefined): string | undefined {
  return subdomain === undefined ? undefined : workersUrl(context.client.workersUrl, scriptName, subdomain);
}

async function read(
  context: Context,
  accountId: string,
  scriptName: string,
): Promise<z.output<typeof subdomainSchema> | undefined> {
  try {
    const answer = await context.client.call({
      method: "GET",
      path: `${scriptPath(accountId, scriptName)}/subdomain`,
      result: subdomainSchema,
      purpose: {
        what: `reading the workers.dev setting of the Worker ${scriptName}`,
        permission: "Workers Scripts: Read",
      },
      signal: context.signal,
    });
    return answer.result;
  } catch (error) {
    if (isAbsence(error, SCRIPT_ABSENT)) return undefined;
    throw error;
  }
}

async function observe(
  reference: { scope: string; name: string },
  context: Context,
): Promise<Observation<WorkerSubdomainObserved>> {
  const { entry } = context;
  // No list tells the setting: it is read at deep looks only. The Worker itself was observed in the same pass.
  const deep = context.depth === "deep" || context.fresh || entry?.id === undefined;
  const found = deep ? await read(context, reference.scope, reference.name) : undefined;
  if (entry?.state === "deleting" && found?.enabled !== true) return { state: "absent" };
  const subdomain = await readAccountSubdomain(context, reference.scope);
  return {
    state: "present",
    id: reference.name,
    owner: "unmarked",
    observed: {
      enabled: found?.enabled,
      previewsEnabled: found === undefined ? undefined : (found.previews_enabled ?? false),
      url: urlOf(context, reference.name, subdomain),
    },
    depth: deep ? "deep" : "shallow",
    ...(deep && !found ? { pending: NOT_KNOWN_YET } : {}),
  };
}

async function write(
  desired: WorkerSubdomainDesired,
  previewsEnabled: boolean | undefined,
  context: Context,
): Promise<WriteResult<WorkerSubdomainObserved>> {
  const { accountId, scriptName } = desired;
  const subdomain = desired.enabled
    ? await requireAccountSubdomain(context, accountId)
    : await readAccountSubdomain(context, accountId);
  const { result } = await context.client.call({
    method: "POST",
    path: `${scriptPath(desired.accountId, desired.scriptName)}/subdomain`,
    json: {
      enabled: desired.enabled,
      ...(previewsEnabled === undefined ? {} : { previews_enabled: previewsEnabled }),
    },
    result: subdomainSchema,
    purpose: {
      what: `setting workers.dev of the Worker ${desired.scriptName}`,
      permission: "Workers Scripts: Edit",
      field: "spec.cloudflare.workers[].workersDev",
    },
    signal: context.signal,
  });
  return {
    id: scriptName,
    observed: {
      enabled: result.enabled,
      previewsEnabled: result.previews_enabled ?? false,
      url: urlOf(context, scriptName, subdomain),
    },
  };
}

function diff(desired: WorkerSubdomainDesired, observed: WorkerSubdomainObserved): FieldChange[] {
  const changes: FieldChange[] = [];
  const compare = (field: string, from: boolean | undefined, to: boolean | undefined): void => {
    if (from !== undefined && to !== undefined && from !== to)
      changes.push({ field, effect: "in-place", from: String(from), to: String(to) });
  };
  compare("workersDev", observed.enabled, desired.enabled);
  compare("previews", observed.previewsEnabled, desired.previewsEnabled);
  return changes;
}

export const workerSubdomain: ResourceDefinition<
  WorkerSubdomainDesired,
  WorkerSubdomainObserved,
  CloudflareClient
> = Object.freeze({
  provider: "cloudflare",
  type: "workerSubdomain",
  segment: "cloudflareWorkerSubdomain",
  holds: "nothing",
  ownership: "inherited",
  content: true,
  fields: Object.freeze({ workersDev: "deep", previews: "deep" }),
  reference: (desired: WorkerSubdomainDesired) => ({ scope: desired.accountId, name: desired.scriptName }),
  observe,
  diff,
  create: (desired: WorkerSubdomainDesired, context: Context) =>
    write(desired, desired.previewsEnabled, context),
  update: (
    desired: WorkerSubdomainDesired,
    observed: WorkerSubdomainObserved,
    _changes: unknown,
    context: Context,
  ) => write(desired, desired.previewsEnabled ?? observed.previewsEnabled, context),
  remove: async (reference: { scope: string; name: string }, context: Context): Promise<void> => {
    const desired = { accountId: reference.scope, scriptName: reference.name, enabled: false };
    try {
      await write(desired, false, context);
    } catch (error) {
      if (!isAbsence(error, SCRIPT_ABSENT)) throw error;
    }
  },
  outputs: (desired: WorkerSubdomainDesired, observed: WorkerSubdomainObserved): WorkerSubdomainOutputs =>
    desired.enabled && observed.url !== undefined ? { url: observed.url } : {},
});
