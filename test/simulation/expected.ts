/**
 * What must exist for a shape, worked out from the shape alone and not by the controller's code: names, and attributes
 * with their values. `@name|attribute` stands for another thing's attribute, `*` for any value.
 */
import { branchOf } from "./desired.ts";
import type { EnvironmentShape, ProjectShape } from "./desired.ts";
import { STRIPE } from "./people.ts";

export type Expected = Map<string, Record<string, string>>;

function environmentThings(shape: ProjectShape, short: string, environment: EnvironmentShape): Expected {
  const expected: Expected = new Map();
  const repository = `github acme/${shape.name}`;
  const branch = branchOf(short, environment);
  const database = `neon ${shape.name} branch ${branch}`;
  const uri = `@${database}|uri`;
  const hasUrl = environment.databaseUrl && shape.neon;
  expected.set(`${repository} branch ${branch}`, {});
  // Only what has something in it: an environment that nobody uses is not made.
  if (environment.stageVariable !== undefined || hasUrl) {
    expected.set(`${repository} environment ${short}`, {
      ...(environment.stageVariable === undefined ? {} : { "variable STAGE": environment.stageVariable }),
      ...(hasUrl ? { "secret DATABASE_URL": uri } : {}),
    });
  }
  if (shape.neon) {
    expected.set(database, {});
    expected.set(`${database} database app`, {});
  }
  if (shape.cache) expected.set(`cloudflare kv ${shape.name}-cache-${short}`, {});
  if (shape.worker) {
    expected.set(`cloudflare worker ${shape.name}-api-${short}`, {
      crons: environment.cron ?? "",
      "binding GREETING": environment.greeting,
      "binding COMMIT_SHA": `@${repository} branch ${branch}|head`,
      ...(shape.cache ? { "binding CACHE": `@cloudflare kv ${shape.name}-cache-${short}|id` } : {}),
      ...(shape.files ? { "binding FILES": `${shape.name}-files` } : {}),
      ...(hasUrl ? { "secret DATABASE_URL": uri } : {}),
      ...(environment.stripe ? { "secret STRIPE_KEY": STRIPE } : {}),
    });
  }
  return expected;
}

function previewThings(shape: ProjectShape, short: string): Expected {
  const expected: Expected = new Map();
  const preview = shape.previews[short];
  const base = preview && shape.environments[preview.base];
  if (preview === undefined || base === undefined) return expected;
  const database = `neon ${shape.name} branch preview/${short}`;
  if (shape.neon) {
    expected.set(database, {});
    expected.set(`${database} database app`, {});
  }
  if (shape.cache) expected.set(`cloudflare kv ${shape.name}-cache-${short}-*`, {});
  if (shape.worker) {
    expected.set(`cloudflare worker ${shape.name}-api-${preview.base} preview ${short}`, {
      "binding GREETING": base.greeting,
      ...(base.databaseUrl && shape.neon ? { "secret DATABASE_URL": `@${database}|uri` } : {}),
    });
  }
  return expected;
}

/** What a Project itself stands for. */
function projectThings(shape: ProjectShape): Expected {
  const repository = `github acme/${shape.name}`;
  const expected: Expected = new Map();
  expected.set(repository, {
    description: shape.description,
    ...(shape.region === undefined ? {} : { "variable REGION": shape.region }),
  });
  expected.set(`${repository} branch main`, {});
  if (shape.ruleset) expected.set(`${repository} ruleset main is protected`, { enforcement: "active" });
  if (shape.neon) {
    expected.set(`neon ${shape.name}`, {});
    expected.set(`neon ${shape.name} branch main`, {});
    expected.set(`neon ${shape.name} branch main database app`, {});
  }
  if (shape.files) expected.set(`cloudflare r2 ${shape.name}-files`, {});
  return expected;
}

/** Everything that stands for a shape. */
export function expectedOf(shape: ProjectShape): Expected {
  const expected = projectThings(shape);
  for (const [short, environment] of Object.entries(shape.environments))
    for (const [name, attributes] of environmentThings(shape, short, environment))
      expected.set(name, attributes);
  for (const short of Object.keys(shape.previews))
    for (const [name, attributes] of previewThings(shape, short)) expected.set(name, attributes);
  return expected;
}

const holdsDataOrCode = [
  /^github \S+$/,
  /^github \S+ branch /,
  /^neon (?!.* branch preview\/)/,
  /^cloudflare r2 /,
  /^cloudflare kv (?!.*-pr-)/,
];

/** Of what stands for a shape, what stays at the providers when it is deleted with `deletionPolicy: Orphan`. */
export function leftovers(expected: Expected, shape: ProjectShape): string[] {
  const production = Object.entries(shape.environments)
    .filter(([, environment]) => environment.stage === "Production")
    .map(([short]) => `cloudflare worker ${shape.name}-api-${short}`);
  return [...expected.keys()].filter(
    (name) => holdsDataOrCode.some((pattern) => pattern.test(name)) || production.includes(name),
  );
}

/** What one object stands for; undefined when no shape has it. */
export function expectedOfObject(
  kind: string,
  name: string,
  shapes: ReadonlyMap<string, ProjectShape>,
): Expected | undefined {
  for (const shape of shapes.values()) {
    if (kind === "Project" && name === shape.name) return projectThings(shape);
    if (!name.startsWith(`${shape.name}-`)) continue;
    const short = name.slice(shape.name.length + 1);
    const environment = shape.environments[short];
    if (kind === "Environment" && environment) return environmentThings(shape, short, environment);
    if (kind === "Preview" && short in shape.previews) return previewThings(shape, short);
  }
  return undefined;
}
