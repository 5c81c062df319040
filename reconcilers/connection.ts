/** A Connection: proves that the credentials work and says whose they are. It stands for nothing external of its own. */
import type { Clock } from "../controller/runtime/clock.ts";
import { timestamp } from "../controller/runtime/clock.ts";
import { summarize } from "../controller/runtime/conditions.ts";
import type { StatusPart } from "../controller/runtime/conditions.ts";
import { FlaresmithError, conditionMessage, conditionReason } from "../controller/runtime/errors.ts";
import { hashOf } from "../controller/runtime/hash.ts";
import type { ResourceClient } from "../controller/store/resource-client.ts";
import type { ConnectionRegistry, ResolvedConnection } from "./connections.ts";
import { toFlaresmithError } from "./engine/pass.ts";
import { REQUEST_ANNOTATION } from "./engine/reconcile-object.ts";
import type { ObjectResult } from "./engine/reconcile-object.ts";
import { connectionType } from "./objects.ts";
import type { ConnectionObject } from "./objects.ts";

/** Reconciles one Connection. @throws ApiError of the store */
export async function reconcileConnection(
  object: ConnectionObject,
  options: { client: ResourceClient; connections: ConnectionRegistry; clock: Clock },
  signal: AbortSignal,
): Promise<ObjectResult> {
  if (object.spec.suspend || object.metadata.deletionTimestamp !== undefined) return {};
  let outcome: ResolvedConnection | FlaresmithError;
  try {
    outcome = await options.connections.open(object, signal);
    await verify(outcome, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    outcome = toFlaresmithError(thrown);
  }
  await writeStatus(object, outcome, options, signal);
  return outcome instanceof FlaresmithError ? { error: outcome } : {};
}

/** Credentials that worked once may be revoked since; a provider that does not answer says nothing about them. */
async function verify(connection: ResolvedConnection, signal: AbortSignal): Promise<void> {
  try {
    await connection.verify(signal);
  } catch (thrown) {
    signal.throwIfAborted();
    const error = toFlaresmithError(thrown);
    if (error.class === "auth" || error.class === "terminal") throw error;
  }
}

function partOf(outcome: ResolvedConnection | FlaresmithError): StatusPart {
  if (!(outcome instanceof FlaresmithError)) {
    return {
      type: "Authenticated",
      status: "True",
      reason: "CredentialsValid",
      message: `The credentials are those of ${outcome.identity.name}.`,
    };
  }
  const person = outcome.class === "terminal" || outcome.class === "auth";
  return {
    type: "Authenticated",
    status: "False",
    reason: conditionReason(outcome),
    message: conditionMessage(outcome),
    ...(person ? { waitsFor: "person" as const } : {}),
  };
}

async function writeStatus(
  object: ConnectionObject,
  outcome: ResolvedConnection | FlaresmithError,
  { client, clock }: { client: ResourceClient; clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const generation = object.metadata.generation ?? 0;
  const failed = outcome instanceof FlaresmithError;
  const request = object.metadata.annotations?.[REQUEST_ANNOTATION];
  const until = failed ? undefined : outcome.transport.throttledUntil();
  const status = {
    ...object.status,
    observedGeneration: generation,
    conditions: [
      ...summarize({
        previous: object.status?.conditions ?? [],
        generation,
        now: timestamp(clock),
        parts: [partOf(outcome)],
        readyMessage: failed ? "" : `Connected as ${outcome.identity.name}.`,
      }),
    ],
    ...(failed
      ? {}
      : {
          identity: outcome.identity.name,
          account: outcome.handle.account,
          breaker: outcome.transport.breaker(),
        }),
    throttledUntil: until === undefined ? undefined : new Date(until).toISOString().replace(/\.\d{3}Z$/, "Z"),
    ...(request === undefined ? {} : { lastHandledReconcileAt: request }),
  };
  const plain = JSON.parse(JSON.stringify(status)) as ConnectionObject["status"];
  if (hashOf(plain ?? {}) === hashOf(object.status ?? {})) return;
  const { apiVersion, kind, metadata, spec } = object;
  await client.updateStatus(
    connectionType,
    { apiVersion, kind, metadata, spec, ...(plain === undefined ? {} : { status: plain }) },
    { fieldManager: "flaresmith" },
    signal,
  );
}
