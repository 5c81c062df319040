/** Answers of the ops and webhook listeners when something is wrong: the error envelope of DESIGN §11. */
import type { Context, ErrorHandler, NotFoundHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { classifyError } from "../runtime/classify.ts";
import { timestamp } from "../runtime/clock.ts";
import type { Clock, Random } from "../runtime/clock.ts";
import { FlaresmithError, errorEnvelope } from "../runtime/errors.ts";
import type { Tracker } from "../runtime/tracker.ts";

export interface HttpEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly tracker: Tracker;
}

export interface ProblemHandlers {
  readonly answer: (context: Context, error: FlaresmithError) => Response;
  readonly onError: ErrorHandler;
  readonly notFound: NotFoundHandler;
}

/** What an app needs to answer errors: every one is counted, logged with its request id, and carries no secret. */
export function problemHandlers({ clock, random, tracker }: HttpEnvironment): ProblemHandlers {
  const answer = (context: Context, error: FlaresmithError): Response => {
    const requestId = random.uuid();
    const { status, body } = errorEnvelope({ error, requestId, timestamp: timestamp(clock) });
    tracker.failed(error);
    const fields = {
      requestId,
      code: body.error.code,
      severity: body.error.severity,
      method: context.req.method,
      error,
    };
    if (status >= 500) tracker.log.error("a request failed", fields);
    else tracker.log.debug("a request was refused", fields);
    context.header("x-request-id", requestId);
    if (status === 401) context.header("www-authenticate", "Bearer");
    return context.json(tracker.secrets.redactValue(body), status as ContentfulStatusCode);
  };
  return {
    answer,
    onError: (error, context) => answer(context, publicError(classifyError(error, clock))),
    notFound: (context) =>
      answer(
        context,
        new FlaresmithError({
          code: "REQUEST_NOT_FOUND",
          message: `there is nothing at ${context.req.method} ${context.req.path}`,
          hint: "Check method and path.",
        }),
      ),
  };
}

/** What broke inside is for the log, not for whoever asked. */
function publicError(error: FlaresmithError): FlaresmithError {
  if (error.code !== "INTERNAL_ERROR") return error;
  return new FlaresmithError({
    code: "INTERNAL_ERROR",
    message: "the request could not be answered",
    cause: error,
  });
}
