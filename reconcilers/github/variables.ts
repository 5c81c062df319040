/** Actions variables of a repository or of one environment, as one set: those of others stay. */
import type { FieldChange, InventoryEntry, ResourceContext, WriteResult } from "../engine/resource.ts";
import type { GitHubClient } from "./client.ts";
import {
  byStoredName,
  defineSet,
  describePlace,
  pathOf,
  placeOf,
  referenceOf,
  runSteps,
  writtenNames,
} from "./ensured-set.ts";
import type { Place } from "./ensured-set.ts";
import { listOrAbsent } from "./listing.ts";
import type { ReadContext } from "./repository-access.ts";
import type { VariablesDesired, VariablesObserved } from "./types.ts";

type Context = ResourceContext<GitHubClient>;

/** GitHub gives at most 30 variables per page. */
const PAGE = 30;

/** All variables of a place; undefined when the environment does not exist. */
async function read(context: ReadContext, place: Place): Promise<VariablesObserved | undefined> {
  const { environment } = place;
  const path = pathOf(place);
  const items = await listOrAbsent(
    context,
    { what: `listing the variables of ${describePlace(place)}`, repository: place.repository },
    (request, page) =>
      environment === undefined
        ? request("GET /repos/{owner}/{repo}/actions/variables", { ...path, per_page: PAGE, page })
        : request("GET /repos/{owner}/{repo}/environments/{environment_name}/variables", {
            ...path,
            environment_name: environment,
            per_page: PAGE,
            page,
          }),
    (data) => data.variables,
  );
  return items && { values: Object.fromEntries(items.map(({ name, value }) => [name.toUpperCase(), value])) };
}

function diff(
  desired: VariablesDesired,
  observed: VariablesObserved,
  entry: InventoryEntry | undefined,
): FieldChange[] {
  const wanted = byStoredName(desired.values, "variable");
  const changes: FieldChange[] = [];
  for (const [name, value] of wanted) {
    const from = observed.values[name];
    if (from === value) continue;
    changes.push({
      field: `variables.${name}`,
      effect: "in-place",
      to: value,
      ...(from === undefined ? {} : { from }),
    });
  }
  for (const name of writtenNames(entry)) {
    if (wanted.has(name)) continue;
    const from = observed.values[name];
    changes.push({ field: `variables.${name}`, effect: "in-place", ...(from === undefined ? {} : { from }) });
  }
  return changes;
}

/** Wanted variables that are missing or have another value. */
function due({ values }: VariablesDesired, observed: VariablesObserved): [string, string][] {
  return [...byStoredName(values, "variable")].filter(([name, value]) => observed.values[name] !== value);
}

async function put(
  place: Place,
  name: string,
  value: string,
  exists: boolean,
  context: Context,
): Promise<void> {
  const { client, signal } = context;
  const { environment } = place;
  const path = pathOf(place);
  const call = { what: `writing the variable ${name} of ${describePlace(place)}`, signal, write: true };
  const change = (tolerate: readonly number[]) =>
    client.attempt({ ...call, tolerate }, (request) =>
      environment === undefined
        ? request("PATCH /repos/{owner}/{repo}/actions/variables/{name}", { ...path, name, value })
        : request("PATCH /repos/{owner}/{repo}/environments/{environment_name}/variables/{name}", {
            ...path,
            environment_name: environment,
            name,
            value,
          }),
    );
  if (exists && (await change([404])).ok) return;
  // Missing, or gone since it was read; 409 says that it came to be since.
  const created = await client.attempt({ ...call, tolerate: [409] }, (request) =>
    environment === undefined
      ? request("POST /repos/{owner}/{repo}/actions/variables", { ...path, name, value })
      : request("POST /repos/{owner}/{repo}/environments/{environment_name}/variables", {
          ...path,
          environment_name: environment,
          name,
          value,
        }),
  );
  if (!created.ok) await change([]);
}

async function drop(place: Place, name: string, context: Context): Promise<void> {
  const { client, signal } = context;
  const { environment } = place;
  const path = pathOf(place);
  await client.attempt(
    {
      what: `deleting the variable ${name} of ${describePlace(place)}`,
      signal,
      write: true,
      tolerate: [404],
    },
    (request) =>
      environment === undefined
        ? request("DELETE /repos/{owner}/{repo}/actions/variables/{name}", { ...path, name })
        : request("DELETE /repos/{owner}/{repo}/environments/{environment_name}/variables/{name}", {
            ...path,
            environment_name: environment,
            name,
          }),
  );
}

async function write(
  desired: VariablesDesired,
  observed: VariablesObserved,
  context: Context,
): Promise<WriteResult<VariablesObserved>> {
  const reference = referenceOf(desired);
  const place = placeOf(reference);
  const values = { ...observed.values };
  const data = { ...context.entry?.data };
  const wanted = byStoredName(desired.values, "variable");
  const obsolete = writtenNames(context.entry).filter((name) => !wanted.has(name));
  const failed = await runSteps([
    ...due(desired, observed).map(([name, value]) => async () => {
      await put(place, name, value, values[name] !== undefined, context);
      values[name] = value;
      data[name] = "written";
    }),
    ...obsolete.map((name) => async () => {
      if (values[name] !== undefined) await drop(place, name, context);
      delete values[name];
      delete data[name];
    }),
  ]);
  const result = { id: reference.name, name: reference.name, observed: { values }, data };
  return failed === undefined ? result : { ...result, pending: failed };
}

/** The set is there whenever its repository or environment is. What we wrote is remembered, so that it can go again. */
export const variables = defineSet<VariablesDesired, VariablesObserved>({
  type: "variables",
  segment: "githubVariables",
  rule: "shallow",
  empty: { values: {} },
  read,
  diff,
  due: (desired, observed) => due(desired, observed).map(([name]) => name),
  write,
  drop,
});
