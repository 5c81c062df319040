/** Where resources lie in the HTTP API. */
import { ApiError, type ResourceType } from "../resource-client.ts";

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export function apiVersionOf(type: ResourceType): string {
  return type.group === "" ? type.version : `${type.group}/${type.version}`;
}

/** The path of a collection, or with a name that of an object. */
export function pathOf(
  type: ResourceType,
  key: { namespace?: string; name?: string },
  subresource?: "status",
): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const pieces = [
    ...(type.namespaced && key.namespace !== undefined ? ["namespaces", key.namespace] : []),
    type.plural,
    ...(key.name === undefined ? [] : [key.name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return `${root}/${pieces.map(encodeURIComponent).join("/")}`;
}

/** `?a=b`, or nothing. */
export function queryText(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? "" : `?${parameters.toString()}`;
}

/**
 * The namespace is required in the URL of an object of a namespaced type; without it the server's answer would mislead.
 * @throws ApiError 400
 */
export function keyOf(
  type: ResourceType,
  metadata: { namespace?: string; name?: string },
): { namespace?: string; name: string } {
  const { name = "", namespace } = metadata;
  if (name === "")
    throw new ApiError({ code: 400, reason: "BadRequest", message: `resource name may not be empty` });
  if (type.namespaced && (namespace === undefined || namespace === "")) {
    throw new ApiError({
      code: 400,
      reason: "BadRequest",
      message: `${type.kind} "${name}": an empty namespace may not be set when a resource name is provided`,
    });
  }
  return namespace === undefined ? { name } : { name, namespace };
}
