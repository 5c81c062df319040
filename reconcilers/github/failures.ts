/** Turns whatever a call to GitHub ended in into a FlaresmithError; no error of the SDK leaves this folder. */
import type { Clock } from "../../controller/runtime/clock.ts";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { ErrorCode } from "../../controller/runtime/errors.ts";

/** An answer of GitHub that is no success. */
export interface GitHubFailure {
  status: number;
  /** GitHub's own words, with those of every entry of `errors`. */
  message: string;
  /** Permission keys of which one is needed (`X-Accepted-GitHub-Permissions`), where GitHub says so. */
  acceptedPermissions: string | undefined;
  headers: Readonly<Record<string, string | undefined>>;
}

/** Words by which GitHub says that the owner's plan lacks a feature; it has no code for that. */
const PLAN = /upgrade|(billing|current|this|your) plan|not (available|supported) (for|on|in) /i;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function issueText(issue: unknown): string {
  if (typeof issue === "string") return issue;
  if (!isRecord(issue)) return JSON.stringify(issue);
  const { resource, field, code, message } = issue;
  const place = [resource, field].filter((part) => typeof part === "string").join(".");
  const words = typeof message === "string" ? message : typeof code === "string" ? code : "invalid";
  return place === "" ? words : `${place}: ${words}`;
}

/** The words of an error body: `message` and every entry of `errors`. A body that is no JSON says nothing to people. */
function bodyText(data: unknown): string {
  if (!isRecord(data) || typeof data["message"] !== "string") return "the answer holds no message";
  const { errors } = data;
  const issues = Array.isArray(errors) ? errors.map(issueText) : typeof errors === "string" ? [errors] : [];
  const message = data["message"].replaceAll(/\s+/g, " ").trim();
  return issues.length === 0 ? message : `${message} (${issues.join("; ")})`;
}

/** Reads the failure out of an error that Octokit threw; undefined when it stands for no answer. */
export function failureOf(error: unknown): GitHubFailure | undefined {
  if (!isRecord(error) || !isRecord(error["response"])) return undefined;
  const { status, data, headers } = error["response"];
  if (typeof status !== "number") return undefined;
  const found = isRecord(headers) ? (headers as Record<string, string | undefined>) : {};
  return {
    status,
    message: bodyText(data),
    acceptedPermissions: found["x-accepted-github-permissions"],
    headers: found,
  };
}

/** Seconds of `retry-after`, or the reset when nothing remains, as a wall clock moment in milliseconds. */
function limitedUntil(failure: GitHubFailure, clock: Clock): number | undefined {
  const { headers, message, status } = failure;
  const after = Number(headers["retry-after"]);
  const spent = headers["x-ratelimit-remaining"] === "0";
  const reset = Number(headers["x-ratelimit-reset"]);
  if (headers["retry-after"] !== undefined && Number.isFinite(after)) return clock.now() + after * 1000;
  if (spent && Number.isFinite(reset)) return reset * 1000;
  // Docs: without either header wait at least one minute.
  return status === 429 || /rate limit/i.test(message) ? clock.now() + 60_000 : undefined;
}

function forbidden(failure: GitHubFailure): { code: ErrorCode; hint?: string } {
  const { message, acceptedPermissions } = failure;
  if (/archived/i.test(message))
    // What leaves the spec cannot be taken out of it either.
    return { code: "ENV_ARCHIVED", hint: "Unarchive the repository on GitHub." };
  if (PLAN.test(message)) return { code: "INTEGRATION_UNSUPPORTED_BY_PLAN" };
  if (/suspended/i.test(message))
    return {
      code: "INTEGRATION_CREDENTIALS_INVALID",
      hint: "Unsuspend the GitHub App's installation, or give the Connection other credentials.",
    };
  return {
    code: "INTEGRATION_PERMISSION_MISSING",
    ...(acceptedPermissions === undefined
      ? {}
      : {
          hint: `Grant the credentials of the Connection one of these permissions: ${acceptedPermissions
            .split(";")
            .map((item) => item.trim().replaceAll("=", ": ").replaceAll(",", " and "))
            .join(", or ")}.`,
        }),
  };
}

function codeOf(failure: GitHubFailure, write: boolean): { code: ErrorCode; hint?: string } {
  const { status } = failure;
  if (status === 401) return { code: "INTEGRATION_CREDENTIALS_INVALID" };
  if (status === 403) return forbidden(failure);
  if (status === 404 || status === 410) return { code: "INTEGRATION_NOT_FOUND" };
  if (status === 409) return { code: "INTEGRATION_CONFLICT" };
  if (status === 423) return { code: "INTEGRATION_BUSY" };
  if (status === 402) return { code: "INTEGRATION_UNSUPPORTED_BY_PLAN" };
  if (status === 422 && PLAN.test(failure.message)) return { code: "INTEGRATION_UNSUPPORTED_BY_PLAN" };
  if (status >= 500) return { code: write ? "INTEGRATION_UNKNOWN_OUTCOME" : "INTEGRATION_UNAVAILABLE" };
  if (status >= 400) return { code: "INTEGRATION_REJECTED" };
  return { code: "INTEGRATION_RESPONSE_INVALID" };
}

/**
 * @param options.what what was being done to which object, as a gerund: `creating the environment dev of acme/shop`
 * @param options.write whether the call changes something, so that a 5xx leaves its outcome open
 */
export function failureError(
  failure: GitHubFailure,
  options: { what: string; write: boolean; clock: Clock; field?: string | undefined },
): FlaresmithError {
  const { what, write, clock, field } = options;
  const until = failure.status === 403 || failure.status === 429 ? limitedUntil(failure, clock) : undefined;
  const { code, hint } =
    until === undefined
      ? codeOf(failure, write)
      : { code: "INTEGRATION_RATE_LIMITED" as const, hint: undefined };
  const words = failure.status >= 500 ? "" : `: ${failure.message}`;
  return new FlaresmithError({
    code,
    message: `GitHub answered ${failure.status} to ${what}${words}`,
    context: { provider: "github", status: String(failure.status) },
    ...(until === undefined ? {} : { until }),
    ...(hint === undefined ? {} : { hint }),
    ...(field === undefined ? {} : { field }),
  });
}

/** A success whose body is not what GitHub documents: an HTML page, a cut-off document, another shape. Never absence. */
export function invalidAnswer(what: string, why: string, write = false): FlaresmithError {
  return new FlaresmithError({
    code: write ? "INTEGRATION_UNKNOWN_OUTCOME" : "INTEGRATION_RESPONSE_INVALID",
    message: `GitHub's answer to ${what} cannot be understood: ${why}`,
    context: { provider: "github" },
  });
}

/** What a call without an answer ended in: the transport's own verdict, or a connection that broke. */
export function unansweredError(error: unknown, options: { what: string; write: boolean }): FlaresmithError {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof FlaresmithError) return cause;
  }
  const { what, write } = options;
  return new FlaresmithError({
    code: write ? "INTEGRATION_UNKNOWN_OUTCOME" : "INTEGRATION_UNAVAILABLE",
    message: write ? `no answer came to ${what}` : `GitHub could not be reached for ${what}`,
    context: { provider: "github" },
    cause: error,
  });
}
