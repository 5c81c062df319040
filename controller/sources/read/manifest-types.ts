import type { Place } from "../../runtime/yaml/places.ts";
import type { KubernetesObject } from "../../store/resource-client.ts";

/** What is wrong with a file's content, and what to do. */
export interface Problem extends Partial<Place> {
  /** Field path inside the object, e.g. `spec.neon.region`. */
  readonly field?: string;
  readonly message: string;
}

/** A problem and the file it is in: the shape of `Source.status.errors`. */
export interface SourceError extends Problem {
  /** Relative to the source's path. */
  readonly file: string;
}

/** One object as it is written, without defaults. */
export interface Manifest {
  readonly object: KubernetesObject;
  /** Where its document begins, from 1. */
  readonly line: number;
  /** Where `metadata.namespace` stands, when it is written. */
  readonly namespacePlace?: Place;
}

/** What a file's content says; depends on nothing but the content and the kind of file. */
export interface FileContent {
  /** Empty when there are problems: a file is taken whole or not at all. */
  readonly manifests: readonly Manifest[];
  readonly problems: readonly Problem[];
  /** Why the file declares nothing although it could be taken for a manifest. */
  readonly note?: string;
}
