/**
 * Cloudflare's Worker Previews API. It is in beta and moves (research §1.3: the body became a form, `preview_defaults`
 * became `previews_base_config`), so nothing outside of this file knows its shapes. Forms are as wrangler sends them.
 */
import { z } from "zod";
import { uploadAssets } from "./assets.ts";
import type { CloudflareClient } from "./client.ts";
import { segment } from "./client.ts";
import { isAbsence } from "./failures.ts";
import { multipart } from "./multipart.ts";
import type { FormPart } from "./multipart.ts";
import { readPages } from "./paging.ts";
import { SCRIPT_ABSENT } from "./scripts.ts";
import type { Bundle, Observability, ObservedBinding, PreviewDesired } from "./types.ts";
import { readUploadHash, versionAnnotations } from "./version-annotations.ts";
import { desiredBindings, observedBinding } from "./worker-bindings.ts";

/** "Preview not found", beside the codes for its Worker. */
const PREVIEW_ABSENT: readonly number[] = Object.freeze([10025, ...SCRIPT_ABSENT]);
const DEPLOYMENT_ABSENT: readonly number[] = Object.freeze([10222, ...PREVIEW_ABSENT]);

/** Limits in bytes (docs, "Worker Previews: API"). */
const LIMITS = Object.freeze({ message: 100, tag: 25 });

const ASSET_RULES: readonly string[] = Object.freeze(["_headers", "_redirects"]);

const previewSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  slug: z.string(),
  urls: z.array(z.string()).nullish(),
  tags: z.array(z.string()).nullish(),
  observability: z.record(z.string(), z.unknown()).nullish(),
  created_on: z.string().nullish(),
  updated_on: z.string().nullish(),
  deployed_on: z.string().nullish(),
});

const deploymentSchema = z.looseObject({
  id: z.string(),
  compatibility_date: z.string().nullish(),
  compatibility_flags: z.array(z.string()).nullish(),
  env: z.record(z.string(), z.looseObject({ type: z.string() })).nullish(),
  bindings: z.array(z.looseObject({ name: z.string(), type: z.string() })).nullish(),
  annotations: z.record(z.string(), z.unknown()).nullish(),
});

/** A preview, without what it runs. */
export interface PreviewFacts {
  id: string;
  name: string;
  slug: string;
  url: string | undefined;
  tags: readonly string[];
  observability: Observability | undefined;
  createdOn: string;
  updatedOn: string;
  /** Empty before the first deployment. */
  deployedOn: string;
}

export interface PreviewDeploymentFacts {
  id: string;
  compatibilityDate: string | undefined;
  compatibilityFlags: readonly string[];
  bindings: readonly ObservedBinding[];
  /** Empty when it says none. */
  uploadHash: string;
}

/** Which preview of which Worker. */
export interface PreviewPlace {
  accountId: string;
  workerName: string;
  /** Id or name. */
  preview: string;
}

function path(place: { accountId: string; workerName: string; preview?: string }): string {
  const base = `/accounts/${segment(place.accountId)}/workers/workers/${segment(place.workerName)}/previews`;
  return place.preview === undefined ? base : `${base}/${segment(place.preview)}`;
}

const purpose = (what: string, access: "Read" | "Edit"): { what: string; permission: string } => ({
  what,
  permission: `Workers Scripts: ${access}`,
});

function facts(preview: z.output<typeof previewSchema>): PreviewFacts {
  return {
    id: preview.id,
    name: preview.name,
    slug: preview.slug,
    url: preview.urls?.[0],
    tags: preview.tags ?? [],
    observability: preview.observability ?? undefined,
    createdOn: preview.created_on ?? "",
    updatedOn: preview.updated_on ?? "",
    deployedOn: preview.deployed_on ?? "",
  };
}

/** Every preview of a Worker; none when Cloudflare says that there is no such Worker. */
export async function listPreviews(
  client: CloudflareClient,
  place: { accountId: string; workerName: string },
  signal: AbortSignal,
): Promise<PreviewFacts[]> {
  try {
    const found = await readPages(client, {
      path: path(place),
      perPage: 100,
      item: previewSchema,
      purpose: purpose(`listing the previews of the Worker ${place.workerName}`, "Read"),
      signal,
    });
    return found.map(facts);
  } catch (error) {
    if (isAbsence(error, SCRIPT_ABSENT)) return [];
    throw error;
  }
}

/** One preview; undefined when Cloudflare says that there is none. */
export async function readPreview(
  client: CloudflareClient,
  place: PreviewPlace,
  signal: AbortSignal,
): Promise<PreviewFacts | undefined> {
  try {
    const answer = await client.call({
      method: "GET",
      path: path(place),
      result: previewSchema,
      purpose: purpose(`reading the preview ${place.preview}`, "Read"),
      signal,
    });
    return facts(answer.result);
  } catch (error) {
    if (isAbsence(error, PREVIEW_ABSENT)) return undefined;
    throw error;
  }
}

/** What a preview runs; undefined before the first deployment. */
export async function readLatestDeployment(
  client: CloudflareClient,
  place: PreviewPlace,
  signal: AbortSignal,
): Promise<PreviewDeploymentFacts | undefined> {
  try {
    const { result } = await client.call({
      method: "GET",
      path: `${path(place)}/deployments/latest`,
      result: deploymentSchema,
      purpose: purpose(`reading what the preview ${place.preview} runs`, "Read"),
      signal,
    });
    const bindings =
      result.bindings ?? Object.entries(result.env ?? {}).map(([name, binding]) => ({ ...binding, name }));
    const date = result.compatibility_date ?? "";
    return {
      id: result.id,
      compatibilityDate: date === "" ? undefined : date,
      compatibilityFlags: result.compatibility_flags ?? [],
      bindings: bindings.map(observedBinding),
      uploadHash: readUploadHash(result.annotations),
    };
  } catch (error) {
    if (isAbsence(error, DEPLOYMENT_ABSENT)) return undefined;
    throw error;
  }
}

/** What belongs to the preview itself and not to what it runs. */
export interface PreviewLayer {
  tags: readonly string[];
  /** Not written when undefined. */
  observability: Observability | undefined;
}

function layerBody(layer: PreviewLayer): Record<string, unknown> {
  return {
    tags: layer.tags,
    ...(layer.observability === undefined ? {} : { observability: layer.observability }),
  };
}

/** Makes an empty preview. The Worker's own template for previews is not applied: what runs there is what the spec says. */
export async function createPreview(
  client: CloudflareClient,
  options: { accountId: string; workerName: string; name: string; layer: PreviewLayer; signal: AbortSignal },
): Promise<PreviewFacts> {
  const { name, signal } = options;
  const answer = await client.call({
    method: "POST",
    path: path({ accountId: options.accountId, workerName: options.workerName }),
    query: { ignore_base_config: "true" },
    json: { name, ...layerBody(options.layer) },
    result: previewSchema,
    purpose: purpose(`creating the preview ${name} of the Worker ${options.workerName}`, "Edit"),
    signal,
  });
  return facts(answer.result);
}

/** Changes a preview itself; what it runs stays. */
export async function patchPreview(
  client: CloudflareClient,
  place: PreviewPlace,
  layer: PreviewLayer,
  signal: AbortSignal,
): Promise<PreviewFacts> {
  const answer = await client.call({
    method: "PATCH",
    path: path(place),
    json: layerBody(layer),
    headers: { "content-type": "application/merge-patch+json" },
    result: previewSchema,
    purpose: purpose(`configuring the preview ${place.preview}`, "Edit"),
    signal,
  });
  return facts(answer.result);
}

/** Modules in the API's words (OpenAPI, `workers.previews.deployments.create`), which has rules for assets among them. */
function fileParts({ assets, modules }: Bundle): FormPart[] {
  const rules = Object.entries(assets?.config ?? {}).flatMap(([name, content]) =>
    ASSET_RULES.includes(name) && typeof content === "string"
      ? [{ name, contentType: "text/plain", content }]
      : [],
  );
  return [...modules, ...rules].map(({ content, contentType, name }) => ({
    name: "files",
    filename: name,
    contentType,
    content,
  }));
}

/** What is left of the configuration of assets without the rules, which a Worker's upload has there. */
function servingOf(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([name]) => !ASSET_RULES.includes(name)));
}

/** Deploys to a preview, at once. @returns id of the deployment */
export async function deployPreview(
  client: CloudflareClient,
  place: PreviewPlace,
  desired: PreviewDesired,
  uploadHash: string,
  signal: AbortSignal,
): Promise<string> {
  const { accountId, bundle, workerName } = desired;
  const assets =
    bundle.assets === undefined
      ? undefined
      : {
          jwt: await uploadAssets(client, {
            accountId,
            scriptName: workerName,
            assets: bundle.assets,
            signal,
          }),
          config: servingOf(bundle.assets.config),
        };
  const metadata = {
    ...(bundle.mainModule === undefined ? {} : { main_module: bundle.mainModule }),
    compatibility_date: bundle.compatibilityDate,
    compatibility_flags: bundle.compatibilityFlags,
    env: Object.fromEntries(desiredBindings(desired).map(({ name, ...binding }) => [name, binding])),
    annotations: {
      "workers/commit_sha": desired.revision,
      ...versionAnnotations(desired, uploadHash, LIMITS),
    },
    ...(assets === undefined ? {} : { assets }),
  };
  const { result } = await client.call({
    method: "POST",
    path: `${path(place)}/deployments`,
    // Here only the older name of what `createPreview` sends is documented.
    query: { ignore_defaults: "true" },
    form: multipart([
      { name: "metadata", contentType: "application/json", content: JSON.stringify(metadata) },
      ...fileParts(bundle),
    ]),
    result: deploymentSchema,
    purpose: purpose(`deploying to the preview ${desired.previewName} of the Worker ${workerName}`, "Edit"),
    signal,
  });
  return result.id;
}

/** Deletes a preview with its deployments; that it is gone already is no error. */
export async function deletePreview(
  client: CloudflareClient,
  place: PreviewPlace,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.call({
      method: "DELETE",
      path: path(place),
      result: z.unknown(),
      purpose: purpose(`deleting the preview ${place.preview}`, "Edit"),
      signal,
    });
  } catch (error) {
    if (!isAbsence(error, PREVIEW_ABSENT)) throw error;
  }
}
