/** What happens to a submitted object before anything that is stored is looked at. */
import type { KubernetesObject } from "../resource-client.ts";
import { badRequest, invalid } from "./errors.ts";
import { isObject, shownJson } from "../../runtime/json.ts";
import { shapeMetadata } from "./metadata-shape.ts";
import { apiVersionOf, type TypeDefinition } from "./type-definition.ts";

/** Where an object is written to, as the URL of a request says it. */
export interface Place {
  namespace?: string;
  /** Left out on create. */
  name?: string;
}

/** Hears, once for each write, which fields of the object its type does not know; what it throws refuses the write. */
export type OnDecoded = (unknownFields: readonly string[]) => void;

export interface DecodeOptions {
  /** Checked against the object; a missing namespace is filled in from it. Default: the object alone says where it goes. */
  place?: Place | undefined;
  onDecoded?: OnDecoded | undefined;
  /** The object was merged by server-side apply. Default false. */
  applied?: boolean;
}

/** @throws ApiError 422 for another kind, 400 for another apiVersion */
function checkKind(definition: TypeDefinition, object: KubernetesObject): void {
  const { type } = definition;
  const expected = apiVersionOf(type);
  if (object.apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${shownJson(object.apiVersion)}) does not match the expected API version (${expected})`,
    );
  }
  if (object.kind !== type.kind) {
    throw invalid({ ...type, kind: shownJson(object.kind) }, object.metadata?.name ?? "", [
      {
        reason: "FieldValueInvalid",
        message: `Invalid value: ${JSON.stringify(object.kind)}: must be ${type.kind}`,
        field: "kind",
      },
    ]);
  }
}

/** Fills in a missing namespace. @throws ApiError 400 when the object names another place than the URL */
export function checkPlace(
  definition: TypeDefinition,
  object: KubernetesObject,
  place: Place | undefined,
): void {
  if (place === undefined) return;
  const { metadata } = object;
  if (definition.type.namespaced && place.namespace !== undefined) {
    if ((metadata.namespace ?? "") === "") metadata.namespace = place.namespace;
    else if (metadata.namespace !== place.namespace) {
      throw badRequest(
        "the namespace of the provided object does not match the namespace sent on the request",
      );
    }
  }
  if (place.name === undefined || metadata.name === place.name) return;
  throw badRequest(
    (metadata.name ?? "") === ""
      ? `the name of the object (${place.name} based on URL) was undeterminable: name must be provided`
      : `the name of the object (${metadata.name}) does not match the name on the URL (${place.name})`,
  );
}

/**
 * Brings a submitted object into its stored form, in place.
 * @throws ApiError 400, 422 for another kind; what `onDecoded` throws
 */
export function decodeObject(
  definition: TypeDefinition,
  object: KubernetesObject,
  options: DecodeOptions = {},
): void {
  checkKind(definition, object);
  if (!isObject(object.metadata)) object.metadata = { name: "" };
  const unknownMetadata = shapeMetadata(definition, object.metadata);
  const { unknownFields = [] } = definition.decode?.(object, { applied: options.applied ?? false }) ?? {};
  options.onDecoded?.([...unknownMetadata, ...unknownFields].toSorted());
  checkPlace(definition, object, options.place);
}
