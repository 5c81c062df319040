/** Which resource a URL means (apiserver `endpoints/request.RequestInfo`). */
import type { TypeDefinition } from "../store/embedded/type-definition.ts";

/** A request about a served type. */
export interface ResourcePath {
  definition: TypeDefinition;
  /** Left out: all namespaces, or a cluster-scoped type. */
  namespace?: string;
  /** Left out: the collection. */
  name?: string;
  subresource?: "status";
}

/** What a path below `/api` and `/apis` names; `name` are the pieces after group and version. */
interface Split {
  group: string;
  version: string;
  rest: string[];
}

function split(path: string): Split | undefined {
  let pieces: string[];
  try {
    pieces = path
      .split("/")
      .filter((piece) => piece !== "")
      .map(decodeURIComponent);
  } catch {
    return undefined;
  }
  const [root, first, second] = pieces;
  if (root === "api" && first !== undefined) return { group: "", version: first, rest: pieces.slice(2) };
  if (root === "apis" && first !== undefined && second !== undefined) {
    return { group: first, version: second, rest: pieces.slice(3) };
  }
  return undefined;
}

/** @returns undefined when nothing is served under this path: the answer is 404 */
export function parseResourcePath(path: string, types: readonly TypeDefinition[]): ResourcePath | undefined {
  const parts = split(path);
  if (parts === undefined) return undefined;
  const { group, version, rest } = parts;
  const find = (plural: string | undefined): TypeDefinition | undefined =>
    types.find(({ type }) => type.group === group && type.version === version && type.plural === plural);
  const isNamespaced = rest[0] === "namespaces" && rest.length > 2 && find(rest[2])?.type.namespaced === true;
  const namespace = isNamespaced ? rest[1] : undefined;
  const [plural, name, subresource, ...more] = isNamespaced ? rest.slice(2) : rest;
  const definition = find(plural);
  if (definition === undefined || more.length > 0) return undefined;
  // Single objects of a namespaced type have no address outside of a namespace.
  if (definition.type.namespaced && namespace === undefined && name !== undefined) return undefined;
  if (subresource !== undefined && !(subresource === "status" && definition.hasStatus)) return undefined;
  return {
    definition,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource: "status" }),
  };
}
