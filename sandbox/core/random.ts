import type { SandboxRandom } from "./clock.ts";

/**
 * A deterministic random source (mulberry32) for one sandbox.
 * @param seed any 32-bit integer; equal seeds give equal sequences
 */
export function seededRandom(seed: number): SandboxRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const string = (length: number, alphabet = "0123456789abcdef"): string => {
    let text = "";
    for (let index = 0; index < length; index += 1)
      text += alphabet.charAt(Math.floor(next() * alphabet.length));
    return text;
  };
  const uuid = (): string =>
    `${string(8)}-${string(4)}-4${string(3)}-${string(1, "89ab")}${string(3)}-${string(12)}`;
  return { next, string, uuid };
}
