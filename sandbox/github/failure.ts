/** An answer of the API, before headers that every answer carries are added. */
export interface Reply {
  status: number;
  /** Sent as JSON; a string or bytes are sent as they are; undefined sends no body. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** One entry of a 422's `errors`. */
export interface ValidationIssue {
  resource: string;
  code: "missing" | "missing_field" | "invalid" | "already_exists" | "unprocessable" | "custom";
  field?: string;
  message?: string;
}

const DOCUMENTATION = "https://docs.github.com/rest";

/** Thrown by handlers to answer with an error. */
export class ApiFailure extends Error {
  reply: Reply;
  constructor(reply: Reply) {
    super(`GitHub answers ${reply.status}`);
    this.name = "ApiFailure";
    this.reply = reply;
  }
}

/** GitHub's error shape: message, documentation_url and the status as a string. */
export function failure(status: number, message: string, extra: Record<string, unknown> = {}): ApiFailure {
  return new ApiFailure({
    status,
    body: { message, ...extra, documentation_url: DOCUMENTATION, status: String(status) },
  });
}

/** 404: missing, or hidden from the caller. */
export const notFound = (): ApiFailure => failure(404, "Not Found");
/** 401 of a credential that is not valid. */
export const badCredentials = (): ApiFailure => failure(401, "Bad credentials");

/** 422 with `errors[]` of codes. */
export function invalid(...errors: (ValidationIssue | string)[]): ApiFailure {
  return failure(422, "Validation Failed", { errors });
}

/** 422 of a repository that cannot be made (terraform-provider-github #278). */
export function creationFailed(...errors: ValidationIssue[]): ApiFailure {
  return failure(422, "Repository creation failed.", { errors });
}

/** 422 of a body that does not fit the endpoint's JSON schema. */
export function invalidRequest(detail: string): ApiFailure {
  return failure(422, `Invalid request.\n\n${detail}`);
}

/** 409 of the git database while a repository has no commit. */
export const emptyRepository = (): ApiFailure => failure(409, "Git Repository is empty.");
