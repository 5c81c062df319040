/**
 * Uploads static assets: Cloudflare says which blobs it does not have, they go up in its buckets, and a completion token
 * goes into the upload of the code (docs, "Static assets: direct upload").
 */
import { z } from "zod";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { CloudflareClient } from "./client.ts";
import { segment } from "./client.ts";
import { multipart } from "./multipart.ts";
import type { BundleAssets } from "./types.ts";

const session = z.looseObject({ jwt: z.string().nullish(), buckets: z.array(z.array(z.string())).nullish() });
const uploaded = z.looseObject({ jwt: z.string().nullish() }).nullish();

/**
 * @param options `owner`: the path of what they belong to, such as `workers/scripts/shop`
 * @returns the completion token
 * @throws FlaresmithError for whatever the calls throw
 */
export async function uploadAssets(
  client: CloudflareClient,
  options: { accountId: string; scriptName: string; assets: BundleAssets; signal: AbortSignal },
): Promise<string> {
  const { accountId, assets, scriptName, signal } = options;
  const account = `/accounts/${segment(accountId)}/workers`;
  const entries = Object.entries(assets.files);
  const manifest = Object.fromEntries(
    entries.map(([path, asset]) => [path, { hash: asset.hash, size: asset.content.byteLength }]),
  );
  // Sending blobs changes nothing that anyone can see, and they are kept by content: it can always be done again.
  const purpose = {
    what: `uploading the static assets of the Worker ${scriptName}`,
    permission: "Workers Scripts Edit",
    write: false,
  };
  const opened = await client.call({
    method: "POST",
    path: `${account}/scripts/${segment(scriptName)}/assets-upload-session`,
    json: { manifest },
    result: session,
    purpose,
    signal,
  });
  const { buckets, jwt } = opened.result;
  const missing = (buckets ?? []).filter((bucket) => bucket.length > 0);
  if (missing.length === 0 && typeof jwt === "string") return jwt;
  const byHash = new Map(entries.map(([, asset]) => [asset.hash, asset] as const));
  let completion: string | undefined;
  for (const bucket of missing) {
    const parts = bucket.map((hash) => {
      const asset = byHash.get(hash);
      if (!asset) throw invalid(scriptName, "Cloudflare asks for a static asset that is not in the manifest");
      return {
        name: hash,
        filename: hash,
        contentType: asset.contentType,
        content: Buffer.from(asset.content).toString("base64"),
      };
    });
    const answer = await client.call({
      method: "POST",
      path: `${account}/assets/upload`,
      query: { base64: "true" },
      form: multipart(parts),
      ...(typeof jwt === "string" ? { bearer: jwt } : {}),
      result: uploaded,
      purpose,
      signal,
    });
    completion = answer.result?.jwt ?? completion;
  }
  if (completion === undefined)
    throw invalid(scriptName, "Cloudflare took every static asset and gave no completion token");
  return completion;
}

function invalid(scriptName: string, problem: string): FlaresmithError {
  return new FlaresmithError({
    code: "INTEGRATION_RESPONSE_INVALID",
    message: `uploading the static assets of the Worker ${scriptName}: ${problem}`,
    context: { provider: "cloudflare" },
  });
}
