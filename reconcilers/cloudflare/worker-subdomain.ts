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
import { SCRIPT_ABSENT, scriptPath } from "./scripts.ts";
import type { WorkerSubdomainDesired, WorkerSubdomainObserved, WorkerSubdomainOutputs } from "./types.ts";

type Context = ResourceContext<CloudflareClient>;

/** An account's subdomain practically never changes, in milliseconds. */
const ACCOUNT_SUBDOMAIN_AGE = 6 * 3_600_000;

const accountSubdomain = z.looseObject({ subdomain: z.string().nullish() });
const subdomainSchema = z.looseObject({ enabled: z.boolean(), previews_enabled: z.boolean().nullish() });

/**
 * The account's part of workers.dev URLs.
 * @throws FlaresmithError INTEGRATION_REJECTED, with the remedy, when the account has chosen none yet
 */
export async function readAccountSubdomain(
  context: Pick<Context, "client" | "shared" | "signal">,
  accountId: string,
): Promise<string> {
  const { client, signal } = context;
  const what = "reading the account's workers.dev subdomain";
  const none = new FlaresmithError({
    code: "INTEGRATION_REJECTED",
    message: `${what}: the account ${accountId} has none`,
    hint: "Choose the account's workers.dev subdomain once, in Cloudflare's dashboard under Workers & Pages, or set workersDev: false and use domains.",
    context: { provider: "cloudflare" },
  });
  const load = async (): Promise<string | undefined> => {
    try {
      const path = `/accounts/${segment(accountId)}/workers/subdomain`;
      const answer = await client.call({
        method: "GET",
        path,
        result: accountSubdomain,
        purpose: { what, permission: "Workers Scripts: Read" },
        signal,
      });
      return answer.result.subdomain ?? undefined;
    } catch (error) {
      if (hasCode(error, [10007])) return undefined;
      throw error;
    }
  };
  const subdomain = await context.shared(`account-subdomain:${accountId}`, load, ACCOUNT_SUBDOMAIN_AGE);
  if (subdomain === undefined) throw none;
  return subdomain;
}

/** Where something answers under workers.dev. @param label script name, or `<preview>-<script name>` */
export function workersUrl(template: string, label: string, subdomain: string): string {
  return template.replaceAll("{script}", label).replaceAll("{subdomain}", subdomain);
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
  const removing = entry?.state === "deleting";
  const known = entry?.data?.["state"];
  // No list tells the setting. It is remembered, and read by itself at deep looks; the Worker itself was just observed.
  if (context.depth === "shallow" && !context.fresh && entry?.id !== undefined && known !== undefined) {
    return present(reference, context, parseState(known), "shallow");
  }
  const found = await read(context, reference.scope, reference.name);
  if (!found || (removing && !found.enabled)) return { state: "absent" };
  return present(
    reference,
    context,
    { enabled: found.enabled, previewsEnabled: found.previews_enabled ?? false },
    "deep",
  );
}

interface State {
  enabled: boolean;
  previewsEnabled: boolean;
}

const stateText = (state: State): string =>
  `${state.enabled ? "enabled" : "disabled"},${state.previewsEnabled ? "previews" : "no-previews"}`;
const parseState = (text: string): State => ({
  enabled: text.startsWith("enabled"),
  previewsEnabled: text.endsWith(",previews"),
});

async function present(
  reference: { scope: string; name: string },
  context: Context,
  state: State,
  depth: "shallow" | "deep",
): Promise<Observation<WorkerSubdomainObserved>> {
  // Only what is enabled has a URL, and needs the account to have a subdomain.
  const url = state.enabled
    ? workersUrl(
        context.client.workersUrl,
        reference.name,
        await readAccountSubdomain(context, reference.scope),
      )
    : "";
  return { state: "present", id: reference.name, owner: "unmarked", observed: { ...state, url }, depth };
}

async function write(
  desired: WorkerSubdomainDesired,
  previewsEnabled: boolean | undefined,
  context: Context,
): Promise<WriteResult<WorkerSubdomainObserved>> {
  if (desired.enabled) await readAccountSubdomain(context, desired.accountId);
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
    id: desired.scriptName,
    data: {
      state: stateText({ enabled: result.enabled, previewsEnabled: result.previews_enabled ?? false }),
    },
  };
}

function diff(desired: WorkerSubdomainDesired, observed: WorkerSubdomainObserved): FieldChange[] {
  const changes: FieldChange[] = [];
  const compare = (field: string, from: boolean, to: boolean | undefined): void => {
    if (to !== undefined && from !== to)
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
  outputs: (_desired: WorkerSubdomainDesired, observed: WorkerSubdomainObserved): WorkerSubdomainOutputs =>
    observed.enabled ? { url: observed.url } : {},
});
