/** Everything that is wrong with an object that is about to be stored. */
import type { KubernetesObject, StatusCause } from "../resource-client.ts";
import { invalid } from "./errors.ts";
import { validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import type { TypeDefinition, ValidationContext } from "./type-definition.ts";

function metadataCauses(
  definition: TypeDefinition,
  object: KubernetesObject,
  old?: KubernetesObject,
): StatusCause[] {
  const causes = validateMetadata(definition, object.metadata);
  if (old !== undefined) causes.push(...validateMetadataUpdate(object.metadata, old.metadata));
  return causes;
}

/** @throws ApiError 422 with every cause */
export function validateObject(
  definition: TypeDefinition,
  object: KubernetesObject,
  context: ValidationContext,
): void {
  const isLoose = definition.anyName === true && context.old === undefined;
  let causes = isLoose ? [] : metadataCauses(definition, object, context.old);
  causes.push(...(definition.validate?.(object, { ...context, causes }) ?? []));
  if (isLoose && causes.length === 0) causes = metadataCauses(definition, object, context.old);
  if (causes.length > 0) throw invalid(definition.type, object.metadata.name ?? "", causes);
}
