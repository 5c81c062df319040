import { ApiError } from "../store/resource-client.ts";
import type { Clock } from "./clock.ts";
import { FlaresmithError, errorText } from "./errors.ts";
import { unwrapTransportError } from "./transport-errors.ts";

const REFUSED_HINT =
  "Work continues by itself when the API server lets it; if this stays, check the controller's token and its RBAC roles.";

/**
 * Makes an error of ours of whatever a reconciliation threw: a refusal of the store becomes STORE_CONFLICT,
 * STORE_UNAVAILABLE (also where it is about who we are) or STORE_REJECTED; what an SDK wrapped is unwrapped; the rest is
 * INTERNAL_ERROR, a defect.
 *
 * @param clock tells until when the store asks to wait. Default: that is left to the queue's back-off
 */
export function classifyError(error: unknown, clock?: Clock): FlaresmithError {
  const ours = unwrapTransportError(error);
  if (ours !== undefined) return ours;
  if (!(error instanceof ApiError)) {
    return new FlaresmithError({ code: "INTERNAL_ERROR", message: errorText(error), cause: error });
  }
  const message = error.message;
  // An object that vanished under us is as quiet as one that changed: the next run sees what is there.
  if (["Conflict", "AlreadyExists", "NotFound"].includes(error.reason)) {
    return new FlaresmithError({ code: "STORE_CONFLICT", message, cause: error });
  }
  if (error.code >= 500 || error.code === 429 || error.code === 410) {
    const seconds = error.details.retryAfterSeconds;
    const until = seconds === undefined || clock === undefined ? {} : { until: clock.now() + seconds * 1000 };
    return new FlaresmithError({ code: "STORE_UNAVAILABLE", message, cause: error, ...until });
  }
  // A webhook that is away, roles that a new API server has not read yet: a refusal of who we are passes, or is somebody's
  // to mend elsewhere, and no change of the object would tell us of it.
  if (error.code === 401 || error.code === 403) {
    return new FlaresmithError({ code: "STORE_UNAVAILABLE", message, cause: error, hint: REFUSED_HINT });
  }
  const field = error.causes[0]?.field;
  return new FlaresmithError({
    code: "STORE_REJECTED",
    message,
    cause: error,
    ...(field === undefined ? {} : { field }),
  });
}
