/**
 * A secret on its way from where it is read to where it is written. Whatever prints, logs, hashes or serialises it sees
 * the keyed hash, never the value.
 */
import { createHmac } from "node:crypto";
import { inspect } from "node:util";

export interface SecretValue {
  /** The plaintext; call it only where it is handed to a provider. */
  reveal(): string;
  /** `hmac:` and 32 hexadecimal characters: equal for equal values under one key, useless without the key. */
  readonly hash: string;
  toJSON(): string;
  toString(): string;
}

/** Makes SecretValues that are comparable with each other. @param key the installation's secret key */
export function secretValues(key: string): (plaintext: string) => SecretValue {
  return (plaintext) => {
    const hash = `hmac:${createHmac("sha256", key).update(plaintext).digest("hex").slice(0, 32)}`;
    const value = {
      reveal: () => plaintext,
      hash,
      toJSON: () => hash,
      toString: () => hash,
      [inspect.custom]: () => hash,
    };
    return Object.freeze(value);
  };
}
