/**
 * What a version of a Worker, or a deployment of a preview, says of itself: its commit, what it was made for, and a hash
 * of everything that was uploaded. A version that somebody else makes, by setting a secret for example, inherits none of
 * it (SDK 7.3, `script-and-version-settings.ts`), so the hash tells that what serves is what we uploaded, values of
 * secrets included, when no inventory remembers it.
 */
import { sha256 } from "../../controller/runtime/hash.ts";

/** As Cloudflare takes and shows them. */
export type Annotations = Readonly<Record<string, string>>;

const MESSAGE = "workers/message";
const HASH = /\[flaresmith:([0-9a-f]{32})\]$/;

/** @param witness of the secrets' values, which the spec's hash leaves out */
export function uploadHashOf(specHash: string, witness: string): string {
  return sha256(`${specHash} ${witness}`).slice(0, 32);
}

/** @param limits in bytes */
export function versionAnnotations(
  about: { revision: string; message?: string | undefined },
  uploadHash: string,
  limits: { message: number; tag: number },
): Annotations {
  const hash = `[flaresmith:${uploadHash}]`;
  const text =
    about.message === undefined ? "" : `${cutBytes(about.message, limits.message - hash.length - 1)} `;
  return { "workers/tag": cutBytes(about.revision, limits.tag), [MESSAGE]: `${text}${hash}` };
}

/** Empty when there is none. */
export function readUploadHash(annotations: Readonly<Record<string, unknown>> | null | undefined): string {
  const message = annotations?.[MESSAGE];
  return (typeof message === "string" ? HASH.exec(message)?.[1] : undefined) ?? "";
}

/** The longest beginning of a text that fits into so many bytes of UTF-8. */
function cutBytes(text: string, limit: number): string {
  let bytes = 0;
  let result = "";
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > limit) break;
    result += character;
  }
  return result;
}
