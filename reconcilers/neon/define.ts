import type { ResourceDefinition } from "../engine/resource.ts";
import type { NeonClient } from "./client.ts";

/** Freezes a definition, with its types inferred for every member. */
export function define<Desired, Observed>(
  definition: ResourceDefinition<Desired, Observed, NeonClient>,
): ResourceDefinition<Desired, Observed, NeonClient> {
  return Object.freeze({ ...definition, fields: Object.freeze({ ...definition.fields }) });
}
