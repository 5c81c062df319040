/** GitHub: the client and one definition for each type of external resource. */
export type * from "./types.ts";
