/** Hashes of values, synchronous: nothing on a reconcile's path may need a turn of the event loop. */
import { createHmac, hash, timingSafeEqual } from "node:crypto";
import { setField } from "./json.ts";

/**
 * JSON with the keys of every object in one order and `undefined` members left out, so that equal values have equal text.
 *
 * @throws TypeError for what JSON cannot say: bigint, functions, symbols, NaN and infinities, cycles
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(ordered(value, new Set()));
}

/** A copy whose keys were set in order; written by one call, which is twice as fast as piece by piece. */
function ordered(value: unknown, parents: Set<object>): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`canonical JSON cannot say ${value}`);
    return value;
  }
  if (typeof value !== "object") throw new TypeError(`canonical JSON cannot say a ${typeof value}`);
  if (parents.has(value)) throw new TypeError("canonical JSON cannot say a cycle");
  parents.add(value);
  const copy = Array.isArray(value)
    ? value.map((item: unknown) => (item === undefined ? null : ordered(item, parents)))
    : orderedObject(value as Readonly<Record<string, unknown>>, parents);
  parents.delete(value);
  return copy;
}

function orderedObject(value: Readonly<Record<string, unknown>>, parents: Set<object>): unknown {
  if (typeof value["toJSON"] === "function") {
    return ordered((value["toJSON"] as () => unknown).call(value), parents);
  }
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) {
    if (value[key] !== undefined) setField(copy, key, ordered(value[key], parents));
  }
  return copy;
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
