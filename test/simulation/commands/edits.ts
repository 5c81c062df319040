/** Projects to begin with and changes of mind, each with the words for it: values and not toggles, so that they shrink. */
import fc from "fast-check";
import type { EnvironmentShape, ProjectShape } from "../desired.ts";

export interface Edit {
  words: string;
  change(shape: ProjectShape): ProjectShape;
}

const crons = ["0 3 * * *", "*/30 * * * *"];
const greetings = ["hello", "moin", "servus"];
const descriptions = ["The shop", "A shop", "Another shop"];
const regions = ["eu", "us"];
const policies = ["Delete", "Orphan"] as const;

const staging: EnvironmentShape = { stage: "Staging", greeting: "hello", databaseUrl: true, stripe: false };
const production: EnvironmentShape = {
  stage: "Production",
  greeting: "hello",
  databaseUrl: true,
  stripe: false,
};

/** A project of one environment `dev`, perhaps with a production and a preview; the simplest has nothing but code. */
export function shapes(name: string): fc.Arbitrary<ProjectShape> {
  return fc
    .record({
      template: fc.boolean(),
      description: fc.constantFrom(...descriptions),
      region: fc.option(fc.constantFrom(...regions), { nil: undefined }),
      ruleset: fc.boolean(),
      neon: fc.boolean(),
      worker: fc.boolean(),
      cache: fc.boolean(),
      files: fc.boolean(),
      deletionPolicy: fc.constantFrom(...policies),
      stageVariable: fc.option(fc.constant("dev"), { nil: undefined }),
      cron: fc.option(fc.constantFrom(...crons), { nil: undefined }),
      databaseUrl: fc.boolean(),
      stripe: fc.boolean(),
      production: fc.boolean(),
      preview: fc.boolean(),
    })
    .map(({ cron, databaseUrl, preview, production: live, stageVariable, stripe, ...rest }) => ({
      ...rest,
      name,
      environments: {
        dev: { stage: "Dev" as const, stageVariable, greeting: "hello", cron, databaseUrl, stripe },
        ...(live ? { production } : {}),
      },
      previews: preview ? { "pr-1": { base: "dev" } } : {},
    }));
}

/** A shape in a few words: what it has beside its repository and its environment `dev`. */
export function shapeInWords({ environments, previews, ...shape }: ProjectShape): string {
  const dev = environments["dev"];
  const words = [
    shape.template ? "from the template" : "from files",
    ...(["neon", "worker", "cache", "files", "ruleset"] as const).filter((field) => shape[field]),
    ...(shape.region === undefined ? [] : [`REGION ${shape.region}`]),
    ...(dev?.stageVariable === undefined ? [] : [`STAGE ${dev.stageVariable}`]),
    ...(dev?.cron === undefined ? [] : ["a cron"]),
    ...(dev?.databaseUrl === true ? ["DATABASE_URL"] : []),
    ...(dev?.stripe === true ? ["STRIPE_KEY"] : []),
    ...Object.keys(environments).filter((short) => short !== "dev"),
    ...Object.keys(previews),
  ];
  return `${words.join(", ")} (${shape.deletionPolicy})`;
}

function onDev(change: (dev: EnvironmentShape) => EnvironmentShape): Edit["change"] {
  return (shape) => {
    const { dev } = shape.environments;
    return dev === undefined
      ? shape
      : { ...shape, environments: { ...shape.environments, dev: change(dev) } };
  };
}

function withEnvironment(short: string, environment: EnvironmentShape | undefined): Edit["change"] {
  return (shape) => {
    const { [short]: _, ...others } = shape.environments;
    return {
      ...shape,
      environments: environment === undefined ? others : { ...others, [short]: environment },
    };
  };
}

const edit = (words: string, change: Edit["change"]): Edit => ({ words, change });
const maybe = <T>(...values: T[]): fc.Arbitrary<T | undefined> => fc.constantFrom(undefined, ...values);

/** One change of mind. What holds data leaves only where the project's policy or its removal says so. */
export const edits: fc.Arbitrary<Edit> = fc.oneof(
  fc
    .constantFrom(...descriptions)
    .map((description) => edit(`the description "${description}"`, (shape) => ({ ...shape, description }))),
  maybe(...regions).map((region) =>
    edit(region === undefined ? "no variable REGION" : `REGION ${region}`, (shape) => ({ ...shape, region })),
  ),
  fc.boolean().map((ruleset) => edit(has(ruleset, "a ruleset"), (shape) => ({ ...shape, ruleset }))),
  fc.boolean().map((cache) => edit(has(cache, "a cache"), (shape) => ({ ...shape, cache }))),
  fc.boolean().map((files) => edit(has(files, "files"), (shape) => ({ ...shape, files }))),
  fc.constant(edit("a database", (shape) => ({ ...shape, neon: true }))),
  fc.constant(edit("a Worker", (shape) => ({ ...shape, worker: true }))),
  fc
    .constantFrom(...policies)
    .map((deletionPolicy) => edit(`the policy ${deletionPolicy}`, (shape) => ({ ...shape, deletionPolicy }))),
  fc.tuple(fc.constantFrom("pr-1", "pr-2"), fc.boolean()).map(([short, wanted]) =>
    edit(has(wanted, `a preview ${short}`), (shape) => {
      const { [short]: _, ...others } = shape.previews;
      return { ...shape, previews: wanted ? { ...others, [short]: { base: "dev" } } : others };
    }),
  ),
  fc
    .boolean()
    .map((wanted) =>
      edit(has(wanted, "an environment staging"), withEnvironment("staging", wanted ? staging : undefined)),
    ),
  fc
    .boolean()
    .map((wanted) =>
      edit(
        has(wanted, "an environment production"),
        withEnvironment("production", wanted ? production : undefined),
      ),
    ),
  fc.constantFrom(...greetings).map((greeting) =>
    edit(
      `the greeting ${greeting}`,
      onDev((dev) => ({ ...dev, greeting })),
    ),
  ),
  maybe(...crons).map((cron) =>
    edit(
      cron === undefined ? "no cron" : `the cron ${cron}`,
      onDev((dev) => ({ ...dev, cron })),
    ),
  ),
  maybe("dev", "development").map((stageVariable) =>
    edit(
      stageVariable === undefined ? "no variable STAGE" : `STAGE ${stageVariable}`,
      onDev((dev) => ({ ...dev, stageVariable })),
    ),
  ),
  fc.boolean().map((databaseUrl) =>
    edit(
      has(databaseUrl, "DATABASE_URL"),
      onDev((dev) => ({ ...dev, databaseUrl })),
    ),
  ),
  fc.boolean().map((stripe) =>
    edit(
      has(stripe, "STRIPE_KEY"),
      onDev((dev) => ({ ...dev, stripe })),
    ),
  ),
);

function has(wanted: boolean, what: string): string {
  return wanted ? what : `no longer ${what}`;
}
