import type { RepositoryCall, RepositoryRoute, Requirement } from "../call.ts";
import { failure, notFound, type Reply } from "../failure.ts";
import { optionalText, paginate, text } from "../page.ts";
import type { VariableRecord } from "../records.ts";
import { isoTime } from "../world.ts";
import { environmentOf } from "./environments.ts";

/** Bytes a value may have (docs: "Variables reference", 48 KB). */
const LARGEST_VALUE = 48 * 1024;
const MOST = { repository: 500, environment: 100 };
const PAGE = { fallback: 10, cap: 30 };

/** Where variables live: on a repository, or on one of its environments. */
interface Place {
  kind: "repository" | "environment";
  path: string;
  read: Requirement;
  write: Requirement;
}

function scopeOf(call: RepositoryCall, place: Place): string {
  return place.kind === "repository"
    ? `repository:${call.repository.id}`
    : `environment:${environmentOf(call).id}`;
}

/** The stored form of a variable's or secret's name. @throws ApiFailure 422 with the rules of naming */
export function storedName(name: string, what: "Variable" | "Secret"): string {
  const upper = name.toUpperCase();
  if (!/^[A-Z_][A-Z0-9_]*$/.test(upper))
    throw failure(
      422,
      `${what} names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).`,
    );
  if (upper.startsWith("GITHUB_")) throw failure(422, `${what} names must not start with GITHUB_.`);
  return upper;
}

function checkValue(value: string): void {
  if (Buffer.byteLength(value) > LARGEST_VALUE)
    throw failure(422, "Variable value is too large: at most 48 KB are allowed.");
}

function view(item: VariableRecord): Record<string, unknown> {
  return {
    name: item.name,
    value: item.value,
    created_at: isoTime(item.createdAt),
    updated_at: isoTime(item.updatedAt),
  };
}

function find(call: RepositoryCall, place: Place): { scope: string; item: VariableRecord } {
  const scope = scopeOf(call, place);
  const key = (call.parameters["name"] ?? "").toUpperCase();
  const variables = call.world.variables(scope);
  const item = call.method === "GET" ? variables.get(key) : variables.latest(key);
  if (!item) throw notFound();
  return { scope, item };
}

function list(call: RepositoryCall, place: Place): Reply {
  const all = call.world
    .variables(scopeOf(call, place))
    .values()
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
  const tail = place.path.replace(
    ":environment_name",
    encodeURIComponent(call.parameters["environment_name"] ?? ""),
  );
  const { items, headers } = paginate(call, `/repositories/${call.repository.id}${tail}`, all, PAGE);
  return { status: 200, body: { total_count: all.length, variables: items.map(view) }, headers };
}

function create(call: RepositoryCall, place: Place): Reply {
  const scope = scopeOf(call, place);
  const variables = call.world.variables(scope);
  const name = storedName(text(call.body, "name"), "Variable");
  const value = text(call.body, "value");
  checkValue(value);
  if (variables.latest(name)) throw failure(409, "Already exists - Variable already exists");
  if (variables.latestValues().length >= MOST[place.kind])
    throw failure(422, `Variable limit reached: at most ${MOST[place.kind]} variables per ${place.kind}.`);
  const now = call.world.now();
  variables.set(name, { name, value, createdAt: now, updatedAt: now });
  return { status: 201, body: {} };
}

function update(call: RepositoryCall, place: Place): Reply {
  const { scope, item } = find(call, place);
  const variables = call.world.variables(scope);
  const given = optionalText(call.body, "name");
  const name = given === undefined ? item.name : storedName(given, "Variable");
  const value = optionalText(call.body, "value") ?? item.value;
  checkValue(value);
  if (name !== item.name && variables.latest(name))
    throw failure(409, "Already exists - Variable already exists");
  if (name !== item.name) variables.delete(item.name);
  if (name !== item.name || value !== item.value)
    variables.set(name, { ...item, name, value, updatedAt: call.world.now() });
  return { status: 204 };
}

function remove(call: RepositoryCall, place: Place): Reply {
  const { scope, item } = find(call, place);
  call.world.variables(scope).delete(item.name);
  return { status: 204 };
}

const PLACES: readonly Place[] = [
  {
    kind: "repository",
    path: "/actions/variables",
    read: { actions_variables: "read" },
    write: { actions_variables: "write" },
  },
  {
    kind: "environment",
    path: "/environments/:environment_name/variables",
    read: { environments: "read" },
    write: { environments: "write" },
  },
];

/** Actions variables of repositories and environments. */
export const variableRoutes: readonly RepositoryRoute[] = PLACES.flatMap((place): RepositoryRoute[] => {
  const { path } = place;
  return [
    {
      scope: "repository",
      method: "GET",
      path,
      requires: place.read,
      settled: true,
      handler: (call) => list(call, place),
    },
    {
      scope: "repository",
      method: "POST",
      path,
      requires: place.write,
      settled: true,
      handler: (call) => create(call, place),
    },
    {
      scope: "repository",
      method: "GET",
      path: `${path}/:name`,
      requires: place.read,
      settled: true,
      handler: (call) => ({ status: 200, body: view(find(call, place).item) }),
    },
    {
      scope: "repository",
      method: "PATCH",
      path: `${path}/:name`,
      requires: place.write,
      settled: true,
      handler: (call) => update(call, place),
    },
    {
      scope: "repository",
      method: "DELETE",
      path: `${path}/:name`,
      requires: place.write,
      settled: true,
      handler: (call) => remove(call, place),
    },
  ];
});
