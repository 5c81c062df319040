/** Role and database on a branch. A branch inherits them from its parent, so that most often there is nothing to do. */
import type { DatabasesResponse, Operation, RolesResponse } from "@neondatabase/api-client";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { FieldChange, ResourceContext } from "../engine/resource.ts";
import { branchesUnlessGone } from "./branch-access.ts";
import { workOf } from "./client.ts";
import type { NeonClient } from "./client.ts";
import { confirmedGone, define } from "./define.ts";
import type { DatabaseDesired, DatabaseObserved } from "./types.ts";

type Context = ResourceContext<NeonClient>;

const scopeOf = ({ branchId, projectId }: DatabaseDesired): string => `${projectId}/${branchId}`;
const nameOf = ({ database, role }: DatabaseDesired): string => `${database}@${role}`;
const idOf = (desired: DatabaseDesired): string => `${scopeOf(desired)}/${nameOf(desired)}`;

const splitScope = (scope: string): { projectId: string; branchId: string } => {
  const [projectId = "", branchId = ""] = scope.split("/");
  return { projectId, branchId };
};
const splitName = (name: string): { database: string; role: string } => {
  const [database = "", role = ""] = name.split("@");
  return { database, role };
};

/** A database is the same whoever owns it: the part before the role of a name or id says which one it is. */
const isSameDatabase = (one: string, other: string): boolean => databaseOf(one) === databaseOf(other);
const databaseOf = (nameOrId: string): string => nameOrId.split("@", 1)[0] ?? "";

/** Role and database on the branch; undefined when the branch is proven gone. */
async function inspect(context: Context, scope: string, name: string): Promise<DatabaseObserved | undefined> {
  const { client, signal } = context;
  const { branchId, projectId } = splitScope(scope);
  const { database, role } = splitName(name);
  const base = `/projects/${projectId}/branches/${branchId}`;
  const roles = await client.read<RolesResponse>(`${base}/roles`, {
    what: `listing the roles of branch ${branchId}`,
    signal,
  });
  const what = `listing the databases of branch ${branchId}`;
  const databases = roles && (await client.read<DatabasesResponse>(`${base}/databases`, { what, signal }));
  if (!roles || !databases) {
    // A 404 says that only as long as the project can be seen and does not show the branch (law 1).
    const branches = await branchesUnlessGone(context, projectId);
    if (!branches?.some((one) => one.id === branchId)) return undefined;
    throw unreadable(branchId);
  }
  if (!Array.isArray(roles.roles) || !Array.isArray(databases.databases)) throw unreadable(branchId);
  const found = databases.databases.find((one) => one.name === database);
  return {
    role: roles.roles.some((one) => one.name === role),
    database: found !== undefined,
    databaseId: found && String(found.id),
    owner: found?.owner_name,
  };
}

function unreadable(branchId: string): FlaresmithError {
  return new FlaresmithError({
    code: "INTEGRATION_RESPONSE_INVALID",
    message: `Neon's listing of the roles and databases of branch ${branchId} could not be read`,
    context: { provider: "neon" },
  });
}

/** One step at a time, because each locks the project for a while: the role, then its database, then its ownership. */
async function write(
  desired: DatabaseDesired,
  observed: DatabaseObserved,
  context: Context,
): Promise<string> {
  const { client, signal } = context;
  const { branchId, database, projectId, role } = desired;
  const base = `/projects/${projectId}/branches/${branchId}`;
  const send = async (
    method: "POST" | "PATCH",
    path: string,
    body: unknown,
    what: string,
    field: string,
  ): Promise<string> => {
    const call = { what, signal, field };
    const answer = await client.change<{ operations?: Operation[] }>(method, base + path, body, call);
    if (!answer.ok) throw answer.error;
    return workOf(answer.data) ?? "Neon is applying it";
  };
  if (!observed.role)
    return send("POST", "/roles", { role: { name: role } }, `creating the role ${role}`, "spec.neon.role");
  if (!observed.database) {
    const body = { database: { name: database, owner_name: role } };
    return send("POST", "/databases", body, `creating the database ${database}`, "spec.neon.database");
  }
  const body = { database: { owner_name: role } };
  return send(
    "PATCH",
    `/databases/${encodeURIComponent(database)}`,
    body,
    `giving the database ${database} to ${role}`,
    "spec.neon.role",
  );
}

/** What a deep look found holds until the next one: dropping a database needs a connection, not our API. */
const ageOf = ({ depth }: Context): number | undefined =>
  depth === "deep" ? undefined : Number.POSITIVE_INFINITY;

/** Compared at deep depth only: two calls for each branch. */
export const database = define<DatabaseDesired, DatabaseObserved>({
  provider: "neon",
  type: "database",
  segment: "neonDatabase",
  holds: "data",
  ownership: "inherited",
  fields: { role: "deep", database: "deep", owner: "deep" },
  sameName: isSameDatabase,
  reference: (desired) => ({ scope: scopeOf(desired), name: nameOf(desired) }),
  observe: async ({ scope, name }, context) => {
    const seen = await context.shared(
      `database:${scope}/${name}`,
      () => inspect(context, scope, name),
      ageOf(context),
    );
    if (!seen || (!seen.database && !seen.role)) return { state: "absent" };
    const id = `${scope}/${name}`;
    // The role stays when the database is removed: others may be its own.
    const remembered = context.entry?.id;
    const known = remembered !== undefined && isSameDatabase(remembered, id) ? remembered : id;
    if (!seen.database && confirmedGone(context, known)) return { state: "absent" };
    return {
      state: "present",
      id,
      owner: "unmarked",
      observed: seen,
      depth: context.depth,
      ...(seen.databaseId === undefined ? {} : { fingerprint: seen.databaseId }),
    };
  },
  diff: (desired, observed, entry) => {
    const changes: FieldChange[] = [];
    // The inventory remembers that there was one: somebody dropped it, with its data (law 5).
    const dropped = entry?.fingerprint !== undefined && isSameDatabase(entry.id ?? "", idOf(desired));
    if (!observed.role)
      changes.push({ field: "role", effect: "in-place", from: "missing", to: desired.role });
    if (!observed.database) {
      const effect = dropped ? "destroys-data" : "in-place";
      changes.push({
        field: "database",
        effect,
        from: dropped ? "dropped" : "missing",
        to: desired.database,
      });
    } else if (observed.owner !== desired.role) {
      changes.push({ field: "owner", effect: "in-place", from: observed.owner ?? "", to: desired.role });
    }
    return changes;
  },
  create: async (desired, context) => {
    const nothing = { role: false, database: false, databaseId: undefined, owner: undefined };
    const pending = await write(desired, nothing, context);
    return { id: idOf(desired), pending };
  },
  update: async (desired, observed, _changes, context) => {
    const pending = await write(desired, observed, context);
    return { id: idOf(desired), pending };
  },
  remove: async ({ scope, name }, context) => {
    const { client, signal } = context;
    const { branchId, projectId } = splitScope(scope);
    const { database: target } = splitName(name);
    if (target === "")
      throw new FlaresmithError({ code: "INTERNAL_ERROR", message: `${name} names no database` });
    const path = `/projects/${projectId}/branches/${branchId}/databases/${encodeURIComponent(target)}`;
    const answer = await client.change("DELETE", path, undefined, {
      what: `deleting the database ${target}`,
      signal,
      tolerate: [404],
    });
    if (answer.ok) return "deleted";
    if (answer.failure.status !== 404) throw answer.error;
    return undefined;
  },
  outputs: ({ database: name, role }) => ({ database: name, role }),
});
