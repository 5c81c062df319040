/**
 * The webhook listener. A delivery is a hint that something may have changed, never data: it is measured, verified over
 * its raw bytes, and only then parsed for which repository it is about.
 */
import { Hono } from "hono";
import { FlaresmithError } from "../runtime/errors.ts";
import { createDeliveryLog } from "./delivery-log.ts";
import { problemHandlers } from "./problem.ts";
import { createWebhookSecrets } from "./webhook-secrets.ts";
import { isSignature, isSigned } from "./webhook-signature.ts";
import type { HttpEnvironment } from "./problem.ts";

export interface WebhookHint {
  /** GitHub's event name, e.g. `push`. */
  readonly event: string;
  /** e.g. `opened`, for events that have one. */
  readonly action?: string | undefined;
  /** GitHub's delivery id. */
  readonly delivery: string;
  /** Survives renames; missing for events about no repository. */
  readonly repositoryId?: number | undefined;
  /** `owner/name` as GitHub called it then. */
  readonly fullName?: string | undefined;
  /** `refs/heads/main` of a push, the head branch of a pull request, … */
  readonly ref?: string | undefined;
}

export interface WebhookAppOptions extends HttpEnvironment {
  /** Secrets that may have signed, several during a rotation; asked for by deliveries, every ten seconds at most or so. */
  readonly secrets: () => readonly string[] | Promise<readonly string[]>;
  /** Takes the hint over, durably enough that GitHub need not send it again. Throwing makes GitHub record a failure. */
  readonly onHint: (hint: WebhookHint) => void | Promise<void>;
  /** Largest body in bytes. Default 1 MiB */
  readonly maxBytes?: number | undefined;
  /** Bytes of all bodies that are being received at a time. Default 64 MiB */
  readonly maxBytesAtOnce?: number | undefined;
}

/** Bytes of bodies that are held at the moment: anybody may send, and only a whole body can be verified. */
interface Held {
  bytes: number;
  readonly most: number;
}

/**
 * `POST /webhooks/github`: 202 taken over (or known already), 413 too large, 503 too many at once, 401 wrong or missing
 * signature (without parsing), 400 not understood, 500 could not be taken over. Nothing else is served.
 *
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export function createWebhookApp(options: WebhookAppOptions): Hono {
  const { clock, tracker, maxBytes = 1024 * 1024, maxBytesAtOnce = 64 * 1024 * 1024 } = options;
  const held: Held = { bytes: 0, most: maxBytesAtOnce };
  const problems = problemHandlers(options);
  const secrets = createWebhookSecrets({ clock, read: options.secrets });
  const deliveries = createDeliveryLog({ clock });
  const app = new Hono();
  app.notFound(problems.notFound);
  app.onError((error, context) => {
    const result = error instanceof FlaresmithError ? "refused" : "failed";
    tracker.webhookReceived("github", result);
    return problems.onError(error, context);
  });
  app.post("/webhooks/github", async (context) => {
    const body = await readCapped(context.req.raw, maxBytes, held);
    const signature = context.req.header("x-hub-signature-256");
    if (!isSignature(signature) || !(await secrets.some((all) => isSigned(body, signature, all)))) {
      throw new FlaresmithError({
        code: "REQUEST_UNAUTHENTICATED",
        message: "the signature does not match the body",
        hint: "Set the webhook's secret at GitHub to webhookSecret of the Connection's Secret.",
      });
    }
    const event = header(context.req.header("x-github-event"), "X-GitHub-Event");
    const delivery = header(context.req.header("x-github-delivery"), "X-GitHub-Delivery");
    if (deliveries.has(delivery)) {
      tracker.webhookReceived("github", "duplicate");
      return context.json({ status: "duplicate" }, 202);
    }
    const hint = readHint(parseBody(body, context.req.header("content-type")), event, delivery);
    deliveries.claim(delivery);
    try {
      await options.onHint(hint);
    } catch (error) {
      // A redelivery carries the same id and must not be swallowed.
      deliveries.release(delivery);
      throw error;
    }
    tracker.webhookReceived("github", "accepted");
    return context.json({ status: "accepted" }, 202);
  });
  return app;
}

function overloaded(): FlaresmithError {
  return new FlaresmithError({ code: "REQUEST_OVERLOADED", message: "too much is being received at once" });
}

/** @throws FlaresmithError REQUEST_TOO_LARGE, REQUEST_OVERLOADED, REQUEST_INVALID */
async function readCapped(request: Request, maxBytes: number, held: Held): Promise<Buffer> {
  const tooLarge = (): FlaresmithError =>
    new FlaresmithError({ code: "REQUEST_TOO_LARGE", message: `the body is larger than ${maxBytes} bytes` });
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let refused: FlaresmithError | undefined;
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.byteLength;
      held.bytes += chunk.byteLength;
      if (size > maxBytes) refused = tooLarge();
      else if (held.bytes > held.most) refused = overloaded();
      if (refused !== undefined) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw new FlaresmithError({
      code: "REQUEST_INVALID",
      message: "the body ended before it was complete",
      cause: error,
    });
  } finally {
    held.bytes -= size;
  }
  if (refused !== undefined) throw refused;
  return Buffer.concat(chunks);
}

function header(value: string | undefined, name: string): string {
  if (value !== undefined && /^[\w.-]{1,128}$/.test(value)) return value;
  throw new FlaresmithError({
    code: "REQUEST_INVALID",
    message: `the header ${name} is missing or malformed`,
    hint: "Only GitHub's webhook deliveries are understood here.",
  });
}

/** GitHub sends JSON, or the same JSON as the form field `payload` (its default for hooks made by hand). */
function parseBody(body: Buffer, contentType: string | undefined): unknown {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(contentType ?? "");
  const text = isForm
    ? (new URLSearchParams(body.toString("utf8")).get("payload") ?? "")
    : body.toString("utf8");
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new FlaresmithError({
      code: "REQUEST_INVALID",
      message: "the body is no JSON",
      hint: "Set the webhook's content type at GitHub to application/json.",
      cause: error,
    });
  }
}

function readHint(payload: unknown, event: string, delivery: string): WebhookHint {
  const repository = member(payload, "repository");
  const id = member(repository, "id");
  const ref =
    text(payload, "ref") ??
    text(member(member(payload, "pull_request"), "head"), "ref") ??
    text(member(payload, "workflow_run"), "head_branch") ??
    text(member(payload, "deployment"), "ref");
  return {
    event,
    action: text(payload, "action"),
    delivery,
    repositoryId: typeof id === "number" && Number.isSafeInteger(id) ? id : undefined,
    fullName: text(repository, "full_name"),
    ref,
  };
}

function member(value: unknown, name: string): unknown {
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function text(value: unknown, name: string): string | undefined {
  const found = member(value, name);
  return typeof found === "string" ? found : undefined;
}
