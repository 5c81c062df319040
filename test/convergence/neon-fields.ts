/** Every managed field of the resource types at Neon, with how somebody else changes it. */
import type { FieldId, ManagedField } from "./managed-field.ts";
import { managedField } from "./managed-field.ts";
import type { Fields, Outsider } from "./outsider.ts";
import { neonBranchesOf, neonProjectOf } from "./outsider.ts";
import type { World } from "../support/world.ts";

type Sandboxed = Pick<World, "sandbox">;
const PROJECT = ["Project", "shop"] as const;
const DEV = ["Environment", "shop-dev"] as const;
const STAGING = ["Environment", "shop-staging"] as const;
const PRODUCTION = ["Environment", "shop-production"] as const;
const PREVIEW = ["Preview", "shop-pr-1"] as const;

/** Branches by id, because one of the fields is the name: ids are taken when the world is at rest. */
export function neonFields(world: Sandboxed): ManagedField[] {
  const base = `/projects/${neonProjectOf(world).id}`;
  const ids = new Map([...neonBranchesOf(world)].map(([name, branch]) => [name, branch.id] as const));
  const branchPath = (name: string): string => `${base}/branches/${ids.get(name) ?? "none"}`;

  const ofProject = (
    id: string,
    change: (project: Fields) => Fields,
    names: readonly string[],
  ): ManagedField =>
    managedField<Fields>({
      id: `neon/project:${id}`,
      object: PROJECT,
      read: async (other) => {
        const { project } = await other.neon<{ project: Fields }>("GET", base);
        return Object.fromEntries(names.map((name) => [name, project[name]] as const));
      },
      write: (other, value) => other.neon("PATCH", base, { project: value }),
      changed: change,
    });
  const setting = (id: string, change: Fields): ManagedField =>
    ofProject(`settings.${id}`, ({ settings }) => ({ settings: { ...(settings as Fields), ...change } }), [
      "settings",
    ]);
  const ofBranch = (
    id: FieldId,
    branch: string,
    object: readonly [string, string],
    field: string,
    value: unknown,
    absent?: unknown,
  ): ManagedField =>
    managedField<unknown>({
      id,
      object,
      read: async (other) =>
        (await other.neon<{ branch: Fields }>("GET", branchPath(branch))).branch[field] ?? absent,
      write: (other, wanted) => other.neon("PATCH", branchPath(branch), { branch: { [field]: wanted } }),
      changed: () => value,
      ...(object === PREVIEW ? { follows: "spec" as const } : {}),
    });
  const endpointOf = async (other: Outsider, branch: string): Promise<Fields> => {
    const path = `${branchPath(branch)}/endpoints`;
    const [endpoint] = (await other.neon<{ endpoints: Fields[] }>("GET", path)).endpoints;
    if (!endpoint) throw new Error(`no compute at ${branch}`);
    return endpoint;
  };
  const ofCompute = (
    id: FieldId,
    branch: string,
    object: readonly [string, string],
    field: string,
    value: unknown,
  ): ManagedField =>
    managedField<unknown>({
      id,
      object,
      read: async (other) => (await endpointOf(other, branch))[field],
      write: async (other, wanted) =>
        other.neon("PATCH", `${base}/endpoints/${String((await endpointOf(other, branch))["id"])}`, {
          endpoint: { [field]: wanted },
        }),
      changed: () => value,
    });
  const computes = (type: string, branch: string, object: readonly [string, string]): ManagedField[] => [
    ofCompute(`neon/${type}:compute.min`, branch, object, "autoscaling_limit_min_cu", 0.5),
    ofCompute(`neon/${type}:compute.max`, branch, object, "autoscaling_limit_max_cu", 2),
    ofCompute(`neon/${type}:compute.suspendAfter`, branch, object, "suspend_timeout_seconds", 900),
    managedField<boolean>({
      id: `neon/${type}:compute`,
      object,
      read: async (other) =>
        (await other.neon<{ endpoints: Fields[] }>("GET", `${branchPath(branch)}/endpoints`)).endpoints
          .length > 0,
      write: async (other, wanted) =>
        wanted
          ? other.neon("POST", `${base}/endpoints`, {
              endpoint: {
                branch_id: ids.get(branch),
                type: "read_write",
                autoscaling_limit_min_cu: 0.25,
                autoscaling_limit_max_cu: 1,
                suspend_timeout_seconds: 300,
              },
            })
          : other.neon("DELETE", `${base}/endpoints/${String((await endpointOf(other, branch))["id"])}`),
      changed: () => false,
      breaks: /Neon gives no connection URI/,
    }),
  ];
  const dev = branchPath("dev");
  const databaseOf = async (other: Outsider): Promise<{ name: string; owner_name: string }[]> =>
    (await other.neon<{ databases: { name: string; owner_name: string }[] }>("GET", `${dev}/databases`))
      .databases;
  const rolesOf = async (other: Outsider): Promise<string[]> =>
    (await other.neon<{ roles: { name: string }[] }>("GET", `${dev}/roles`)).roles.map(({ name }) => name);
  return [
    ofProject("name", () => ({ name: "renamed" }), ["name"]),
    ofProject("historyRetention", () => ({ history_retention_seconds: 3600 }), ["history_retention_seconds"]),
    setting("allowedIps", { allowed_ips: { ips: ["198.51.100.1"], protected_branches_only: true } }),
    setting("allowedIpsProtectedBranchesOnly", {
      allowed_ips: { ips: ["203.0.113.7"], protected_branches_only: false },
    }),
    setting("blockPublicConnections", { block_public_connections: true }),
    ofBranch("neon/project:branch", "main", PROJECT, "name", "trunk"),
    ofBranch("neon/branch:name", "dev", DEV, "name", "elsewhere"),
    ofBranch("neon/branch:protected", "staging", STAGING, "protected", false),
    ofBranch("neon/branch:expiresAt", "dev", DEV, "expires_at", "2026-01-20T00:00:00Z", null),
    ofBranch("neon/branch:expiresAt", "preview/pr-1", PREVIEW, "expires_at", "2026-01-20T00:00:00Z", null),
    ...computes("branch", "staging", STAGING),
    ofBranch("neon/rootBranch:protected", "main", PRODUCTION, "protected", false),
    ...computes("rootBranch", "main", PRODUCTION),
    managedField<string>({
      id: "neon/database:owner",
      object: DEV,
      read: async (other) => (await databaseOf(other))[0]?.owner_name ?? "",
      write: async (other, owner) => {
        if (!(await rolesOf(other)).includes(owner))
          await other.neon("POST", `${dev}/roles`, { role: { name: owner } });
        return other.neon("PATCH", `${dev}/databases/app`, { database: { owner_name: owner } });
      },
      changed: () => "intruder",
    }),
    managedField<string[]>({
      id: "neon/database:database",
      object: DEV,
      read: async (other) => (await databaseOf(other)).map(({ name }) => name),
      write: (other, names) =>
        names.length > 0
          ? other.neon("POST", `${dev}/databases`, { database: { name: "app", owner_name: "app" } })
          : other.neon("DELETE", `${dev}/databases/app`),
      changed: () => [],
      breaks: /Neon gives no connection URI/,
      asks: /neon database app@app .*flaresmith\.dev\/confirm: [0-9a-z]+/,
    }),
    managedField<string[]>({
      id: "neon/database:role",
      object: DEV,
      read: async (other) => (await rolesOf(other)).filter((name) => name === "app"),
      // A role that owns something cannot go: its database gets another owner first.
      write: async (other, names) => {
        if (names.length > 0) {
          await other.neon("POST", `${dev}/roles`, { role: { name: "app" } });
          await other.neon("PATCH", `${dev}/databases/app`, { database: { owner_name: "app" } });
          return;
        }
        if (!(await rolesOf(other)).includes("heir"))
          await other.neon("POST", `${dev}/roles`, { role: { name: "heir" } });
        await other.neon("PATCH", `${dev}/databases/app`, { database: { owner_name: "heir" } });
        await other.neon("DELETE", `${dev}/roles/app`);
      },
      changed: () => [],
      breaks: /Neon gives no connection URI/,
    }),
  ];
}

/** Fields at Neon that nobody can change on what exists, with the reason. */
export const neonFixed: Readonly<Record<string, string>> = Object.freeze({
  "neon/project:region": "Neon cannot move a project",
  "neon/project:postgresVersion": "Neon cannot upgrade a project in place",
  "neon/project:settings.logicalReplication": "once enabled Neon refuses to disable it",
  "neon/branch:parent": "where a branch was cut from is history",
  "neon/branch:init": "what a branch began with is history",
});
