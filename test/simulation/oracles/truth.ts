/** `Ready` is True only when the world is as the object says. */
import type { KubernetesObject } from "../../../controller/store/resource-client.ts";
import { expectedOfObject } from "../expected.ts";
import type { Intention } from "../intention.ts";
import type { Thing } from "../world-state.ts";
import type { Violation } from "./violation.ts";
import { lacking } from "./world-match.ts";

/** Milliseconds after somebody changed his mind, or the world, within which status may still speak of before. */
const NEWS = 60_000;

/** Milliseconds for which a watch that fell silent may hide what changed: the reflector gives a bookmark so long. */
const SILENCE = 180_000;

/** Milliseconds after somebody else changed the world, unasked: a look may rest on a listing of five minutes ago. */
const UNSEEN = 330_000;

interface Status {
  observedGeneration?: number;
  conditions?: { type: string; status: string; observedGeneration?: number }[];
}

export function isReady(object: KubernetesObject): boolean {
  const status = (object["status"] ?? {}) as Status;
  return (
    status.observedGeneration === object.metadata.generation &&
    status.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") === true
  );
}

export interface Truth {
  /** Judges a status that was just written. */
  written(
    object: KubernetesObject,
    things: () => ReadonlyMap<string, Thing>,
    now: number,
  ): Violation | undefined;
}

/** @param silent whether watches may fall silent */
export function createTruth(intention: Intention, silent: boolean): Truth {
  const news = silent ? NEWS + SILENCE : NEWS;
  const ready = new Map<string, boolean>();
  return {
    written: (object, things, now) => {
      const key = `${object.kind} ${object.metadata.name}`;
      const before = ready.get(key) ?? false;
      const is = isReady(object);
      ready.set(key, is);
      if (!is || before || object.metadata.deletionTimestamp !== undefined) return undefined;
      if (intention.changedSince(now - news) || intention.meddledSince(now - UNSEEN)) return undefined;
      const expected = expectedOfObject(object.kind, object.metadata.name, intention.shapes);
      if (expected === undefined) return undefined;
      // Which commit runs is said by `status.revision`; a branch may move on at any moment.
      const wrong = lacking(expected, things()).filter((line) => !line.includes(": binding COMMIT_SHA is "));
      if (wrong.length === 0) return undefined;
      return { oracle: "truthful Ready", message: `${key} says Ready, but ${wrong.join("; ")}` };
    },
  };
}
