/** What people do with kubectl, and what others do at the providers. */
import fc from "fast-check";
import { isApiError } from "../../../controller/store/resource-client.ts";
import { typeOf } from "../../support/world.ts";
import type { ProjectShape } from "../desired.ts";
import { objectsOf } from "../people.ts";
import type { Scene } from "../run.ts";
import { act, command } from "./command.ts";
import type { Command, Draft, Model } from "./command.ts";
import { edits, shapeInWords, shapes } from "./edits.ts";
import { meddlings, ruins } from "./meddling.ts";
import { consentOf, namesAround, occupations, occupy, takeAway, wants } from "./occupations.ts";
import type { Occupation } from "./occupations.ts";
import { abandon, say } from "./say.ts";

/** Mostly one, so that much happens to it. */
const project = fc.constantFrom("shop", "shop", "shop", "blog");

const isWanted = ({ intention }: Readonly<Model>, name: string): boolean => intention.shapes.has(name);
const consentedOf = ({ consented }: Readonly<Model>, name: string): ReadonlySet<Occupation> =>
  consented.get(name) ?? new Set();

function want(model: Model, draft: Draft, shape: ProjectShape): void {
  model.intention.want(shape);
  model.last.set(shape.name, shape);
  const unwanted = [...consentedOf(model, shape.name)].filter((occupation) => !wants(shape, occupation));
  act(draft, async (scene) => {
    await say(scene, draft, shape);
    doubt(scene, shape.name, unwanted);
  });
}

/** Nobody knows whether what was to be taken over was, when it is no longer wanted. */
function doubt(scene: Scene, name: string, some: Iterable<Occupation>): void {
  for (const occupation of some) scene.intention.doubtful(namesAround(scene, occupation, name));
}

/** Who took something over and was deleted is not wanted again: whose the thing is then hangs on the moment. */
const mayCome = (model: Readonly<Model>, name: string): boolean =>
  !isWanted(model, name) && consentedOf(model, name).size === 0;

/** What was left of a repository that was still empty cannot be made from a template any more. */
const startedBare = ({ last }: Readonly<Model>, name: string): boolean => last.get(name)?.template === false;

export const makes: fc.Arbitrary<Command> = project.chain(shapes).map((shape) =>
  command(
    `the project ${shape.name} is wanted: ${shapeInWords(shape)}`,
    (model) => mayCome(model, shape.name) && !(shape.template && startedBare(model, shape.name)),
    (model, draft) => want(model, draft, shape),
  ),
);

export const makesAgain: fc.Arbitrary<Command> = project.map((name) =>
  command(
    `${name} is wanted again as it was`,
    (model) => mayCome(model, name) && model.last.has(name),
    (model, draft) => {
      const shape = model.last.get(name);
      if (shape !== undefined) want(model, draft, shape);
    },
  ),
);

export const changes: fc.Arbitrary<Command> = fc.tuple(project, edits).map(([name, edit]) =>
  command(
    `${name} is to have ${edit.words}`,
    ({ intention }) => {
      const shape = intention.shapes.get(name);
      return shape !== undefined && JSON.stringify(edit.change(shape)) !== JSON.stringify(shape);
    },
    (model, draft) => {
      const shape = model.intention.shapes.get(name);
      if (shape !== undefined) want(model, draft, edit.change(shape));
    },
  ),
);

export const deletes: fc.Arbitrary<Command> = project.map((name) =>
  command(
    `${name} is deleted`,
    (model) => isWanted(model, name),
    (model, draft) => {
      model.intention.abandon(name);
      model.deleted.add(name);
      const consented = [...consentedOf(model, name)];
      act(draft, async (scene) => {
        await abandon(scene, name);
        doubt(scene, name, consented);
      });
    },
  ),
);

const suspendable = [
  { kind: "Project", suffix: "" },
  { kind: "Environment", suffix: "-dev" },
  { kind: "Preview", suffix: "-pr-1" },
] as const;

async function suspend(scene: Scene, kind: string, name: string, suspended: boolean): Promise<void> {
  const { kernel, store } = scene;
  kernel.trace(`team ${suspended ? "suspends" : "resumes"} ${kind} ${name}`);
  await kernel.operation(() =>
    store
      .patch(
        typeOf(kind),
        { namespace: "default", name },
        { type: "merge", body: { spec: { suspend: suspended } } },
        { fieldManager: "kubectl" },
      )
      .catch((error: unknown) => {
        if (!isApiError(error, "NotFound")) throw error;
      }),
  );
}

export const suspends: fc.Arbitrary<Command> = fc
  .tuple(project, fc.constantFrom(...suspendable))
  .map(([base, { kind, suffix }]) => {
    const name = `${base}${suffix}`;
    return command(
      `${kind} ${name} is suspended`,
      (model) => {
        const shape = model.intention.shapes.get(base);
        const exists = shape !== undefined && (kind !== "Preview" || "pr-1" in shape.previews);
        return exists && !model.suspended.has(`${kind}/${name}`);
      },
      (model, draft) => {
        model.suspended.add(`${kind}/${name}`);
        act(draft, (scene) => suspend(scene, kind, name, true));
      },
    );
  });

/** Whatever is suspended goes on. */
export async function resumeAll(scene: Scene): Promise<void> {
  for (const { kind } of suspendable)
    for (const object of objectsOf(scene.store, kind))
      if ((object["spec"] as { suspend?: boolean }).suspend === true)
        await suspend(scene, kind, object.metadata.name, false);
}

export const resumes: fc.Arbitrary<Command> = fc.constant(
  command(
    "what is suspended goes on",
    ({ suspended }) => suspended.size > 0,
    (model, draft) => {
      model.suspended.clear();
      act(draft, resumeAll);
    },
  ),
);

export const occupies: fc.Arbitrary<Command> = fc
  .tuple(project, fc.constantFrom(...occupations))
  .map(([name, occupation]) =>
    command(
      `somebody else makes a ${occupation} that is called as ${name} would call it`,
      (model) => {
        // Two Neon projects may have one name, and what a dead process asked for may still be on its way.
        const free = occupation !== "Neon project" || !model.last.has(name);
        return free && mayCome(model, name) && model.occupied.get(name)?.has(occupation) !== true;
      },
      (model, draft) => {
        const before = model.occupied.get(name) ?? [];
        model.occupied.set(name, new Set([...before, occupation]));
        act(draft, (scene) => occupy(scene, occupation, name));
      },
    ),
  );

/** What of the occupied a project of its present shape may be let have. */
function adoptable(model: Readonly<Model>, name: string): Occupation[] {
  const shape = model.intention.shapes.get(name);
  // An annotation on what is still being deleted goes with it, and a repository that exists is made from no template.
  if (shape === undefined || model.deleted.has(name)) return [];
  return [...(model.occupied.get(name) ?? [])].filter(
    (occupation) =>
      consentOf(occupation) !== undefined &&
      wants(shape, occupation) &&
      !(occupation === "repository" && shape.template),
  );
}

export const adopts: fc.Arbitrary<Command> = project.map((name) =>
  command(
    `${name} may take over what it finds under its names`,
    (model) => consentedOf(model, name).size === 0 && adoptable(model, name).length > 0,
    (model, draft) => {
      const some = adoptable(model, name);
      model.consented.set(name, new Set(some));
      act(draft, async (scene) => {
        scene.intention.meddled();
        for (const occupation of some)
          for (const one of namesAround(scene, occupation, name)) scene.intention.foreign.delete(one);
        const consents = Map.groupBy(
          some.flatMap((occupation) => consentOf(occupation) ?? []),
          ({ kind, suffix }) => `${kind} ${name}${suffix}`,
        );
        for (const [key, slots] of consents) {
          const [kind = "", object = ""] = key.split(" ");
          await scene.team.annotate(kind, object, {
            "flaresmith.dev/adopt": slots.map(({ slot }) => slot).join(","),
          });
        }
      });
    },
  ),
);

export const meddles: fc.Arbitrary<Command> = fc
  .tuple(
    project,
    fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(...meddlings) },
      { weight: 1, arbitrary: fc.constantFrom(...ruins) },
    ),
  )
  .map(([name, { does, when, words }]) =>
    command(
      words.replace("@", name),
      // What belongs to somebody else is his to change.
      (model) => {
        const shape = model.intention.shapes.get(name);
        return shape !== undefined && !model.occupied.has(name) && when?.(shape) !== false;
      },
      (_model, draft) =>
        act(draft, async (scene) => {
          scene.intention.meddled();
          await does(scene, name);
        }),
    ),
  );

/** Who has something in the way of a project that is wanted, and that may not have it, takes it away. */
export async function makeWay(scene: Scene, { consented, occupied }: Readonly<Model>): Promise<void> {
  for (const shape of scene.intention.shapes.values())
    for (const occupation of occupied.get(shape.name) ?? [])
      if (wants(shape, occupation) && consented.get(shape.name)?.has(occupation) !== true)
        await takeAway(scene, occupation, shape.name);
}
