/** Physical names: `<project>-<name>-<environment>`, cut to what Cloudflare takes (DESIGN §3). */
import { sha256 } from "../../controller/runtime/hash.ts";

/**
 * Cloudflare takes 63 characters for a Worker; a version's own URL puts eight characters and a hyphen before the name, and
 * the whole must be one DNS label.
 */
const WORKER_LIMIT = 54;
const BUCKET_LIMIT = 63;
const KV_TITLE_LIMIT = 512;
const LABEL_LIMIT = 63;
const HASH_LENGTH = 8;

function hashSuffix(parts: readonly string[]): string {
  return sha256(JSON.stringify(parts)).slice(0, HASH_LENGTH);
}

/**
 * Whether the parts can be told from the joined name: only the first may hold hyphens, and the last may not look like a
 * hash. Two parts must hold none, or `shop-media` + `prod` would be `shop` + `media` + `prod`.
 */
function readable(parts: readonly string[]): boolean {
  const [first = "", ...rest] = parts;
  if (rest.some((part) => part.includes("-") || part === "") || first === "") return false;
  if (parts.length === 2 && first.includes("-")) return false;
  return !/^[0-9a-f]{8}$/.test(parts.at(-1) ?? "");
}

/**
 * Joins parts with hyphens. The hash of the parts is appended when the name would be cut, when a character had to be
 * replaced, or when other parts would make the same name: different parts never share one.
 */
function joined(parts: readonly string[], limit: number): string {
  const text = parts.join("-");
  const safe = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  if (safe === text && text.length <= limit && readable(parts)) return text;
  const head = safe.slice(0, limit - HASH_LENGTH - 1).replace(/-+$/, "");
  return head === "" ? hashSuffix(parts) : `${head}-${hashSuffix(parts)}`;
}

/** Script name of a Worker: at most 54 lower-case letters, digits and hyphens. */
export function workerName(project: string, name: string, environment: string): string {
  return joined([project, name, environment], WORKER_LIMIT);
}

/** Name of an R2 bucket: 3 to 63 lower-case letters, digits and hyphens. @param environment undefined: shared by all */
export function r2BucketName(project: string, name: string, environment?: string): string {
  const parts = environment === undefined ? [project, name] : [project, name, environment];
  return joined(parts, BUCKET_LIMIT);
}

/** Title of a KV namespace. @param environment undefined: shared by all */
export function kvNamespaceTitle(project: string, name: string, environment?: string): string {
  const parts = environment === undefined ? [project, name] : [project, name, environment];
  return joined(parts, KV_TITLE_LIMIT);
}

/**
 * Name of a Worker Preview, which is its slug too: `<slug>-<worker>` must be one DNS label of 63 characters.
 * @param name what is previewed, such as a git branch
 * @param worker script name of the Worker, at most 54 characters
 */
export function previewName(name: string, worker: string): string {
  const limit = Math.max(HASH_LENGTH + 1, LABEL_LIMIT - worker.length - 1);
  const slug = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
  // What ends like a hash could be the cut name of something else.
  if (slug === name && name.length <= limit && !/(?:^|-)[0-9a-f]{8}$/.test(name)) return name;
  const head = slug.slice(0, limit - HASH_LENGTH - 1).replace(/-$/, "");
  return head === "" ? hashSuffix([name]) : `${head}-${hashSuffix([name])}`;
}
