/**
 * The oracles of a run. They know the sandbox, the store and what people want, and nothing of the controller: what it
 * believes plays no part.
 */
import type { EmbeddedStore } from "../../../controller/store/embedded/index.ts";
import type { KubernetesObject } from "../../../controller/store/resource-client.ts";
import { checkConditionInvariants } from "../../../controller/runtime/condition-invariants.ts";
import type { Sandbox } from "../../../sandbox/sandbox.ts";
import { conditionsOf } from "../../support/world.ts";
import type { FaultPlan } from "../faults.ts";
import type { Intention } from "../intention.ts";
import type { Kernel } from "../kernel.ts";
import type { Call } from "../network.ts";
import { objectsOf } from "../people.ts";
import type { Process } from "../process.ts";
import type { Write } from "../store-boundary.ts";
import { thingsOf } from "../world-state.ts";
import type { Thing } from "../world-state.ts";
import { createManners } from "./manners.ts";
import { tellingKinds, told } from "./secrets.ts";
import { duplicates, lost, touched } from "./things.ts";
import { createTruth, isReady } from "./truth.ts";
import type { Violation } from "./violation.ts";
import { byName, lacking, surplus } from "./world-match.ts";

export type { Violation } from "./violation.ts";

/** What stood still, to be compared with later. */
interface Stillness {
  sequence: number;
  versions: ReadonlyMap<string, string>;
}

export interface Oracles {
  /** The first promise that was seen broken. */
  violation(): Violation | undefined;
  sent: (call: Call) => void;
  handled: (call: Call, status: number, changed: boolean) => void;
  answered: (call: Call, status: number, retryAfter: number | undefined) => void;
  written: (write: Write, answer: unknown) => void;
  /**
   * Objects that do not say they are as they should be, and why; deleted ones that are still there.
   * @param blocked objects that must say that they are stopped; where there are any, others may wait for them
   */
  restless(blocked: readonly string[]): string[];
  /** Whether the world is what people want, to the last attribute; where something is blocked, whether nothing is too much. */
  world(blocked: readonly string[]): Violation | undefined;
  stillness(): Stillness;
  /** Whether anything moved since. */
  moved(since: Stillness): Violation | undefined;
  secrets(processes: readonly Process[]): Promise<Violation | undefined>;
}

const ownKinds = ["Connection", "Project", "Environment", "Preview"] as const;

/** Creates of things whose name the provider does not keep unique, and removals. */
function mayDuplicateOrLose({ method, path }: Call): boolean {
  if (method === "DELETE") return true;
  return (
    method === "POST" &&
    /\/(repos|generate|projects|branches|hooks|namespaces|buckets|routes)(\?|$)/.test(path)
  );
}

export function createOracles(options: {
  kernel: Kernel;
  sandbox: Sandbox;
  store: EmbeddedStore;
  intention: Intention;
  faults: FaultPlan;
}): Oracles {
  const { faults, intention, kernel, sandbox, store } = options;
  const manners = createManners();
  const truth = createTruth(intention, faults.rates.has("watch-silent"));
  let first: Violation | undefined;
  let known: ReadonlyMap<string, Thing> = new Map();
  const note = (violation: Violation | undefined): void => {
    if (violation === undefined || first !== undefined) return;
    kernel.trace(`VIOLATION of ${violation.oracle}: ${violation.message}`);
    first = violation;
  };
  const look = (): ReadonlyMap<string, Thing> => {
    const all = thingsOf(sandbox);
    note(duplicates(all));
    const now = byName(all);
    note(lost(known, now, intention));
    note(touched(intention.foreign, now));
    known = now;
    return now;
  };
  return {
    violation: () => first,
    sent: (call) => note(manners.sent(call)),
    handled: (call, _status, changed) => {
      if (changed && mayDuplicateOrLose(call)) look();
    },
    answered: (call, _status, retryAfter) => manners.answered(call, retryAfter, kernel.now()),
    written: (write, answer) => {
      if (write.verb !== "updateStatus" && write.verb !== "patchStatus") return;
      const object = answer as KubernetesObject;
      note(truth.written(object, () => byName(thingsOf(sandbox)), kernel.now()));
    },
    restless: (blocked) =>
      ownKinds.flatMap((kind) =>
        objectsOf(store, kind).flatMap((object) => {
          const name = `${kind}/${object.metadata.name}`;
          const conditions = conditionsOf(object);
          const text = conditions.map(
            ({ message, reason, status, type }) => `${type}=${status} ${reason} ${message}`,
          );
          const says = `${name}: ${text.join(" | ")}`;
          if (object.metadata.deletionTimestamp !== undefined) return [`${says} (it is still being deleted)`];
          const broken = checkConditionInvariants(object);
          if (broken.length > 0)
            return [`${name} breaks the rules for conditions: ${JSON.stringify(broken)}`];
          if (blocked.includes(name)) {
            const stands = conditions.some(({ status, type }) => type === "Stalled" && status === "True");
            return stands ? [] : [says];
          }
          const requested = object.metadata.annotations?.["flaresmith.dev/reconcile-requested-at"];
          const answered = (object["status"] as { lastHandledReconcileAt?: string } | undefined)
            ?.lastHandledReconcileAt;
          const waits = blocked.length > 0 && kind !== "Connection";
          return waits || (isReady(object) && requested === answered) ? [] : [says];
        }),
      ),
    world: (blocked) => {
      const things = look();
      if (first !== undefined) return first;
      const expected = intention.expected();
      const wrong = blocked.length === 0 ? lacking(expected, things) : [];
      if (wrong.length > 0) return { oracle: "convergence", message: wrong.join("; ") };
      const tooMuch = surplus(expected, things, intention.left, intention.foreign);
      if (tooMuch.length > 0) return { oracle: "no leak", message: `nobody wants ${tooMuch.join("; ")}` };
      return undefined;
    },
    stillness: () => ({
      sequence: sandbox.context.journal.last(),
      versions: new Map(
        tellingKinds.flatMap((kind) =>
          objectsOf(store, kind).map(
            (object) => [`${kind} ${object.metadata.name}`, object.metadata.resourceVersion ?? ""] as const,
          ),
        ),
      ),
    }),
    moved: (since) => {
      const changes = sandbox.context.journal.since(since.sequence).filter((entry) => entry.changed);
      if (changes.length > 0) {
        const list = changes.map((entry) => `${entry.provider} ${entry.method} ${entry.path}`);
        return { oracle: "stable and quiet", message: `changed without a reason: ${list.join("; ")}` };
      }
      for (const kind of tellingKinds) {
        for (const { metadata } of objectsOf(store, kind)) {
          const name = `${kind} ${metadata.name}`;
          if (since.versions.get(name) === metadata.resourceVersion) continue;
          return { oracle: "stable and quiet", message: `${name} was written without a reason` };
        }
      }
      return undefined;
    },
    secrets: (processes) => told(store, sandbox, processes),
  };
}
