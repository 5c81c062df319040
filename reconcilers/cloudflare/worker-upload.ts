/**
 * Uploads a Worker's code together with everything that belongs to its version. The SDK's typed upload flattens the
 * metadata and is refused (cloudflare-typescript #2799), so the form is our own.
 */
import { z } from "zod";
import { uploadAssets } from "./assets.ts";
import type { CloudflareClient } from "./client.ts";
import { multipart } from "./multipart.ts";
import type { FormPart } from "./multipart.ts";
import { versionAnnotations } from "./version-annotations.ts";
import { plainVersion, scriptPath } from "./scripts.ts";
import type { Bundle, WorkerDesired } from "./types.ts";
import { desiredBindings } from "./worker-bindings.ts";

/** Limits in bytes (SDK 7.3, `scripts.ts`). */
const LIMITS = Object.freeze({ message: 1000, tag: 100 });

const uploaded = z.looseObject({
  id: z.string(),
  tag: z.string().nullish(),
  etag: z.string(),
  modified_on: z.string(),
  // The version's id, in spite of its name: wrangler says so (workers-sdk, deploy-helpers `deploy.ts`).
  deployment_id: z.string().nullish(),
});

/** What an upload was answered with. */
export interface Uploaded {
  /** Immutable id of the Worker. */
  id: string;
  etag: string;
  modifiedOn: string;
  /** The version that the upload made and deployed. */
  version: string | undefined;
}

/** An entity tag without quotes and weakness, which answers and headers write differently. */
export function plainTag(etag: string): string {
  return etag.replace(/^W\//, "").replaceAll('"', "");
}

/** The parts of a bundle's modules, named as the code imports them. */
function moduleParts(bundle: Bundle): FormPart[] {
  return bundle.modules.map((module) => ({
    name: module.name,
    filename: module.name,
    contentType: module.contentType,
    content: module.content,
  }));
}

/**
 * Deploys at once. Repeating it is harmless: it replaces by name.
 *
 * @param options `uploadHash`: what the version says of itself; `inherit`: names of bindings that stay as they are;
 *   `otherSettings`: settings of others that stay
 * @throws FlaresmithError INTEGRATION_NOT_FOUND while a binding's target is not known everywhere yet,
 *   INTEGRATION_CONFLICT when a binding to inherit is gone, INTEGRATION_REJECTED with Cloudflare's reason for the code
 */
export async function uploadWorker(
  client: CloudflareClient,
  options: {
    desired: WorkerDesired;
    tags: readonly string[];
    uploadHash: string;
    inherit: readonly string[];
    otherSettings: Readonly<Record<string, unknown>>;
    signal: AbortSignal;
  },
): Promise<Uploaded> {
  const { desired, signal } = options;
  const { accountId, bundle, scriptName } = desired;
  const bindings = [
    ...desiredBindings(desired),
    ...options.inherit.map((name) => ({ name, type: "inherit" })),
  ];
  const assets =
    bundle.assets === undefined
      ? undefined
      : {
          jwt: await uploadAssets(client, { accountId, scriptName, assets: bundle.assets, signal }),
          config: bundle.assets.config,
        };
  const metadata = {
    ...options.otherSettings,
    ...(bundle.mainModule === undefined ? {} : { main_module: bundle.mainModule }),
    compatibility_date: bundle.compatibilityDate,
    compatibility_flags: bundle.compatibilityFlags,
    bindings,
    tags: options.tags,
    annotations: versionAnnotations(desired, options.uploadHash, LIMITS),
    ...(bundle.observability === undefined ? {} : { observability: bundle.observability }),
    ...(assets === undefined ? {} : { assets }),
  };
  const form = multipart([
    { name: "metadata", contentType: "application/json", content: JSON.stringify(metadata) },
    ...moduleParts(bundle),
  ]);
  const { result } = await client.call({
    method: "PUT",
    path: scriptPath(accountId, scriptName),
    query: { bindings_inherit: "strict", excludeScript: "true" },
    form,
    result: uploaded,
    purpose: { what: `uploading the Worker ${scriptName}`, permission: "Workers Scripts: Edit" },
    signal,
  });
  return {
    id: result.tag ?? result.id,
    etag: plainTag(result.etag),
    modifiedOn: result.modified_on,
    version: result.deployment_id ? plainVersion(result.deployment_id) : undefined,
  };
}
