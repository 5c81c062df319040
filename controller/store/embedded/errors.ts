/** The refusals of the embedded store, in the words of kube-apiserver 1.36 (apimachinery `pkg/api/errors`). */
import { ApiError, type ResourceType, type StatusCause } from "../resource-client.ts";

/** `projects.flaresmith.dev`, or `secrets` for the core group: how messages name a type. */
function qualifiedResource(type: ResourceType): string {
  return type.group === "" ? type.plural : `${type.plural}.${type.group}`;
}

function qualifiedKind(type: ResourceType): string {
  return type.group === "" ? type.kind : `${type.kind}.${type.group}`;
}

function details(type: ResourceType, name: string): { group?: string; kind: string; name?: string } {
  return {
    ...(type.group === "" ? {} : { group: type.group }),
    kind: type.plural,
    ...(name === "" ? {} : { name }),
  };
}

/** 413 for a request, or what it would make of an object. */
export function tooLarge(why: string): ApiError {
  return new ApiError({
    code: 413,
    reason: "RequestEntityTooLarge",
    message: `Request entity too large: ${why}`,
  });
}

/** 404 for an object. */
export function notFound(type: ResourceType, name: string): ApiError {
  return new ApiError({
    code: 404,
    reason: "NotFound",
    message: `${qualifiedResource(type)} "${name}" not found`,
    details: details(type, name),
  });
}

/** 409 for a create whose name is taken, perhaps by an object that is on its way out. */
export function alreadyExists(
  type: ResourceType,
  name: string,
  { terminating = false }: { terminating?: boolean } = {},
): ApiError {
  return new ApiError({
    code: 409,
    reason: "AlreadyExists",
    message: `${terminating ? "object is being deleted: " : ""}${qualifiedResource(type)} "${name}" already exists`,
    details: details(type, name),
  });
}

/** 409 for a create whose generated name is taken, or that brought a taken name along: a retry may help. */
export function generatedNameTaken(
  type: ResourceType,
  name: string,
  options: { terminating?: boolean } = {},
): ApiError {
  const { message } = alreadyExists(type, name, options);
  return new ApiError({
    code: 409,
    reason: "AlreadyExists",
    message: `${message}, the server was not able to generate a unique name for the object`,
    details: { ...details(type, name), retryAfterSeconds: 1 },
  });
}

/** 409 with a cause text after "Operation cannot be fulfilled on". */
export function conflict(type: ResourceType, name: string, why: string): ApiError {
  return new ApiError({
    code: 409,
    reason: "Conflict",
    message: `Operation cannot be fulfilled on ${qualifiedResource(type)} "${name}": ${why}`,
    details: details(type, name),
  });
}

/** 409 for an update that is meant for an object of another uid. */
export function otherUid(
  type: ResourceType,
  { name, uid = "", actual = "" }: { name: string; uid: string | undefined; actual: string | undefined },
): ApiError {
  return conflict(
    type,
    name,
    `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${actual}`,
  );
}

/** 409 for a write whose resourceVersion is not the current one. */
export function modified(type: ResourceType, name: string): ApiError {
  return conflict(
    type,
    name,
    "the object has been modified; please apply your changes to the latest version and try again",
  );
}

/**
 * 422 with every wrong field. The message lists the causes as kube-apiserver does: one plain, several in brackets with
 * duplicates removed (field.ErrorList.ToAggregate).
 */
export function invalid(type: ResourceType, name: string, causes: readonly StatusCause[]): ApiError {
  const texts = [...new Set(causes.map((cause) => `${cause.field ?? "<nil>"}: ${cause.message}`))];
  const text = texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`;
  return new ApiError({
    code: 422,
    reason: "Invalid",
    message: `${qualifiedKind(type)} "${name}" is invalid: ${text}`,
    causes,
    details: {
      ...(type.group === "" ? {} : { group: type.group }),
      kind: type.kind,
      ...(name === "" ? {} : { name }),
    },
  });
}

/** 400 for a request that cannot be understood. */
export function badRequest(message: string): ApiError {
  return new ApiError({ code: 400, reason: "BadRequest", message });
}

/** 403 for a write that a rule of the server forbids. */
export function forbidden(
  type: ResourceType,
  name: string,
  why: string,
  causes: readonly StatusCause[] = [],
): ApiError {
  return new ApiError({
    code: 403,
    reason: "Forbidden",
    message: `${qualifiedResource(type)} "${name}" is forbidden: ${why}`,
    causes,
    details: details(type, name),
  });
}

/** 410 for a watch that starts before the oldest remembered change. */
export function tooOldResourceVersion(requested: number, oldest: number): ApiError {
  return new ApiError({
    code: 410,
    reason: "Expired",
    message: `too old resource version: ${requested} (${oldest})`,
  });
}

/** 410 for a continue token whose revision is no longer remembered. */
export function continueExpired(): ApiError {
  return new ApiError({
    code: 410,
    reason: "Expired",
    message:
      "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
  });
}

/** 410 for a list at a revision that is no longer remembered. */
export function revisionExpired(): ApiError {
  return new ApiError({
    code: 410,
    reason: "Expired",
    message: "The resourceVersion for the provided list is too old.",
  });
}

/** 410 for a watch from a revision that does not exist (yet): the store is another one than the client has seen. */
export function unknownResourceVersion(requested: number, current: number): ApiError {
  return new ApiError({
    code: 410,
    reason: "Expired",
    message: `resource version ${requested} is not one of this store, whose current one is ${current}: list again`,
  });
}

/** 405 for a verb that the type does not have. */
export function methodNotAllowed(type: ResourceType, verb: string): ApiError {
  return new ApiError({
    code: 405,
    reason: "MethodNotAllowed",
    message: `${verb} is not supported on resources of kind "${qualifiedResource(type)}"`,
    details: details(type, ""),
  });
}

/**
 * 507 when what is written cannot be kept for want of room. kube-apiserver answers 500 without a reason and the text of
 * etcd ("etcdserver: mvcc: database space exceeded"), which clients cannot tell from a defect; RFC 4918 §11.5 has a code
 * for it. No Retry-After: client-go would repeat the write ten times before anybody learns why.
 */
export function insufficientStorage(message: string): ApiError {
  return new ApiError({ code: 507, reason: "InsufficientStorage", message });
}

/** 500 for a failure of the store itself. */
export function internalError(message: string): ApiError {
  return new ApiError({ code: 500, reason: "InternalError", message: `Internal error occurred: ${message}` });
}

/** 504 for a list that must not be older than a revision of the future. */
export function tooLargeResourceVersion(wanted: string, current: number): ApiError {
  return new ApiError({
    code: 504,
    reason: "Timeout",
    message: `Timeout: Too large resource version: ${wanted}, current: ${current}`,
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    details: { retryAfterSeconds: 1 },
  });
}
