/** What the rest of the controller uses of the embedded store. */
export { builtinTypes } from "./builtin/index.ts";
export { copyStore, createStore } from "./copy.ts";
export type { FileContent as StoreContent } from "./create-file.ts";
export type { Row as StoredRow } from "./format.ts";
export { StoreUnusableError } from "./unusable.ts";
export { DataDirectoryLockedError, lockDataDirectory } from "./lock.ts";
export { customType, kindType } from "./kind-type.ts";
export { EmbeddedStore, openEmbeddedStore } from "./store.ts";
export type { StoreWrite } from "./perform-write.ts";
export type { StoreHealth } from "./write-guard.ts";
export type { TypeDefinition } from "./type-definition.ts";
