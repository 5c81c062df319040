/** What the HTTP API needs of a store. The embedded store is one; tests may bring another. */
import type { EmbeddedStore } from "../store/embedded/store.ts";

export type ApiStore = Pick<
  EmbeddedStore,
  "types" | "revision" | "snapshot" | "getText" | "listText" | "watchText" | "write" | "remove"
>;
