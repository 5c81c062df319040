/** Which resource a URL means (apiserver `endpoints/request.RequestInfo`). */
import { ApiError } from "../store/resource-client.ts";
import { notFound } from "../store/embedded/errors.ts";
import type { TypeDefinition } from "../store/embedded/type-definition.ts";
import { methodNotAllowed } from "./status.ts";

/** A request about a served type. */
export interface ResourcePath {
  definition: TypeDefinition;
  /** Left out: all namespaces, or a cluster-scoped type. */
  namespace?: string;
  /** Left out: the collection. */
  name?: string;
  subresource?: "status";
}

/** Whether a method changes nothing. */
export function isReading(method: string): boolean {
  return method === "GET" || method === "HEAD";
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

/** 404 in the words of kube-apiserver, which knows no subresource of this name. */
function unknownSubresource({ type, builtIn }: TypeDefinition, name: string): ApiError {
  if (builtIn === true) {
    const message = "the server could not find the requested resource";
    return new ApiError({ code: 404, reason: "NotFound", message });
  }
  return notFound(type, name);
}

/**
 * @returns undefined when nothing is served under this path by this method: the answer is 404
 * @throws ApiError 404 for a subresource that the type does not have, 405 for a method
 */
export function parseResourcePath(
  { method, path }: { method: string; path: string },
  types: readonly TypeDefinition[],
): ResourcePath | undefined {
  const parts = split(path);
  if (parts === undefined) return undefined;
  const { group, version, rest } = parts;
  const find = (plural: string | undefined): TypeDefinition | undefined =>
    types.find(({ type }) => type.group === group && type.version === version && type.plural === plural);
  const isNamespaced = rest[0] === "namespaces" && rest.length > 2 && find(rest[2])?.type.namespaced === true;
  const namespace = isNamespaced ? rest[1] : undefined;
  const [plural, name, subresource, ...more] = isNamespaced ? rest.slice(2) : rest;
  const definition = find(plural);
  if (definition === undefined) return undefined;
  if (definition.type.namespaced && namespace === undefined) {
    // Single objects of a namespaced type have no address outside of a namespace.
    if (name !== undefined) return undefined;
    // Nobody who means one namespace and forgets to say so shall change them all.
    if (!isReading(method)) {
      if (definition.builtIn === true) throw methodNotAllowed();
      return undefined;
    }
  }
  if (subresource !== undefined && !(subresource === "status" && definition.hasStatus && more.length === 0))
    throw unknownSubresource(definition, name ?? "");
  return {
    definition,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource: "status" }),
  };
}
