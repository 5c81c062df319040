/** Role and database on a branch. A branch inherits them from its parent, so that most often there is nothing to do. */
import type { DatabasesResponse, RolesResponse } from "@neondatabase/api-client";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { FieldChange, ResourceContext } from "../engine/resource.ts";
import type { NeonClient } from "./client.ts";
import { define } from "./define.ts";
import type { DatabaseDesired, DatabaseObserved } from "./types.ts";

type Context = ResourceContext<NeonClient>;

const splitScope = (scope: string): { projectId: string; branchId: string } => {
  const [projectId = "", branchId = ""] = scope.split("/");
  return { projectId, branchId };
};
const splitName = (name: string): { database: string; role: string } => {
  const [database = "", role = ""] = name.split("@");
  return { database, role };
};

async function inspect(context: Context, scope: string, name: string): Promise<DatabaseObserved | undefined> {
  const { client, signal } = context;
  const { branchId, projectId } = splitScope(scope);
  const { database, role } = splitName(name);
  const base = `/projects/${projectId}/branches/${branchId}`;
  const roles = await client.read<RolesResponse>(`${base}/roles`, { what: `listing the roles of branch ${branchId}`, signal });
  const databases = await client.read<DatabasesResponse>(`${base}/databases`, { what: `listing the databases of branch ${branchId}`, signal });
  if (!roles || !databases) return undefined;
  const found = databases.databases.find((one) => one.name === database);
  return { role: roles.roles.some((one) => one.name === role), database: found !== undefined, owner: found?.owner_name };
}

async function write(desired: DatabaseDesired, observed: DatabaseObserved, context: Context): Promise<void> {
  const { client, signal } = context;
  const { branchId, database, projectId, role } = desired;
  const base = `/projects/${projectId}/branches/${branchId}`;
  const send = async (method: "POST" | "PATCH", path: string, body: unknown, what: string): Promise<void> => {
    const answer = await client.change(projectId, method, path, body, { what, signal });
    if (!answer.ok) throw answer.error;
  };
  if (!observed.role) await send("POST", `${base}/roles`, { role: { name: role } }, `creating the role ${role}`);
  else if (!observed.database) {
    await send("POST", `${base}/databases`, { database: { name: database, owner_name: role } }, `creating the database ${database}`);
  } else if (observed.owner !== role) {
    const path = `${base}/databases/${encodeURIComponent(database)}`;
    await send("PATCH", path, { database: { owner_name: role } }, `giving the database ${database} to ${role}`);
  }
}

/** What a deep look found holds until the next one: dropping a database needs a connection, not our API. */
const ageOf = ({ depth }: Context): number | undefined => (depth === "deep" ? undefined : Number.POSITIVE_INFINITY);

/** Compared at deep depth only: two calls for each branch. */
export const database = define<DatabaseDesired, DatabaseObserved>({
  provider: "neon",
  type: "database",
  segment: "neonDatabase",
  holds: "data",
  ownership: "inherited",
  fields: { role: "deep", database: "deep", owner: "deep" },
  reference: ({ branchId, database: name, projectId, role }) => ({ scope: `${projectId}/${branchId}`, name: `${name}@${role}` }),
  observe: async ({ scope, name }, context) => {
    const seen = await context.shared(`database:${scope}/${name}`, () => inspect(context, scope, name), ageOf(context));
    if (!seen || (!seen.database && !seen.role)) return { state: "absent" };
    return { state: "present", id: `${scope}/${name}`, owner: "unmarked", observed: seen, depth: context.depth };
  },
  diff: (desired, observed) => {
    const changes: FieldChange[] = [];
    if (!observed.role) changes.push({ field: "role", effect: "in-place", from: "missing", to: desired.role });
    if (!observed.database) changes.push({ field: "database", effect: "in-place", from: "missing", to: desired.database });
    else if (observed.owner !== desired.role) {
      changes.push({ field: "owner", effect: "in-place", from: observed.owner ?? "", to: desired.role });
    }
    return changes;
  },
  create: async (desired, context) => {
    await write(desired, { role: false, database: false, owner: undefined }, context);
    const { branchId, database: name, projectId, role } = desired;
    return { id: `${projectId}/${branchId}/${name}@${role}`, pending: `Neon is creating the role ${role}` };
  },
  update: async (desired, observed, _changes, context) => {
    await write(desired, observed, context);
    const { branchId, database: name, projectId, role } = desired;
    return { id: `${projectId}/${branchId}/${name}@${role}`, pending: "Neon is applying it" };
  },
  remove: async ({ scope, name }, context) => {
    const { client, signal } = context;
    const { branchId, projectId } = splitScope(scope);
    const { database: target } = splitName(name);
    const path = `/projects/${projectId}/branches/${branchId}/databases/${encodeURIComponent(target)}`;
    const answer = await client.change(projectId, "DELETE", path, undefined, { what: `deleting the database ${target}`, signal, tolerate: [404] });
    if (!answer.ok && answer.failure.status !== 404) throw answer.error;
    if (target === "") throw new FlaresmithError({ code: "INTERNAL_ERROR", message: `${name} names no database` });
  },
  outputs: ({ database: name, role }) => ({ database: name, role }),
});
