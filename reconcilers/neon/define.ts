import type { ResourceContext, ResourceDefinition } from "../engine/resource.ts";
import type { NeonClient } from "./client.ts";

/** Freezes a definition, with its types inferred for every member. */
export function define<Desired, Observed>(
  definition: ResourceDefinition<Desired, Observed, NeonClient>,
): ResourceDefinition<Desired, Observed, NeonClient> {
  return Object.freeze({ ...definition, fields: Object.freeze({ ...definition.fields }) });
}

/**
 * Whether a 404 for this id is proof enough: a person said that it is gone, or Neon acknowledged our own removal of it.
 * Otherwise it may only be out of the API key's sight.
 */
export function confirmedGone({ entry }: Pick<ResourceContext<NeonClient>, "entry">, id: string): boolean {
  return entry?.data?.["confirmGone"] === id;
}
