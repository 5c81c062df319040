/** Sealed boxes, in which GitHub takes secrets (docs: encrypting secrets for the REST API). */
import sodium from "libsodium-wrappers";

// WebAssembly is loaded once, before any reconcile, so that sealing itself is synchronous.
await sodium.ready;

/** @param publicKey base64, as GitHub gives it. @returns base64 */
export function seal(plaintext: string, publicKey: string): string {
  const key = sodium.from_base64(publicKey, sodium.base64_variants.ORIGINAL);
  return sodium.to_base64(
    sodium.crypto_box_seal(sodium.from_string(plaintext), key),
    sodium.base64_variants.ORIGINAL,
  );
}
