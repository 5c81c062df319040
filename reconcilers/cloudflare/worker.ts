/**
 * A Worker: its code, the configuration that belongs to code, vars, secrets and bindings, all in one upload. A shallow
 * look is the account's listing: unchanged are etag, modification time and the hash in our tag. When one of them moved,
 * and at every deep look, the settings are read and compared field by field.
 */
import type {
  InventoryEntry,
  Observation,
  ResourceContext,
  ResourceDefinition,
  WriteResult,
} from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { isAbsence } from "./failures.ts";
import { readMarker, withMarker } from "./marker-tags.ts";
import { listMarkedWorkers } from "./marked.ts";
import { SCRIPT_ABSENT, readScripts, readServingVersion, readSettings, scriptPath } from "./scripts.ts";
import type { ListedScript, ScriptSettings } from "./scripts.ts";
import type { WorkerDesired, WorkerObserved, WorkerOutputs } from "./types.ts";
import { z } from "zod";
import { foreignBindings, observedBinding } from "./worker-bindings.ts";
import { readUploadHash, uploadHashOf } from "./version-annotations.ts";
import { claimNames, diffWorker, recallWorker, remembered, specHash, writtenNames } from "./worker-diff.ts";
import { plainTag, uploadWorker } from "./worker-upload.ts";

interface Found {
  /** Undefined while the listing does not show what its settings prove to exist. */
  script: ListedScript | undefined;
  settings: ScriptSettings | undefined;
}

type Context = ResourceContext<CloudflareClient>;

/** How long, in milliseconds, the account's listing may show the script as it was before an upload. */
const LISTING_LAG = 60_000;

const fingerprint = (etag: string, modifiedOn: string): string => `${etag} ${modifiedOn}`;

/** What the spec cannot say and an upload would reset: sent back as it is. */
function otherSettings(settings: ScriptSettings): Record<string, unknown> {
  const given = (value: Readonly<Record<string, unknown>> | null | undefined): boolean =>
    value !== undefined && value !== null && Object.keys(value).length > 0;
  return {
    ...(settings.logpush === true ? { logpush: true } : {}),
    ...((settings.tail_consumers ?? []).length > 0 ? { tail_consumers: settings.tail_consumers } : {}),
    ...(given(settings.observability) ? { observability: settings.observability } : {}),
    ...(given(settings.placement) ? { placement: settings.placement } : {}),
    ...(given(settings.limits) ? { limits: settings.limits } : {}),
  };
}

function observedOf(
  name: string,
  script: ListedScript | undefined,
  settings: ScriptSettings | undefined,
): WorkerObserved {
  const tags = settings?.tags ?? script?.tags ?? [];
  const date = settings?.compatibility_date ?? script?.compatibility_date ?? "";
  return {
    scriptName: name,
    id: script?.tag ?? script?.id ?? "",
    etag: plainTag(script?.etag ?? ""),
    modifiedOn: script?.modified_on ?? "",
    tags,
    specHash: readMarker(tags).specHash,
    uploadHash: settings && readUploadHash(settings.annotations),
    compatibilityDate: date === "" ? undefined : date,
    compatibilityFlags: settings?.compatibility_flags ?? script?.compatibility_flags ?? undefined,
    observability: settings?.observability ?? script?.observability ?? undefined,
    bindings: settings && (settings.bindings ?? []).map(observedBinding),
    version: undefined,
    otherSettings: settings && otherSettings(settings),
  };
}

/** By itself, with a listing of this moment. */
async function findAlone(context: Context, accountId: string, name: string): Promise<Found | undefined> {
  const { client, signal } = context;
  const settings = await readSettings(client, accountId, name, signal);
  if (!settings) return undefined;
  const scripts = await readScripts(client, accountId, signal);
  return { script: scripts.find((candidate) => candidate.id === name), settings };
}

async function find(context: Context, accountId: string, name: string): Promise<Found | undefined> {
  const { client, entry, signal } = context;
  const found = await context.read<ListedScript[], Found>({
    listing: accountId,
    list: () => readScripts(client, accountId, signal),
    find: (scripts) => {
      const script = scripts.find((candidate) => candidate.id === name);
      return script && { script, settings: undefined };
    },
    single: () => findAlone(context, accountId, name),
  });
  // A shared listing from before an upload that another leader made meanwhile.
  const uploadedOn = entry?.data?.["modifiedOn"] ?? "";
  const isOld = found?.settings === undefined && (found?.script?.modified_on ?? "") < uploadedOn;
  return found !== undefined && isOld ? findAlone(context, accountId, name) : found;
}

async function observe(
  reference: { scope: string; name: string },
  context: Context,
): Promise<Observation<WorkerObserved>> {
  const found = await find(context, reference.scope, reference.name);
  if (!found) return { state: "absent" };
  const { script } = found;
  const { entry } = context;
  const now = fingerprint(plainTag(script?.etag ?? ""), script?.modified_on ?? "");
  const deep = found.settings !== undefined || context.depth === "deep" || entry?.fingerprint !== now;
  const settings =
    found.settings ??
    (deep ? await readSettings(context.client, reference.scope, reference.name, context.signal) : undefined);
  if (deep && !settings) return { state: "absent" };
  const observed = observedOf(reference.name, script, settings);
  // A listing that is older than our own upload would look like somebody else's change.
  const uploadedOn = entry?.data?.["modifiedOn"];
  const recent = uploadedOn !== undefined && context.clock.now() - Date.parse(uploadedOn) < LISTING_LAG;
  const stale = script === undefined || (recent && observed.modifiedOn < uploadedOn);
  const owner = context.marker.classify(readMarker(observed.tags).marker);
  // Values of secrets cannot be read. That somebody deployed after us, by setting a secret for example, can.
  const asked =
    entry?.data?.["version"] === undefined ? owner === "ours" : uploadedOn !== observed.modifiedOn;
  const version =
    deep && asked && !stale
      ? await readServingVersion(context.client, reference.scope, reference.name, context.signal)
      : undefined;
  return {
    state: "present",
    id: observed.id === "" ? (entry?.id ?? reference.name) : observed.id,
    owner,
    observed: { ...observed, version },
    depth: deep ? "deep" : "shallow",
    ...(stale
      ? { pending: "Cloudflare's list of Workers does not show the latest upload yet" }
      : { fingerprint: now }),
  };
}

async function upload(
  desired: WorkerDesired,
  observed: WorkerObserved | undefined,
  context: Context,
): Promise<WriteResult<WorkerObserved>> {
  const { client, entry, marker, signal, witness } = context;
  const bindings = observed?.bindings ?? [];
  const foreign =
    desired.bindingsPolicy === "Exclusive" ? [] : foreignBindings(bindings, desired, writtenNames(entry));
  const hash = specHash(desired);
  const uploadHash = uploadHashOf(hash, witness);
  const what = `the Worker ${desired.scriptName}`;
  const tags = withMarker({ what, existing: observed?.tags ?? [], marker: marker.text, specHash: hash });
  const uploaded = await uploadWorker(client, {
    desired,
    tags,
    uploadHash,
    inherit: foreign.map((binding) => binding.name),
    otherSettings: observed?.otherSettings ?? {},
    signal,
  });
  const { compatibilityDate, compatibilityFlags, observability } = desired.bundle;
  return {
    id: uploaded.id,
    observed: {
      ...uploaded,
      scriptName: desired.scriptName,
      tags,
      specHash: hash,
      uploadHash,
      compatibilityDate,
      compatibilityFlags,
      observability: observability ?? observed?.observability,
      bindings: undefined,
      otherSettings: undefined,
    },
    fingerprint: fingerprint(uploaded.etag, uploaded.modifiedOn),
    data: remembered(desired, {
      etag: uploaded.etag,
      modifiedOn: uploaded.modifiedOn,
      ...(uploaded.version === undefined ? {} : { version: uploaded.version }),
    }),
  };
}

/** Foreign bindings can only be kept when they are known: what was seen shallowly is read again. */
async function update(
  desired: WorkerDesired,
  observed: WorkerObserved,
  context: Context,
): Promise<WriteResult<WorkerObserved>> {
  if (observed.bindings !== undefined) return upload(desired, observed, context);
  const settings = await readSettings(context.client, desired.accountId, desired.scriptName, context.signal);
  return upload(desired, settings ? { ...observed, ...pick(settings) } : observed, context);
}

function pick(settings: ScriptSettings): Pick<WorkerObserved, "bindings" | "otherSettings" | "tags"> {
  return {
    bindings: (settings.bindings ?? []).map(observedBinding),
    otherSettings: otherSettings(settings),
    tags: settings.tags ?? [],
  };
}

export const worker: ResourceDefinition<WorkerDesired, WorkerObserved, CloudflareClient> = Object.freeze({
  provider: "cloudflare",
  type: "worker",
  segment: "cloudflareWorker",
  holds: "code",
  liesInAccount: true,
  ownership: "marked",
  fields: Object.freeze({
    code: "shallow",
    compatibilityDate: "shallow",
    compatibilityFlags: "shallow",
    observability: "shallow",
    assets: "shallow",
    vars: "shallow",
    bindings: "shallow",
    bindingsPolicy: "shallow",
    // That a secret is there is seen when the fingerprint moves; its value is compared with what was written last.
    secrets: "write-only",
    hash: "shallow",
  }),
  reference: (desired: WorkerDesired) => ({ scope: desired.accountId, name: desired.scriptName }),
  secrets: (desired: WorkerDesired) => desired.secrets,
  observe,
  diff: diffWorker,
  recall: recallWorker,
  claim: (desired: WorkerDesired, _observed: unknown, entry: InventoryEntry | undefined) =>
    claimNames(desired, entry),
  create: (desired: WorkerDesired, context: Context) => upload(desired, undefined, context),
  update: (desired: WorkerDesired, observed: WorkerObserved, _changes: unknown, context: Context) =>
    update(desired, observed, context),
  remove: async (reference: { scope: string; name: string }, context: Context): Promise<void> => {
    try {
      await context.client.call({
        method: "DELETE",
        path: scriptPath(reference.scope, reference.name),
        result: z.unknown(),
        purpose: { what: `deleting the Worker ${reference.name}`, permission: "Workers Scripts: Edit" },
        signal: context.signal,
      });
    } catch (error) {
      if (!isAbsence(error, SCRIPT_ABSENT)) throw error;
    }
  },
  listMarked: listMarkedWorkers,
  outputs: (desired: WorkerDesired, observed: WorkerObserved): WorkerOutputs => ({
    scriptName: desired.scriptName,
    id: observed.id,
    revision: desired.revision,
  }),
});
