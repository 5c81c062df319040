/** What the ops and webhook listeners of a controller serve, whoever runs it. */
import { coalesceHints } from "../../http/coalesce-hints.ts";
import type { OpsAppOptions } from "../../http/ops-app.ts";
import type { WebhookAppOptions, WebhookHint } from "../../http/webhook-app.ts";
import type { Clock, Random } from "../../runtime/clock.ts";
import type { Tracker } from "../../runtime/tracker.ts";
import { CommandError } from "../failure.ts";
import { connectionType, environmentType, previewType, projectType } from "../types.ts";
import type { AssembledController } from "./controller.ts";
import { enqueueHint } from "./hints.ts";

/** A controller that listeners serve before it exists: probes must be answered from the start. */
export interface ControllerSlot {
  current: AssembledController | undefined;
}

export interface ControllerApps {
  ops: Omit<OpsAppOptions, "authenticate">;
  webhooks: WebhookAppOptions;
}

export function controllerApps(options: {
  clock: Clock;
  random: Random;
  tracker: Tracker;
  slot: ControllerSlot;
  /** What must be well besides the caches. */
  checks: OpsAppOptions["ready"];
  /** Takes a hint that this process need not act upon. @returns whether it did. Default: none */
  handOn?: ((hint: WebhookHint) => Promise<boolean>) | undefined;
}): ControllerApps {
  const { checks, clock, handOn, random, slot, tracker } = options;
  const controller = (): AssembledController => {
    if (slot.current === undefined) throw new CommandError("the controller is still starting");
    return slot.current;
  };
  const list = (type: typeof projectType, namespace?: string) =>
    controller().manager.caches.of(type).list(namespace);
  const caches = (): string | undefined => {
    const manager = slot.current?.manager;
    if (manager?.ready === true) return undefined;
    return manager?.problem === undefined ? "still filling" : `still filling: ${manager.problem}`;
  };
  const take = coalesceHints({
    clock,
    onHint: (hint) => enqueueHint(hint, controller().manager),
    failed: (error) => tracker.log.warn("a webhook's hint was lost; the next resync finds it", { error }),
  });
  return {
    ops: {
      clock,
      random,
      tracker,
      ready: [{ name: "caches", check: caches }, ...checks],
      reader: {
        project: (key) => controller().manager.caches.of(projectType).get(key),
        environments: (namespace) => list(environmentType, namespace),
        previews: (namespace) => list(previewType, namespace),
        connections: () => list(connectionType),
      },
    },
    webhooks: {
      clock,
      random,
      tracker,
      secrets: () => controller().webhookSecrets(),
      onHint: async (hint) => {
        if ((await handOn?.(hint)) !== true) take(hint);
      },
    },
  };
}
