/** Cloudflare: the client, the bundle reader and one definition for each type of external resource. */
export type * from "./types.ts";
