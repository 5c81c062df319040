/** Shapes from chance: a project to begin with, and changes of mind. */
import type { Random } from "../../controller/runtime/clock.ts";
import { count, happens, pick } from "./chance.ts";
import type { EnvironmentShape, ProjectShape } from "./desired.ts";

const crons = ["0 3 * * *", "*/30 * * * *"];
const greetings = ["hello", "moin", "servus"];
const regions = ["eu", "us"];

function environmentShape(random: Random, stage: EnvironmentShape["stage"]): EnvironmentShape {
  return {
    stage,
    stageVariable: happens(random, 0.5) ? stage.toLowerCase() : undefined,
    greeting: pick(random, greetings),
    cron: happens(random, 0.3) ? pick(random, crons) : undefined,
    databaseUrl: happens(random, 0.7),
    stripe: happens(random, 0.3),
  };
}

/** @param most how much of everything there may be. Default 1: one environment or two, one preview at most */
export function drawShape(random: Random, name: string, options: { small?: boolean } = {}): ProjectShape {
  const { small = false } = options;
  const environments: Record<string, EnvironmentShape> = { dev: environmentShape(random, "Dev") };
  if (!small && happens(random, 0.25)) environments["production"] = environmentShape(random, "Production");
  const neon = happens(random, 0.75);
  const worker = happens(random, 0.75);
  return {
    name,
    template: happens(random, 0.5),
    description: pick(random, ["The shop", "A shop"]),
    region: happens(random, 0.4) ? pick(random, regions) : undefined,
    ruleset: happens(random, 0.3),
    neon,
    worker,
    cache: happens(random, 0.3),
    files: happens(random, 0.2),
    deletionPolicy: happens(random, 0.7) ? "Delete" : "Orphan",
    environments,
    previews: happens(random, 0.4) ? { "pr-1": { base: "dev" } } : {},
  };
}

/** The smallest shape that has one of everything that may be created twice. */
export function wholeShape(name: string): ProjectShape {
  return {
    name,
    template: true,
    description: "The shop",
    region: "eu",
    ruleset: true,
    neon: true,
    worker: true,
    cache: true,
    files: true,
    deletionPolicy: "Delete",
    environments: {
      dev: {
        stage: "Dev",
        stageVariable: "dev",
        greeting: "hello",
        cron: "0 3 * * *",
        databaseUrl: true,
        stripe: true,
      },
    },
    previews: { "pr-1": { base: "dev" } },
  };
}

const bare: EnvironmentShape = { stage: "Dev", greeting: "hello", databaseUrl: false, stripe: false };

/** What a project of one thing can be about, beside its repository. */
const things: readonly Partial<ProjectShape>[] = [
  {},
  { region: "eu" },
  { ruleset: true },
  { neon: true },
  { files: true },
  { environments: { dev: { ...bare, stageVariable: "dev" } } },
  { cache: true, environments: { dev: bare } },
  { neon: true, environments: { dev: bare } },
  { neon: true, environments: { dev: { ...bare, databaseUrl: true } } },
  { neon: true, environments: { dev: bare }, previews: { "pr-1": { base: "dev" } } },
  { worker: true, environments: { dev: { ...bare, stripe: true } } },
];

/** A repository and one thing more at most: little enough to be made and broken very often. */
export function drawOneThing(random: Random, name: string): ProjectShape {
  return {
    name,
    template: happens(random, 0.3),
    description: "The shop",
    ruleset: false,
    neon: false,
    worker: false,
    cache: false,
    files: false,
    deletionPolicy: happens(random, 0.8) ? "Delete" : "Orphan",
    environments: {},
    previews: {},
    ...pick(random, things),
  };
}

const changes: readonly ((shape: ProjectShape, random: Random) => ProjectShape)[] = [
  (shape) => ({ ...shape, description: `${shape.description}!` }),
  (shape, random) => ({ ...shape, region: happens(random, 0.3) ? undefined : pick(random, regions) }),
  (shape) => ({ ...shape, ruleset: !shape.ruleset }),
  // What is switched on later just works; what holds data leaves only with its project's policy.
  (shape) => ({ ...shape, neon: true }),
  (shape) => ({ ...shape, cache: !shape.cache }),
  (shape) => ({ ...shape, files: !shape.files }),
  (shape) => ({ ...shape, worker: true }),
  (shape) => withPreviews(shape, "pr-1" in shape.previews ? {} : { "pr-1": { base: "dev" } }),
  (shape) => withPreviews(shape, { ...shape.previews, "pr-2": { base: "dev" } }),
  (shape, random) => onEnvironment(shape, "dev", (dev) => ({ ...dev, greeting: pick(random, greetings) })),
  (shape, random) =>
    onEnvironment(shape, "dev", (dev) => ({
      ...dev,
      cron: happens(random, 0.4) ? undefined : pick(random, crons),
    })),
  (shape) => onEnvironment(shape, "dev", (dev) => ({ ...dev, databaseUrl: !dev.databaseUrl })),
  (shape) => onEnvironment(shape, "dev", (dev) => ({ ...dev, stripe: !dev.stripe })),
  (shape, random) =>
    onEnvironment(shape, "dev", (dev) => ({
      ...dev,
      stageVariable: happens(random, 0.4) ? undefined : `dev-${count(random, 1, 9)}`,
    })),
  (shape) => {
    const { staging, ...others } = shape.environments;
    const added: EnvironmentShape = {
      stage: "Staging",
      greeting: "hello",
      databaseUrl: true,
      stripe: false,
    };
    return {
      ...shape,
      environments: staging === undefined ? { ...shape.environments, staging: added } : others,
    };
  },
];

function onEnvironment(
  shape: ProjectShape,
  short: string,
  change: (environment: EnvironmentShape) => EnvironmentShape,
): ProjectShape {
  const environment = shape.environments[short];
  if (environment === undefined) return shape;
  return { ...shape, environments: { ...shape.environments, [short]: change(environment) } };
}

function withPreviews(shape: ProjectShape, previews: ProjectShape["previews"]): ProjectShape {
  return "dev" in shape.environments ? { ...shape, previews } : shape;
}

/** The shape after a change of mind. */
export function changed(shape: ProjectShape, random: Random): ProjectShape {
  return pick(random, changes)(shape, random);
}
