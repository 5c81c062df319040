/** How people say to the store what they want, and what they decide when an object asks. */
import type { KubernetesObject } from "../../../controller/store/resource-client.ts";
import { conditionsOf } from "../../support/world.ts";
import { manifestsOf } from "../desired.ts";
import type { ProjectShape } from "../desired.ts";
import { objectsOf, takeOver } from "../people.ts";
import type { Scene } from "../run.ts";
import type { Draft } from "./command.ts";

function projectOf(object: KubernetesObject): string {
  const { projectRef } = object["spec"] as { projectRef?: { name: string } };
  return projectRef?.name ?? object.metadata.name;
}

/** Every object of a project that stands in the store. */
function objectsOfProject(scene: Scene, name: string): KubernetesObject[] {
  return ["Project", "Environment", "Preview"].flatMap((kind) =>
    objectsOf(scene.store, kind).filter((object) => projectOf(object) === name),
  );
}

/**
 * Says a shape. What is still being deleted may be said again as it was; a change would be a change of how it is deleted.
 * So changes wait, as those of a Source do, until the old objects are gone and the run says again what is missing.
 */
export async function say(scene: Scene, draft: Draft, shape: ProjectShape): Promise<void> {
  const { intention, team } = scene;
  const leaving = objectsOfProject(scene, shape.name).filter(
    ({ metadata }) => metadata.deletionTimestamp !== undefined,
  );
  const text = JSON.stringify(shape);
  if (leaving.length > 0 && draft.said.get(shape.name) !== text) {
    for (const { kind, name } of intention.want(shape)) await team.delete(kind, name);
    if (leaving.some(({ kind }) => kind === "Project")) return;
    const gone = new Set(leaving.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
    await team.apply(
      ...manifestsOf(shape).filter(({ kind, metadata }) => !gone.has(`${kind} ${metadata.name}`)),
    );
    return;
  }
  draft.said.set(shape.name, text);
  await scene.want(shape);
  // A Project that went before any controller saw it took nobody with it.
  const wanted = new Set(manifestsOf(shape).map(({ kind, metadata }) => `${kind} ${metadata.name}`));
  for (const { kind = "", metadata } of objectsOfProject(scene, shape.name))
    if (!wanted.has(`${kind} ${metadata.name}`)) await team.delete(kind, metadata.name);
}

/** Deletes a project. One that went before any controller saw it took nobody with it, so that the rest is deleted too. */
export async function abandon(scene: Scene, name: string): Promise<void> {
  await scene.abandon(name);
  const left = objectsOfProject(scene, name);
  if (left.some(({ kind }) => kind === "Project")) return;
  for (const { kind = "", metadata } of left)
    if (metadata.deletionTimestamp === undefined) await scene.team.delete(kind, metadata.name);
}

/**
 * What was left in place before it could be marked is nobody's: who wants the project again takes it over, as the
 * condition says. Only for projects that left something.
 */
export async function takeUpAgain({ intention, store, team }: Scene): Promise<void> {
  for (const kind of ["Project", "Environment", "Preview"])
    for (const object of objectsOf(store, kind)) {
      const project = projectOf(object);
      if (![...intention.left].some((name) => name.split(/[ /-]/).includes(project))) continue;
      await takeOver(team, object);
    }
}

/** What people are asked for after others deleted something, and how they answer. */
const questions = [
  { annotation: "flaresmith.dev/confirm", asked: /flaresmith\.dev\/confirm: (p[0-9a-f]+)/g },
  // By the id of what lay in a repository; the run answers for repositories themselves.
  { annotation: "flaresmith.dev/confirm-gone", asked: /flaresmith\.dev\/confirm-gone: "([^"]+)", which/g },
];

/** Whoever is asked whether what others deleted is gone, and may be made anew and empty, says yes. */
export async function agree({ intention, sandbox, store, team }: Scene): Promise<void> {
  const { repositories } = sandbox.github.state() as { repositories: { name: string }[] };
  for (const kind of ["Project", "Environment", "Preview"])
    for (const object of objectsOf(store, kind)) {
      const messages = conditionsOf(object).map(({ message }) => message);
      const there = repositories.some(({ name }) => name === projectOf(object));
      for (const { annotation, asked } of questions) {
        if (annotation.endsWith("gone") && (there || !intention.mayGo(`github acme/${projectOf(object)}`)))
          continue;
        const known = object.metadata.annotations?.[annotation]?.split(",") ?? [];
        const words = messages.flatMap((text) => [...text.matchAll(asked)].map((match) => match[1] ?? ""));
        const all = [...new Set([...known, ...words])];
        if (all.length > known.length)
          await team.annotate(kind, object.metadata.name, { [annotation]: all.join(",") });
      }
    }
}
