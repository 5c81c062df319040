/**
 * A Worker Preview: a Worker at another revision, with vars, secrets and bindings of its own and its own address. It lies
 * in the Worker that it previews. A shallow look is the list of the Worker's previews: unchanged are the times at which
 * the preview was changed and deployed, and the hash in our tag.
 */
import { errorText } from "../../controller/runtime/errors.ts";
import type {
  FieldChange,
  InventoryEntry,
  Observation,
  Reference,
  ResourceContext,
  ResourceDefinition,
  WriteResult,
} from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { readMarker, withMarker } from "./marker-tags.ts";
import { listMarkedPreviews } from "./marked.ts";
import {
  createPreview,
  deletePreview,
  deployPreview,
  listPreviews,
  readLatestDeployment,
  readPreview,
  patchPreview,
} from "./previews-api.ts";
import type { PreviewFacts, PreviewPlace } from "./previews-api.ts";
import type { PreviewDesired, PreviewObserved, PreviewOutputs } from "./types.ts";
import { diffBindings } from "./worker-bindings.ts";
import {
  diffCompatibility,
  diffHashes,
  diffObservability,
  diffRemembered,
  distinct,
  remembered,
  specHash,
} from "./worker-diff.ts";
import { uploadHashOf } from "./version-annotations.ts";
import { readAccountSubdomain, workersUrl } from "./worker-subdomain.ts";

type Context = ResourceContext<CloudflareClient>;

/** Previews are found by their Worker: `<account>/<worker>`. */
function parseScope(scope: string): { accountId: string; workerName: string } {
  const [accountId = "", workerName = ""] = scope.split("/");
  return { accountId, workerName };
}

const referenceOf = (desired: PreviewDesired): Reference => ({
  scope: `${desired.accountId}/${desired.workerName}`,
  name: desired.previewName,
});
const placeOf = (reference: Reference): PreviewPlace => ({
  ...parseScope(reference.scope),
  preview: reference.id ?? reference.name,
});
const fingerprint = (preview: PreviewFacts): string => `${preview.updatedOn} ${preview.deployedOn}`;

async function observe(reference: Reference, context: Context): Promise<Observation<PreviewObserved>> {
  const { client, entry, signal } = context;
  const parent = parseScope(reference.scope);
  const found = await context.read<PreviewFacts[], PreviewFacts>({
    listing: reference.scope,
    list: () => listPreviews(client, parent, signal),
    find: (previews) =>
      previews.find((preview) =>
        reference.id === undefined ? preview.name === reference.name : preview.id === reference.id,
      ),
    single: () => readPreview(client, placeOf(reference), signal),
  });
  if (!found) return { state: "absent" };
  const deep = context.depth === "deep" || context.fresh || entry?.fingerprint !== fingerprint(found);
  const deployment = deep
    ? await readLatestDeployment(client, { ...parent, preview: found.id }, signal)
    : undefined;
  const marker = readMarker(found.tags);
  return {
    state: "present",
    id: found.id,
    owner: context.marker.classify(marker.marker),
    observed: {
      id: found.id,
      name: found.name,
      slug: found.slug,
      url: await urlOf(found, parent, context),
      tags: found.tags,
      observability: found.observability,
      specHash: marker.specHash,
      updatedOn: found.updatedOn,
      deployment,
      // Unchanged since we last knew what it runs; that times are left out of an answer says nothing about that.
      deployed: deep ? deployment !== undefined : entry?.data?.["deployment"] !== undefined,
    },
    depth: deep ? "deep" : "shallow",
    fingerprint: fingerprint(found),
  };
}

/** Cloudflare lists URLs once previews are enabled on the Worker; until then it is the one that it is going to have. */
async function urlOf(
  preview: PreviewFacts,
  parent: { accountId: string; workerName: string },
  context: Context,
): Promise<string | undefined> {
  if (preview.url !== undefined) return preview.url;
  const subdomain = await readAccountSubdomain(context, parent.accountId);
  return subdomain === undefined
    ? undefined
    : workersUrl(context.client.workersUrl, `${preview.slug}-${parent.workerName}`, subdomain);
}

function diff(
  desired: PreviewDesired,
  observed: PreviewObserved,
  entry: InventoryEntry | undefined,
  witness: string,
): FieldChange[] {
  if (!observed.deployed)
    return [{ field: "code", effect: "in-place", from: "nothing", to: desired.bundle.digest.slice(0, 12) }];
  const changes = [
    ...diffRemembered(desired, entry),
    ...diffObservability(desired.bundle.observability, observed.observability),
  ];
  const { deployment } = observed;
  if (deployment) {
    const deployed = entry?.data?.["deployment"];
    // Deployments cannot be changed: another one than ours is another one's code.
    if (deployed !== undefined && deployed !== deployment.id)
      changes.push({ field: "code", effect: "in-place" });
    changes.push(...diffCompatibility(desired, deployment));
    changes.push(...diffBindings(desired, deployment.bindings, { written: new Set(), exclusive: true }));
  }
  if (changes.length === 0)
    changes.push(...diffHashes(desired, { ...observed, uploadHash: deployment?.uploadHash }, entry, witness));
  return distinct(changes);
}

/** Deploys, and says in the tags what was deployed; in this order, so that the tags never promise what is not there. */
async function deploy(
  desired: PreviewDesired,
  preview: { id: string; tags: readonly string[] },
  context: Context,
): Promise<WriteResult<PreviewObserved>> {
  const { client, marker, signal, witness } = context;
  const place = { ...parseScope(referenceOf(desired).scope), preview: preview.id };
  const hash = specHash(desired);
  const deployment = await deployPreview(client, place, desired, uploadHashOf(hash, witness), signal);
  const tags = withMarker({
    what: `the preview ${desired.previewName}`,
    existing: preview.tags,
    marker: marker.text,
    specHash: hash,
  });
  const tagged = await patchPreview(
    client,
    place,
    { tags, observability: desired.bundle.observability },
    signal,
  );
  return { id: preview.id, fingerprint: fingerprint(tagged), data: remembered(desired, { deployment }) };
}

async function create(desired: PreviewDesired, context: Context): Promise<WriteResult<PreviewObserved>> {
  const { client, marker, signal } = context;
  const tags = withMarker({
    what: `the preview ${desired.previewName}`,
    existing: [],
    marker: marker.text,
    specHash: "none",
  });
  const preview = await createPreview(client, {
    ...parseScope(referenceOf(desired).scope),
    name: desired.previewName,
    layer: { tags, observability: desired.bundle.observability },
    signal,
  });
  // The preview exists now, whatever becomes of its deployment: what fails there must not look like a create that failed.
  return deploy(desired, preview, context).catch((thrown: unknown) => ({
    id: preview.id,
    pending: `its first deployment: ${errorText(thrown)}`,
  }));
}

export const preview: ResourceDefinition<PreviewDesired, PreviewObserved, CloudflareClient> = Object.freeze({
  provider: "cloudflare",
  type: "preview",
  segment: "cloudflareWorkerPreview",
  holds: "nothing",
  ownership: "marked",
  fields: Object.freeze({
    code: "shallow",
    compatibilityDate: "shallow",
    compatibilityFlags: "shallow",
    observability: "shallow",
    assets: "shallow",
    vars: "shallow",
    bindings: "shallow",
    secrets: "write-only",
    hash: "shallow",
  }),
  reference: referenceOf,
  secrets: (desired: PreviewDesired) => desired.secrets,
  observe,
  diff,
  recall: (desired: PreviewDesired, { deployment }: PreviewObserved, data: unknown) =>
    data === undefined
      ? remembered(desired, deployment === undefined ? {} : { deployment: deployment.id })
      : undefined,
  create,
  update: (desired: PreviewDesired, observed: PreviewObserved, _changes: unknown, context: Context) =>
    deploy(desired, observed, context),
  remove: (reference: Reference, context: Context): Promise<void> =>
    deletePreview(context.client, placeOf(reference), context.signal),
  listMarked: listMarkedPreviews,
  outputs: (desired: PreviewDesired, observed: PreviewObserved): PreviewOutputs => ({
    id: observed.id,
    slug: observed.slug,
    revision: desired.revision,
    ...(observed.url === undefined ? {} : { url: observed.url }),
  }),
});
