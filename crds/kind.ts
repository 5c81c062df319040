import type { z } from "zod";

/** A column of `kubectl get`. Columns with a priority above 0 show with `-o wide` only. */
export interface PrinterColumn {
  name: string;
  type: "string" | "integer" | "number" | "boolean" | "date";
  jsonPath: string;
  description: string;
  priority?: number;
}

/**
 * A rule over several fields. The CEL text goes into the CRD and is enforced by a Kubernetes API server; `test` is its
 * twin for the embedded API. One corpus of objects is run through both.
 */
export interface CrossFieldRule {
  /** Dotted path of the object that the rule looks at, from the root, e.g. `spec.github`; list items as `spec.secrets[]`. */
  path: string;
  /** CEL over `self` (and, for transition rules, `oldSelf`). */
  cel: string;
  message: string;
  /** `old` is undefined on create; a rule that names `oldSelf` is not run then, as in Kubernetes. */
  test(value: never, old: unknown): boolean;
}

/** One kind of the group `flaresmith.dev`: what users write, from which CRD, validation and documentation are made. */
export interface KindDefinition {
  kind: string;
  plural: string;
  singular: string;
  shortNames: readonly string[];
  /** First sentence of `kubectl explain`. */
  description: string;
  spec: z.ZodObject;
  status: z.ZodObject;
  columns: readonly PrinterColumn[];
  rules: readonly CrossFieldRule[];
}

/** The API group of every kind here. */
export const GROUP = "flaresmith.dev";
/** The only served version. */
export const VERSION = "v1alpha1";
/** `apiVersion` of every object here. */
export const API_VERSION = `${GROUP}/${VERSION}`;
/** Every kind is listed by `kubectl get flaresmith`. */
export const CATEGORY = "flaresmith";
