/** What the store knows about a type beyond its name: rules of writing, and how kinds of ours become such rules. */
import type { KubernetesObject, ResourceType, StatusCause } from "../resource-client.ts";
import type { Schema } from "./schema.ts";

/** One wrong place found before an object is stored, or one warning about it. */
interface Preparation {
  /** Field paths that the schema does not know, e.g. `spec.ttll`; they were removed from the object. */
  unknownFields: readonly string[];
}

export interface ValidationContext {
  /** The stored object that is replaced; undefined on create. */
  old?: KubernetesObject;
  /** Whether only the status is written. */
  status: boolean;
}

interface ValidateContext extends ValidationContext {
  /** What was found wrong in the metadata before. */
  causes: readonly StatusCause[];
}

export interface TypeDefinition {
  type: ResourceType;
  /** For discovery. */
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  /** Whether status is a subresource, written by its own verbs only. */
  hasStatus: boolean;
  /** Whether `metadata.generation` is kept: 1 on create, one more for each change outside metadata and status. */
  hasGeneration: boolean;
  /** The CustomResourceDefinition that clients can read, for kinds of ours. */
  customResourceDefinition?: object;
  /** Which verbs exist; undefined: all. */
  verbs?: readonly string[];
  /** Structure of the whole object, for merging and field ownership. Left out: deduced from values, lists are atomic. */
  schema?: Schema;
  /** Fields a field selector can name besides metadata.name and metadata.namespace. */
  selectableFields?: Readonly<Record<string, (object: KubernetesObject) => string>>;
  /** Changes a submitted object into the stored form (drops unknown fields, sets defaults), in place. */
  prepare?(object: KubernetesObject, context: ValidationContext): Preparation;
  /** Finds everything wrong with a prepared object. */
  validate?(object: KubernetesObject, context: ValidateContext): StatusCause[];
  /** Lists of objects that strategic merge patches merge, by dotted path without indexes, to their merge key. */
  strategicMergeKeys?: Readonly<Record<string, string>>;
  /** For a second view of another type's objects, such as events.k8s.io: where they are stored and how they convert. */
  viewOf?: {
    type: ResourceType;
    fromStored(object: KubernetesObject): KubernetesObject;
    toStored(object: KubernetesObject): KubernetesObject;
  };
  /** Objects older than this are dropped, by their last write; with `capacity`, the oldest beyond that number too. */
  retention?: { milliseconds: number; capacity: number };
}

/** The key under which a type is registered: group and plural; one version is served. */
export function typeKey(type: ResourceType): string {
  return `${type.group}/${type.plural}`;
}

/** `v1` or `flaresmith.dev/v1alpha1`. */
export function apiVersionOf(type: ResourceType): string {
  return type.group === "" ? type.version : `${type.group}/${type.version}`;
}
