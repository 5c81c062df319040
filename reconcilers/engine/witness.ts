/**
 * What vouches for secret values that cannot be read back: a keyed hash of them, written where the resource itself is
 * kept, so that it outlives the store. Who reads it learns nothing: the key follows from the Connection's credential,
 * which nobody guesses, and one value has another hash in every slot.
 */
import { hkdfSync } from "node:crypto";
import { canonicalJson, keyedHash } from "../../controller/runtime/hash.ts";
import type { SecretValue } from "../../controller/runtime/secret-value.ts";
import type { Marker } from "./marker.ts";

/** The key of a Connection's witnesses. Another credential is another key: what the inventory remembers comes first. */
export function witnessKey(credential: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", credential, "", "flaresmith/witness", 32));
}

/** 32 hexadecimal characters for these values in the slot that the marker names; empty when there are none. */
export function witnessOf(
  key: Uint8Array,
  marker: Pick<Marker, "hash">,
  secrets: Readonly<Record<string, SecretValue>>,
): string {
  const values = Object.entries(secrets).map(([name, secret]) => [name, secret.reveal()] as const);
  if (values.length === 0) return "";
  const text = canonicalJson({ marker: marker.hash, values: Object.fromEntries(values) });
  return keyedHash(key, text).slice(0, 32);
}
