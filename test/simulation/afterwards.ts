/** What people do when everything is well again, whatever a scenario is about, and what they can see in the store. */
import { conditionsOf } from "../support/world.ts";
import type { Manifest } from "../support/world.ts";
import { manifestsOf } from "./desired.ts";
import { objectsOf } from "./people.ts";
import type { Scene } from "./run.ts";

/** As `kubectl annotate` does it: a deep look at everything, which finds what somebody else changed. */
export async function askForEverything({ kernel, store, team }: Scene): Promise<void> {
  const request = { "flaresmith.dev/reconcile-requested-at": String(kernel.now()) };
  for (const kind of ["Project", "Environment", "Preview"])
    for (const { metadata } of objectsOf(store, kind)) await team.annotate(kind, metadata.name, request);
}

/**
 * A credential that sees only some repositories proves nothing by a 404. Who knows that a repository is gone says so, as
 * the condition asks.
 */
export async function confirmGone({ sandbox, store, team }: Scene): Promise<void> {
  const { repositories } = sandbox.github.state() as { repositories: { id: number }[] };
  for (const kind of ["Project", "Environment", "Preview"])
    for (const object of objectsOf(store, kind)) {
      const asked = conditionsOf(object).map(
        ({ message }) => /flaresmith\.dev\/confirm-gone: "?(\d+)/.exec(message)?.[1],
      );
      const gone = asked.filter(
        (id) => id !== undefined && repositories.every((one) => String(one.id) !== id),
      );
      if (gone.length > 0)
        await team.annotate(kind, object.metadata.name, {
          "flaresmith.dev/confirm-gone": [...new Set(gone)].join(","),
        });
    }
}

/** Who took something out of a spec that says Delete means it, and says so where the condition asks. */
export async function confirmRemovals({ store, team }: Scene): Promise<void> {
  for (const kind of ["Project", "Environment", "Preview"])
    for (const object of objectsOf(store, kind)) {
      const asked = conditionsOf(object).flatMap(({ message }) =>
        [...message.matchAll(/left the spec and would be deleted .*?confirm: (p[0-9a-f]{11})/g)].map(
          ([, hash = ""]) => hash,
        ),
      );
      if (asked.length > 0)
        await team.annotate(kind, object.metadata.name, {
          "flaresmith.dev/confirm": [...new Set(asked)].join(","),
        });
    }
}

/**
 * What was applied while an older object of its name was still being deleted went with it: people, and Sources, say it
 * again. What is left of a project that is gone is deleted.
 */
export async function sayAgain(scene: Scene): Promise<void> {
  const { intention, store, team } = scene;
  const missing = unsaid(scene);
  if (missing.length > 0) await team.apply(...missing);
  const projects = new Set(objectsOf(store, "Project").map((object) => object.metadata.name));
  // A Project that went before any controller saw it took nobody with it.
  for (const kind of ["Environment", "Preview"])
    for (const object of objectsOf(store, kind)) {
      const { projectRef } = object["spec"] as { projectRef: { name: string } };
      if (object.metadata.deletionTimestamp !== undefined || intention.shapes.has(projectRef.name)) continue;
      if (!projects.has(projectRef.name)) await team.delete(kind, object.metadata.name);
    }
}

/** Wall clock milliseconds until which some provider wants no more calls, as the Connections say; 0 when none does. */
export function throttledUntil(store: Scene["store"]): number {
  const moments = objectsOf(store, "Connection").map(
    (object) => (object["status"] as { throttledUntil?: string } | undefined)?.throttledUntil,
  );
  return Math.max(0, ...moments.map((moment) => (moment === undefined ? 0 : Date.parse(moment))));
}

/** Wanted manifests that no object stands for. */
export function unsaid({ intention, store }: Scene): Manifest[] {
  const existing = new Set(
    ["Project", "Environment", "Preview"].flatMap((kind) =>
      objectsOf(store, kind).map((object) => `${kind} ${object.metadata.name}`),
    ),
  );
  return [...intention.shapes.values()]
    .flatMap(manifestsOf)
    .filter(({ kind, metadata }) => !existing.has(`${kind} ${metadata.name}`));
}
