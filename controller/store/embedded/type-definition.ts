/** What the store knows about a type beyond its name: rules of writing, and how kinds of ours become such rules. */
import type { KubernetesObject, ResourceType, StatusCause } from "../resource-client.ts";
import type { Schema } from "./schema.ts";

/** What was noticed while an object was brought into its stored form. */
export interface Decoded {
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
  /** Whether Kubernetes itself has the type. The others are custom resources, which strategic merge cannot patch. */
  builtIn?: true;
  /** Whether an update may come without a version. */
  unconditionalUpdate?: true;
  /** Whether an update of what is not there creates it. */
  createOnUpdate?: true;
  /** Whether any name will do that fits into a URL; on create, metadata is then looked at only where the rest is right. */
  anyName?: true;
  /** The status that an object is created with, whatever the client sent. */
  initialStatus?: unknown;
  /** Structure of the whole object, for merging and field ownership. Left out: deduced from values, lists are atomic. */
  schema?: Schema;
  /** What an object has before anything is written into it: nobody owns that. Left out: nothing. */
  zero?: Readonly<Record<string, unknown>>;
  /** Fields a field selector can name besides metadata.name and metadata.namespace. */
  selectableFields?: Readonly<Record<string, (object: KubernetesObject) => string>>;
  /**
   * Changes a submitted object into the stored form (drops unknown fields, sets defaults), in place.
   * @param options.applied the object was merged by server-side apply, in which a null is not the same as nothing
   * @throws ApiError 400 for what cannot be read
   */
  decode?(object: KubernetesObject, options: { applied: boolean }): Decoded;
  /** Sets what the server itself decides, in place. Comes after ownership was worked out, so nobody owns it. */
  complete?(object: KubernetesObject, context: ValidationContext): void;
  /** Finds everything wrong with a decoded object. */
  validate?(object: KubernetesObject, context: ValidateContext): StatusCause[];
  /** Lists of objects that strategic merge patches merge, by dotted path without indexes, to their merge key. */
  strategicMergeKeys?: Readonly<Record<string, string>>;
  /** For a second view of another type's objects, such as events.k8s.io: where they are stored and how they convert. */
  viewOf?: {
    type: ResourceType;
    fromStored(object: KubernetesObject): KubernetesObject;
    toStored(object: KubernetesObject): KubernetesObject;
    /** Finds what is wrong with an object in its stored form for those alone who write it through the view. */
    validate?(object: KubernetesObject, context: ValidationContext): StatusCause[];
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
