import { randomBytes, randomUUID } from "node:crypto";
import type { SandboxRandom } from "../clock.ts";

/** Randomness for a running process: a durable sandbox must not repeat the ids of its earlier runs. */
export function systemRandom(): SandboxRandom {
  const next = (): number => randomBytes(4).readUInt32BE() / 4294967296;
  return {
    next,
    string: (length, alphabet = "0123456789abcdef") =>
      Array.from({ length }, () => alphabet.charAt(Math.floor(next() * alphabet.length))).join(""),
    uuid: () => randomUUID(),
  };
}
