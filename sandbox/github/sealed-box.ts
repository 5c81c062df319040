import sodium from "libsodium-wrappers";
import type { KeyRecord } from "./records.ts";
import type { World } from "./world.ts";

// libsodium is WebAssembly: it is loaded once, before any request, so that handlers stay synchronous.
await sodium.ready;

/** The key pair that secrets of a scope are sealed for, made on first use. */
export function keyOf(world: World, scope: string): KeyRecord {
  const known = world.keys.get(scope);
  if (known) return known;
  const { random } = world.context;
  const record: KeyRecord = {
    keyId: `${random.string(1, "123456789")}${random.string(17, "0123456789")}`,
    seed: random.string(64),
  };
  world.keys.set(scope, record);
  return record;
}

/** The public half of a key, base64, as `GET …/public-key` shows it. */
export function publicKeyOf(key: KeyRecord): string {
  return Buffer.from(sodium.crypto_box_seed_keypair(Buffer.from(key.seed, "hex")).publicKey).toString(
    "base64",
  );
}

/** The text inside a sealed box; undefined when it was not sealed for this key. */
export function openSealedBox(key: KeyRecord, encrypted: string): string | undefined {
  const { publicKey, privateKey } = sodium.crypto_box_seed_keypair(Buffer.from(key.seed, "hex"));
  try {
    return Buffer.from(
      sodium.crypto_box_seal_open(Buffer.from(encrypted, "base64"), publicKey, privateKey),
    ).toString("utf8");
  } catch {
    return undefined;
  }
}
