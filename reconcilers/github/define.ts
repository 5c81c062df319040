import type { ResourceDefinition } from "../engine/resource.ts";
import type { GitHubClient } from "./client.ts";

/** Freezes a definition, with its types inferred for every member. */
export function define<Desired, Observed>(
  definition: ResourceDefinition<Desired, Observed, GitHubClient>,
): ResourceDefinition<Desired, Observed, GitHubClient> {
  return Object.freeze({ ...definition, fields: Object.freeze({ ...definition.fields }) });
}
