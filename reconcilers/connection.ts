/** A Connection: proves that the credentials work and says whose they are. It stands for nothing external of its own. */
import type { Clock } from "../controller/runtime/clock.ts";
import { timestamp } from "../controller/runtime/clock.ts";
import { getCondition, summarize } from "../controller/runtime/conditions.ts";
import type { Condition, StatusPart } from "../controller/runtime/conditions.ts";
import { FlaresmithError, conditionMessage, conditionReason } from "../controller/runtime/errors.ts";
import { hashOf } from "../controller/runtime/hash.ts";
import type { ResourceClient } from "../controller/store/resource-client.ts";
import type { ConnectionRegistry, ResolvedConnection } from "./connections.ts";
import { whySuspended } from "./dependants.ts";
import { toFlaresmithError } from "./engine/pass.ts";
import { addFinalizer, removeFinalizer } from "./engine/finalizer.ts";
import { REQUEST_ANNOTATION } from "./engine/annotations.ts";
import type { ObjectResult, ReconciledObject } from "./engine/kind.ts";
import { connectionType, environmentType, previewType, projectType } from "./objects.ts";
import type { ConnectionObject } from "./objects.ts";

interface ConnectionOptions {
  client: ResourceClient;
  connections: ConnectionRegistry;
  clock: Clock;
  /** Tells an Event about the Connection. */
  event: (type: "Normal" | "Warning", reason: string, message: string) => void;
}

/** Reconciles one Connection. @throws ApiError of the store */
export async function reconcileConnection(
  object: ConnectionObject,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<ObjectResult> {
  if (object.spec.suspend) return {};
  if (object.metadata.deletionTimestamp !== undefined) return release(object, options, signal);
  const kept = await addFinalizer(options.client, connectionType, object, signal);
  const request = kept.metadata.annotations?.[REQUEST_ANNOTATION];
  const requested = request !== undefined && request !== kept.status?.lastHandledReconcileAt;
  const { connections } = options;
  let outcome: ResolvedConnection | FlaresmithError;
  try {
    outcome = await (requested ? connections.openAnew(object, signal) : connections.open(object, signal));
    await verify(outcome, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    outcome = toFlaresmithError(thrown);
  }
  await writeStatus(kept, outcome, options, signal);
  if (outcome instanceof FlaresmithError) return { error: outcome };
  const until = outcome.transport.throttledUntil();
  return until === undefined ? {} : { requeueAfter: until - options.clock.now() + AFTER_THROTTLE };
}

/** Milliseconds after a provider takes calls again, at which the status says so. */
const AFTER_THROTTLE = 1_000;

/** Milliseconds until the users of a Connection on its way out are counted again, should nobody announce their end. */
const RECOUNT = 60_000;

/**
 * What was made through a Connection can only be removed through it: it stays until nothing stands for external things
 * that it reaches, in whatever order `kubectl delete -f` names them (law 6).
 */
async function release(
  object: ConnectionObject,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<ObjectResult> {
  const { client, clock, connections } = options;
  const key = `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
  const users = await usersOf(key, client, signal);
  if (users.length === 0) {
    await removeFinalizer(client, connectionType, object, signal);
    connections.forget(key);
    return {};
  }
  const shown = users.length > 3 ? [...users.slice(0, 3), `${users.length - 3} more`] : users;
  const message = `Waiting until ${shown.join(", ")} need it no more.`;
  const generation = object.metadata.generation ?? 0;
  const conditions = summarize({
    previous: object.status?.conditions ?? [],
    generation,
    now: timestamp(clock),
    parts: [],
    progress: { reason: "Deleting", message },
  });
  const status = { ...object.status, observedGeneration: generation, conditions: [...conditions] };
  await storeStatus(object, status, client, signal);
  return { requeueAfter: RECOUNT };
}

/** Everything that stands for external things reached through a Connection, as `Kind name`, sorted. */
async function usersOf(key: string, client: ResourceClient, signal: AbortSignal): Promise<string[]> {
  const lists = await Promise.all(
    [projectType, environmentType, previewType].map((type) =>
      client.list<ReconciledObject>(type, {}, signal),
    ),
  );
  return lists
    .flatMap(({ items }) => items)
    .filter(({ status }) => (status?.inventory ?? []).some((entry) => entry.connection === key))
    .map((user) => `${user.kind} ${user.metadata.name}${whySuspended(user)}`)
    .toSorted();
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

const needsPerson = (error: FlaresmithError): boolean => error.class === "terminal" || error.class === "auth";

function partOf(outcome: ResolvedConnection | FlaresmithError): StatusPart {
  if (!(outcome instanceof FlaresmithError)) {
    return {
      type: "Authenticated",
      status: "True",
      reason: "CredentialsValid",
      message: `The credentials are those of ${outcome.identity.name}.`,
    };
  }
  return {
    type: "Authenticated",
    status: "False",
    reason: conditionReason(outcome),
    message: conditionMessage(outcome),
    ...(needsPerson(outcome) ? { waitsFor: "person" as const } : {}),
  };
}

/** Says in an Event that the Connection works, or why not, once for each reason and message. */
function announce(
  before: readonly Condition[],
  conditions: readonly Condition[],
  event: ConnectionOptions["event"],
): void {
  const was = getCondition(before, "Ready");
  const now = getCondition(conditions, "Ready");
  if (now === undefined || (was?.reason === now.reason && was.message === now.message)) return;
  if (now.status === "True") event("Normal", "Connected", now.message);
  else event("Warning", now.reason, now.message);
}

async function writeStatus(
  object: ConnectionObject,
  outcome: ResolvedConnection | FlaresmithError,
  { client, clock, event }: ConnectionOptions,
  signal: AbortSignal,
): Promise<void> {
  const generation = object.metadata.generation ?? 0;
  const failed = outcome instanceof FlaresmithError;
  const request = object.metadata.annotations?.[REQUEST_ANNOTATION];
  // A request is answered by what the provider said; where it said nothing, the next attempt asks again.
  const answered = request !== undefined && (!failed || needsPerson(outcome));
  const until = failed ? undefined : outcome.transport.throttledUntil();
  const previous = object.status?.conditions ?? [];
  const conditions = summarize({
    previous,
    generation,
    now: timestamp(clock),
    parts: [partOf(outcome)],
    readyMessage: failed ? "" : `Connected as ${outcome.identity.name}.`,
  });
  announce(previous, conditions, event);
  const status = {
    ...object.status,
    observedGeneration: generation,
    conditions: [...conditions],
    ...(failed
      ? {}
      : {
          identity: outcome.identity.name,
          account: outcome.handle.account,
          breaker: outcome.transport.breaker(),
        }),
    throttledUntil: until === undefined ? undefined : new Date(until).toISOString().replace(/\.\d{3}Z$/, "Z"),
    ...(answered ? { lastHandledReconcileAt: request } : {}),
  };
  await storeStatus(object, status, client, signal);
}

/** Nothing is sent when nothing changed. */
async function storeStatus(
  object: ConnectionObject,
  status: Record<string, unknown>,
  client: ResourceClient,
  signal: AbortSignal,
): Promise<void> {
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
