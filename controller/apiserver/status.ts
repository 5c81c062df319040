/** Refusals as Kubernetes `Status` bodies (apimachinery `pkg/api/errors` and `meta/v1.Status`). */
import { ApiError, type StatusCause } from "../store/resource-client.ts";

/** The JSON body of a refusal, fields in the order kube-apiserver writes them. */
export interface StatusBody {
  kind: "Status";
  apiVersion: "v1";
  metadata: Record<string, never>;
  status: "Failure" | "Success";
  message?: string;
  reason?: string;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    causes?: readonly StatusCause[];
    retryAfterSeconds?: number;
  };
  code?: number;
}

/** The body for a refusal. `details` is left out when there is nothing in it. */
export function statusOf(error: ApiError): StatusBody {
  const { name, group, kind, retryAfterSeconds } = error.details;
  const details = {
    ...(name === undefined || name === "" ? {} : { name }),
    ...(group === undefined || group === "" ? {} : { group }),
    ...(kind === undefined || kind === "" ? {} : { kind }),
    ...(error.causes.length === 0 ? {} : { causes: error.causes }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: error.message,
    ...(error.reason === "" ? {} : { reason: error.reason }),
    ...(Object.keys(details).length === 0 ? {} : { details }),
    code: error.code,
  };
}

/** The answer to a delete that removed the object at once. */
export function deletedStatus(object: {
  name: string;
  group: string;
  kind: string;
  uid: string;
}): StatusBody {
  const { name, group, kind, uid } = object;
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name, ...(group === "" ? {} : { group }), kind, uid },
  };
}

/** Turns whatever was thrown into a refusal; what is no refusal becomes 500 without its inner text. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError({
    code: 500,
    reason: "InternalError",
    message: "Internal error occurred: the request failed inside the server; its log has the cause",
  });
}

/** 400 for a request that cannot be understood. */
export function badRequest(message: string): ApiError {
  return new ApiError({ code: 400, reason: "BadRequest", message });
}

/** 401 for a missing or unknown token. */
export function unauthorized(): ApiError {
  return new ApiError({ code: 401, reason: "Unauthorized", message: "Unauthorized" });
}

/** 406 for an answer in a form that cannot be given. */
export function notAcceptable(message: string): ApiError {
  return new ApiError({ code: 406, reason: "NotAcceptable", message });
}

/** 415 with the media types that are taken. */
export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  return new ApiError({
    code: 415,
    reason: "UnsupportedMediaType",
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  });
}

/** 405 for a verb that a resource does not have. */
export function methodNotAllowed(): ApiError {
  return new ApiError({
    code: 405,
    reason: "MethodNotAllowed",
    message: "the server does not allow this method on the requested resource",
  });
}

/** 413 for a body above the limit, in bytes. */
export function tooLarge(limit: number): ApiError {
  return new ApiError({
    code: 413,
    reason: "RequestEntityTooLarge",
    message: `Request entity too large: limit is ${limit}`,
  });
}

/** 422 about the options of a request, such as `ListOptions`. `causes` name the query parameters. */
export function invalidOptions(kind: string, causes: readonly StatusCause[]): ApiError {
  const texts = causes.map((cause) => `${cause.field ?? ""}: ${cause.message}`);
  return new ApiError({
    code: 422,
    reason: "Invalid",
    message: `${kind}.meta.k8s.io "" is invalid: ${texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`}`,
    causes,
    details: { group: "meta.k8s.io", kind },
  });
}
