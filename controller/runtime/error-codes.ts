/**
 * The closed table of everything that can go wrong: who can fix it, how a program should react, which condition reason
 * people see. Condition reasons and the HTTP envelope derive from here and nowhere else.
 */

/**
 * What the work queue does about an error: `transient` backs off, `rateLimited` waits until a moment, `conflict` runs
 * again at once and silently, `auth` and `terminal` wait for a change or the next resync, `unknownOutcome` backs off and
 * looks for the marker before it sends anything again.
 */
export type ErrorClass = "transient" | "rateLimited" | "conflict" | "auth" | "terminal" | "unknownOutcome";

export type Severity = "info" | "warn" | "error" | "critical";

/** What a client of ours may do by itself: nothing, repeat the read, or repeat the write because it is idempotent. */
export type RetryPolicy = "none" | "safe" | "idempotent";

export interface ErrorCodeEntry {
  readonly class: ErrorClass;
  readonly severity: Severity;
  readonly retryPolicy: RetryPolicy;
  /** CamelCase reason of the condition that carries the error. */
  readonly conditionReason: string;
  /** HTTP status of the envelope. */
  readonly httpStatus: number;
  /** The remedy when the place that raised the error knows no better one. */
  readonly hint: string;
}

const entry = (
  errorClass: ErrorClass,
  severity: Severity,
  retryPolicy: RetryPolicy,
  httpStatus: number,
  conditionReason: string,
  hint: string,
): ErrorCodeEntry =>
  Object.freeze({ class: errorClass, severity, retryPolicy, httpStatus, conditionReason, hint });

/** Codes are CATEGORY_WHAT; for INTEGRATION_ codes the envelope inserts the provider (see `publicCode`). */
export const errorCodes = Object.freeze({
  // The provider's operator, or time, can fix these.
  INTEGRATION_RATE_LIMITED: entry(
    "rateLimited",
    "warn",
    "safe",
    429,
    "RateLimited",
    "Work continues by itself when the provider's limit resets; lower budget.share of the Connection if others share it.",
  ),
  INTEGRATION_UNAVAILABLE: entry(
    "transient",
    "error",
    "safe",
    503,
    "ProviderUnavailable",
    "Work continues by itself when the provider answers again; see the provider's status page.",
  ),
  INTEGRATION_RESPONSE_INVALID: entry(
    "transient",
    "error",
    "safe",
    502,
    "ProviderResponseInvalid",
    "The answer was not what the provider documents; check that the Connection's endpoint is the API and not a proxy's page.",
  ),
  INTEGRATION_TIMEOUT: entry(
    "transient",
    "warn",
    "safe",
    504,
    "ProviderTimeout",
    "Work continues by itself; check the network path to the provider if it stays.",
  ),
  INTEGRATION_UNKNOWN_OUTCOME: entry(
    "unknownOutcome",
    "warn",
    "idempotent",
    504,
    "OutcomeUnknown",
    "A change was sent and no clear answer came back; it is looked up before anything is sent again.",
  ),
  INTEGRATION_BREAKER_OPEN: entry(
    "transient",
    "error",
    "none",
    503,
    "CircuitBreakerOpen",
    "The provider failed repeatedly, so calls are held back; one probe is made every 30 seconds.",
  ),
  INTEGRATION_BUSY: entry(
    "transient",
    "info",
    "idempotent",
    423,
    "ProviderBusy",
    "The provider is still working on an earlier change; work continues by itself.",
  ),
  INTEGRATION_CONFLICT: entry(
    "transient",
    "warn",
    "idempotent",
    409,
    "ProviderConflict",
    "Somebody else changed the same thing at the same time; it is read again and retried.",
  ),
  INTEGRATION_NOT_FOUND: entry(
    "transient",
    "warn",
    "safe",
    404,
    "ProviderObjectNotFound",
    "Something that should exist was not found; it is observed again.",
  ),

  // Whoever owns the credentials can fix these.
  INTEGRATION_CREDENTIALS_INVALID: entry(
    "auth",
    "error",
    "none",
    401,
    "CredentialsInvalid",
    "Put valid credentials into the Secret that the Connection's credentials.secretRef names.",
  ),
  INTEGRATION_PERMISSION_MISSING: entry(
    "auth",
    "error",
    "none",
    403,
    "PermissionMissing",
    "Grant the named permission to the credentials of the Connection.",
  ),
  INTEGRATION_REPOSITORY_NOT_VISIBLE: entry(
    "auth",
    "error",
    "none",
    404,
    "RepositoryNotVisible",
    "Give the credentials access to the repository; if it was deleted, say so with the annotation flaresmith.dev/confirm-gone: <id>.",
  ),
  INTEGRATION_PLAN_LIMIT: entry(
    "terminal",
    "error",
    "none",
    409,
    "PlanLimitReached",
    "Remove what is not needed at the provider, or move to a larger plan.",
  ),
  INTEGRATION_UNSUPPORTED_BY_PLAN: entry(
    "terminal",
    "error",
    "none",
    403,
    "UnsupportedByPlan",
    "Remove the field, or move to a plan that has the feature.",
  ),

  // Whoever wrote the YAML can fix these.
  INTEGRATION_NAME_CONFLICT: entry(
    "terminal",
    "error",
    "none",
    409,
    "Conflict",
    "Choose another name, or adopt what exists with the annotation flaresmith.dev/adopt: <slots>.",
  ),
  INTEGRATION_REJECTED: entry(
    "terminal",
    "error",
    "none",
    422,
    "ProviderRejected",
    "Correct the field that the provider names.",
  ),
  SPEC_INVALID: entry("terminal", "error", "none", 422, "InvalidSpec", "Correct the named field."),
  SPEC_BUNDLE_UNSUPPORTED: entry(
    "terminal",
    "error",
    "none",
    422,
    "BundleUnsupported",
    "Change the Worker's bundle so that it only uses what is supported.",
  ),
  SPEC_BUNDLE_MISSING: entry(
    "terminal",
    "error",
    "none",
    422,
    "BundleNotFound",
    "Commit the bundle at the path that code.path names, or correct the path.",
  ),
  SPEC_REFERENCE_MISSING: entry(
    "terminal",
    "error",
    "none",
    422,
    "ReferenceNotFound",
    "Create the object that is referred to, or correct the reference.",
  ),
  SPEC_REFERENCE_FORBIDDEN: entry(
    "terminal",
    "error",
    "none",
    403,
    "ReferenceNotAllowed",
    "List this namespace in allowedNamespaces of the Connection.",
  ),
  SPEC_SECRET_MISSING: entry(
    "terminal",
    "error",
    "none",
    422,
    "SecretNotFound",
    "Create the Secret in the named namespace with kubectl create secret generic.",
  ),
  SPEC_SECRET_KEY_MISSING: entry(
    "terminal",
    "error",
    "none",
    422,
    "SecretKeyNotFound",
    "Add the key to the Secret.",
  ),
  SPEC_DEPENDENCY_CYCLE: entry(
    "terminal",
    "error",
    "none",
    422,
    "DependencyCycle",
    "Break the cycle of references.",
  ),
  SPEC_CONFIRMATION_REQUIRED: entry(
    "terminal",
    "warn",
    "none",
    409,
    "ConfirmationRequired",
    "Confirm with the annotation that the message names, or take the change back.",
  ),
  DEPENDENCY_NOT_READY: entry(
    "transient",
    "info",
    "safe",
    409,
    "DependencyNotReady",
    "Work continues by itself when the object that is referred to is ready.",
  ),
  ENV_PREVIEW_LIMIT_REACHED: entry(
    "terminal",
    "error",
    "none",
    409,
    "PreviewLimitReached",
    "Delete a preview that is not needed, or raise spec.previews.max of the Project.",
  ),
  ENV_PREVIEW_EXPIRED: entry(
    "terminal",
    "warn",
    "none",
    404,
    "Expired",
    "Change the Preview's spec (ttl or keepUntil) to bring it back.",
  ),
  ENV_ARCHIVED: entry(
    "terminal",
    "warn",
    "none",
    409,
    "Archived",
    "Unarchive it at the provider, or remove it from the spec.",
  ),

  // Sources.
  SOURCE_PARSE_FAILED: entry(
    "terminal",
    "error",
    "none",
    422,
    "ParseFailed",
    "Correct the file at the named line; its objects keep their last good spec until then.",
  ),
  SOURCE_VALIDATION_FAILED: entry(
    "terminal",
    "error",
    "none",
    422,
    "ValidationFailed",
    "Correct the field in the named file; the object keeps its last good spec until then.",
  ),
  SOURCE_REFUSED: entry(
    "terminal",
    "error",
    "none",
    422,
    "Refused",
    "A Source applies only Connection, Project, Environment and Preview of its own namespace; remove the object from it.",
  ),
  SOURCE_GIT_FAILED: entry(
    "transient",
    "error",
    "safe",
    502,
    "GitFailed",
    "Check spec.git.url, spec.git.branch and that the host answers.",
  ),
  SOURCE_GIT_AUTH_FAILED: entry(
    "auth",
    "error",
    "none",
    401,
    "GitAuthenticationFailed",
    "Put valid credentials into the Secret that spec.git.secretRef names.",
  ),
  SOURCE_NOT_READABLE: entry(
    "terminal",
    "error",
    "none",
    422,
    "SourceNotReadable",
    "Correct spec.directory, spec.git or spec.path so that it names something that exists.",
  ),

  // Our own store and API.
  STORE_CONFLICT: entry(
    "conflict",
    "info",
    "idempotent",
    409,
    "StoreConflict",
    "Read the object again and repeat the change.",
  ),
  STORE_UNAVAILABLE: entry(
    "transient",
    "critical",
    "safe",
    503,
    "StoreUnavailable",
    "Check the disk of the data directory or the Kubernetes API server.",
  ),
  STORE_REJECTED: entry("terminal", "error", "none", 422, "StoreRejected", "Correct what the message names."),
  REQUEST_INVALID: entry("terminal", "warn", "none", 400, "RequestInvalid", "Correct the request."),
  REQUEST_UNAUTHENTICATED: entry(
    "auth",
    "warn",
    "none",
    401,
    "RequestUnauthenticated",
    "Send the header Authorization: Bearer <token> with a token of the API.",
  ),
  REQUEST_NOT_FOUND: entry("terminal", "info", "none", 404, "RequestNotFound", "Check namespace and name."),
  REQUEST_TOO_LARGE: entry("terminal", "warn", "none", 413, "RequestTooLarge", "Send a smaller body."),
  REQUEST_OVERLOADED: entry(
    "transient",
    "warn",
    "idempotent",
    503,
    "RequestOverloaded",
    "Send it again later; what it would have said is found at the next resync.",
  ),
  INTERNAL_ERROR: entry(
    "transient",
    "critical",
    "none",
    500,
    "InternalError",
    "This is a defect of Flaresmith; please report it with the log lines of this object.",
  ),
} satisfies Record<string, ErrorCodeEntry>);

export type ErrorCode = keyof typeof errorCodes;
