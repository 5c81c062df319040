/** Turns Neon's answers into FlaresmithErrors: `{request_id?, code, message}`, where `code` is often empty. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { ErrorCode } from "../../controller/runtime/errors.ts";

export interface NeonFailure {
  status: number;
  /** Neon's own code, most often empty. */
  code: string;
  message: string;
  /** Whether Neon itself said it, about a route that it has: a proxy's page, or a wrong path, proves nothing. */
  authoritative: boolean;
}

/** Neon's own words; a body that is no error document says nothing to people and proves nothing. */
export function failureOf(status: number, body: unknown): NeonFailure {
  const document = typeof body === "object" && body !== null ? body : {};
  const text = (name: string): string => {
    const value = (document as Record<string, unknown>)[name];
    return typeof value === "string" ? value : "";
  };
  const message = text("message");
  return {
    status,
    code: text("code"),
    message: message === "" ? "the answer holds no message" : message,
    authoritative: message !== "" && !/route does not exist/i.test(message),
  };
}

/** "limit reached", "exceeds the limit", "maximum number of …": most plan limits are named in words only. */
const planLimit =
  /limit (?:is |was )?(?:reached|exceeded)|exceed(?:s|ed)? (?:the |your )?.*limit|maximum (?:number|amount) of/i;
const beyondPlan = /\b(?:on|by|with) your (?:current )?plan|upgrade your plan/i;
/** Neon's random-API test retries this answer (research, "Cross-cutting"). */
const notReady = /not ready yet/i;
/** Statuses that mean something else whatever their words say. */
const ownMeaning = new Set([401, 404, 409, 423, 429]);

/** A name that a branch which exists is given, and the field of the spec that says so. */
export interface Renaming {
  readonly name: string;
  readonly field: string;
}

/**
 * Neon's words for a name that is taken (kislerdm/terraform-provider-neon issue 167). When a branch is created, what has the
 * name may be what a lost call of ours made, and the next look tells; a renaming that is refused for it stays refused.
 */
const nameTaken = /already exists/i;

function codeOf({ code, message, status }: NeonFailure, write: boolean, renaming: boolean): ErrorCode {
  if (status === 401) return "INTEGRATION_CREDENTIALS_INVALID";
  if (status < 500 && !ownMeaning.has(status)) {
    if (code.endsWith("_LIMIT_EXCEEDED") || planLimit.test(message)) return "INTEGRATION_PLAN_LIMIT";
    if (beyondPlan.test(message)) return "INTEGRATION_UNSUPPORTED_BY_PLAN";
  }
  if (status === 403) return "INTEGRATION_PERMISSION_MISSING";
  if (status === 404) return "INTEGRATION_NOT_FOUND";
  if (status === 409)
    return renaming && nameTaken.test(message) ? "INTEGRATION_NAME_CONFLICT" : "INTEGRATION_CONFLICT";
  // 423 and 503 say that nothing was done; they are the two answers Neon declares safe to repeat.
  if (status === 423 || notReady.test(message)) return "INTEGRATION_BUSY";
  if (status === 429) return "INTEGRATION_RATE_LIMITED";
  if (status === 503) return "INTEGRATION_UNAVAILABLE";
  if (status >= 500) return write ? "INTEGRATION_UNKNOWN_OUTCOME" : "INTEGRATION_UNAVAILABLE";
  return "INTEGRATION_REJECTED";
}

function limitHint(words: string): string {
  const larger = "or move to a larger Neon plan";
  if (/root/i.test(words)) {
    return `Neon counts schema-only branches as root branches: set data: Branch for previews, delete root branches that are not needed, ${larger}.`;
  }
  if (/protected/i.test(words)) return `Set neon.protected: false where it is not needed, ${larger}.`;
  if (/branch/i.test(words)) {
    return `Delete previews and branches that are not needed, lower spec.previews.max of the Project, ${larger}.`;
  }
  if (/project/i.test(words)) return `Delete Neon projects that are not needed, ${larger}.`;
  return `Remove what is not needed at Neon, ${larger}.`;
}

/** The remedy where Neon's words tell a better one than the code's own; undefined otherwise. */
function hintOf(code: ErrorCode, failure: NeonFailure): string | undefined {
  if (code === "INTEGRATION_PLAN_LIMIT") return limitHint(`${failure.code} ${failure.message}`);
  if (code === "INTEGRATION_UNSUPPORTED_BY_PLAN") {
    return "Lower the value or remove the field, or move to a larger Neon plan.";
  }
  if (code === "INTEGRATION_PERMISSION_MISSING") {
    return "Give the Connection an API key that may do this, of the organization that spec.account names; a project-scoped key can neither create nor delete projects.";
  }
  if (failure.status === 412) {
    return "The Neon project was made with store_passwords off, so that Neon cannot tell passwords: feed the secret from a secretRef in place of neon, or use a project that stores them.";
  }
  if (/org_id is required/i.test(failure.message)) {
    return "A personal API key belongs to no organization: name it in spec.account of the Connection, or use an organization's key.";
  }
  return undefined;
}

/**
 * @param call.what what was done to which object, as a gerund: `creating the branch staging`
 * @param call.field path in the spec of what was asked for, where one field stands for it
 * @param call.renaming what a branch was to be called from now on
 */
export function failureError(
  failure: NeonFailure,
  call: {
    what: string;
    write: boolean;
    field?: string | undefined;
    renaming?: Renaming | undefined;
  },
): FlaresmithError {
  const code = codeOf(failure, call.write, call.renaming !== undefined);
  const taken = code === "INTEGRATION_NAME_CONFLICT" ? call.renaming : undefined;
  const field = taken?.field ?? call.field;
  const hint =
    taken === undefined
      ? hintOf(code, failure)
      : `Choose another name, or rename or delete the branch ${taken.name}.`;
  return new FlaresmithError({
    code,
    message: `Neon answered ${failure.status} to ${call.what}: ${failure.message}`,
    context: { provider: "neon" },
    ...(field === undefined ? {} : { field }),
    ...(hint === undefined ? {} : { hint }),
  });
}
