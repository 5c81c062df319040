/** Neon: the client and one definition for each type of external resource. */
export { branch } from "./branch.ts";
export { connectionUri } from "./connection-uri.ts";
export { database } from "./database.ts";
export { project } from "./project.ts";
export { rootBranch } from "./root-branch.ts";
export type * from "./types.ts";
