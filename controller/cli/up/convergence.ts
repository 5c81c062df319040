/** Waiting until everything is Ready, or until waiting is of no more use. */
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { KubernetesObject, ResourceClient } from "../../store/resource-client.ts";
import { isApiError } from "../../store/resource-client.ts";
import { judge } from "../readiness.ts";
import type { Verdict } from "../readiness.ts";
import { shownTypes } from "../types.ts";
import type { WorldView } from "./view.ts";

/** Milliseconds for which a verdict must hold: a Source that was just applied is about to bring more objects. */
const CALM = 1500;
/** Milliseconds between looks while things change: each is a look at everything. */
const LOOK_EVERY = 100;

export type Convergence = Verdict & { ended: "ready" | "stuck" | "timeout" | "stopped" };

/**
 * Asks every object that exists to be compared with the world anew, so that what it says later is of today and not from
 * before a restart.
 * @param token unique
 */
export async function requestAll(client: ResourceClient, token: string): Promise<void> {
  const body = { metadata: { annotations: { "flaresmith.dev/reconcile-requested-at": token } } };
  for (const type of shownTypes) {
    const { items } = await client.list<KubernetesObject>(type);
    for (const { metadata } of items) {
      const key = {
        name: metadata.name,
        ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      };
      try {
        await client.patch(type, key, { type: "merge", body }, { fieldManager: "flaresmith-up" });
      } catch (error) {
        // Deleted in the meantime: nothing left to wait for.
        if (!isApiError(error, "NotFound")) throw error;
      }
    }
  }
}

/**
 * Resolves when the verdict is `ready` or `stuck` and stays so for a moment, at the time limit, and when the signal is
 * aborted.
 * @param options.timeout milliseconds; undefined waits for ever
 */
export function converged(options: {
  view: WorldView;
  clock: Clock;
  timeout: number | undefined;
  /** `stuck` ends the wait too. Default true */
  endWhenStuck?: boolean;
  signal: AbortSignal;
}): Promise<Convergence> {
  const { clock, endWhenStuck = true, signal, timeout, view } = options;
  return new Promise((resolve) => {
    let calm: Timer | undefined;
    let calmFor: Verdict["state"] | undefined;
    let next: Timer | undefined;
    const finish = (ended: Convergence["ended"]): void => {
      for (const timer of [calm, limit, next]) timer?.cancel();
      unsubscribe();
      signal.removeEventListener("abort", stop);
      resolve({ ...judge(view.objects()), ended });
    };
    const stop = (): void => finish("stopped");
    const limit = timeout === undefined ? undefined : clock.setTimer(timeout, () => finish("timeout"));
    const look = (): void => {
      next = undefined;
      const { state } = judge(view.objects());
      if (state === calmFor) return;
      calm?.cancel();
      calmFor = state;
      if (state === "progressing" || (state === "stuck" && !endWhenStuck)) return;
      calm = clock.setTimer(CALM, () => finish(state));
    };
    const unsubscribe = view.onChange(() => {
      next ??= clock.setTimer(LOOK_EVERY, look);
    });
    if (signal.aborted) {
      stop();
      return;
    }
    signal.addEventListener("abort", stop, { once: true });
    look();
  });
}
