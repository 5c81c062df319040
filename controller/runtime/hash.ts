/** Hashes of values, synchronous: nothing on a reconcile's path may need a turn of the event loop. */
import { createHmac, hash, timingSafeEqual } from "node:crypto";

/**
 * JSON with the keys of every object sorted by code unit and `undefined` members left out, so that equal values have
 * equal text.
 *
 * @throws TypeError for what JSON cannot say: bigint, functions, symbols, NaN and infinities, cycles
 */
export function canonicalJson(value: unknown): string {
  return write(value, new Set());
}

function write(value: unknown, parents: Set<object>): string {
  if (value === null || typeof value === "string" || typeof value === "boolean") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`canonical JSON cannot say ${value}`);
    return JSON.stringify(value);
  }
  if (typeof value !== "object") throw new TypeError(`canonical JSON cannot say a ${typeof value}`);
  if (parents.has(value)) throw new TypeError("canonical JSON cannot say a cycle");
  parents.add(value);
  const text = Array.isArray(value)
    ? `[${value.map((item: unknown) => (item === undefined ? "null" : write(item, parents))).join(",")}]`
    : writeObject(value as Readonly<Record<string, unknown>>, parents);
  parents.delete(value);
  return text;
}

function writeObject(value: Readonly<Record<string, unknown>>, parents: Set<object>): string {
  if (typeof value["toJSON"] === "function") {
    return write((value["toJSON"] as () => unknown).call(value), parents);
  }
  let members = "";
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member === undefined) continue;
    members += `${members === "" ? "" : ","}${JSON.stringify(key)}:${write(member, parents)}`;
  }
  return `{${members}}`;
}

/** SHA-256 of text or bytes, in lower-case hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return hash("sha256", data);
}

/** SHA-256 of a value's canonical JSON, in lower-case hexadecimal: equal values, equal hashes, whatever their key order. */
export function hashOf(value: unknown): string {
  return sha256(canonicalJson(value));
}

/**
 * HMAC-SHA256 in lower-case hexadecimal. For remembering which secret value was written without a way to test guesses
 * against what is remembered.
 */
export function keyedHash(key: string | Uint8Array, data: string | Uint8Array): string {
  return createHmac("sha256", key).update(data).digest("hex");
}

/** Whether two texts are equal, in a time that does not depend on where they differ. */
export function equalInConstantTime(a: string, b: string): boolean {
  // Hashing first makes lengths equal, which timingSafeEqual demands, and hides them.
  const digest = (text: string): Buffer => hash("sha256", text, "buffer");
  return timingSafeEqual(digest(a), digest(b));
}
