import type { Fetch } from "../clock.ts";

/** The real network: the fetch of this Node. */
export function systemFetch(): Fetch {
  return (input, init) => fetch(input, init);
}
