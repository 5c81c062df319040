/** What the rest of the controller uses of the embedded store. */
export { builtinTypes } from "./builtin/index.ts";
export { StoreUnusableError } from "./database.ts";
export { DataDirectoryLockedError, lockDataDirectory, type DataDirectoryLock } from "./lock.ts";
export { customType, kindType } from "./kind-type.ts";
export { EmbeddedStore, openEmbeddedStore } from "./store.ts";
export type { EmbeddedStoreOptions } from "./store.ts";
export type { StoreWrite, StoreWriteOptions, WriteAnswer } from "./perform-write.ts";
export { apiVersionOf, typeKey, type TypeDefinition } from "./type-definition.ts";
export type { TextWatchEvent } from "./watch.ts";
