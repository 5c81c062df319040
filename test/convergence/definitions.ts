/** The resource types of the product, as the tests here look at them: what is managed, and how deep it is looked at. */
import * as cloudflare from "../../reconcilers/cloudflare/index.ts";
import type { Depth } from "../../reconcilers/engine/resource.ts";
import * as github from "../../reconcilers/github/index.ts";
import * as neon from "../../reconcilers/neon/index.ts";

interface Managed {
  provider: string;
  type: string;
  fields: Readonly<Record<string, Depth | "write-only">>;
}

const isDefinition = (value: unknown): value is Managed =>
  typeof value === "object" && value !== null && "fields" in value && "segment" in value;

/** Every definition that the provider folders hand out. */
export const definitions: readonly Managed[] = [github, neon, cloudflare].flatMap((folder) =>
  Object.values(folder as Record<string, unknown>).filter(isDefinition),
);

const depths: ReadonlyMap<string, Depth | "write-only"> = new Map(
  definitions.flatMap(({ fields, provider, type }) =>
    Object.entries(fields).map(([field, depth]) => [`${provider}/${type}:${field}`, depth] as const),
  ),
);

/** Every managed field, as `provider/type:field`. */
export const managedFields: readonly string[] = [...depths.keys()];

/** @throws Error for a field that no definition names */
export function depthOf(id: string): Depth | "write-only" {
  const depth = depths.get(id);
  if (depth === undefined) throw new Error(`no definition has a field ${id}`);
  return depth;
}
