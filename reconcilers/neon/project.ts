/**
 * A Neon project. Names are not unique, so what tells ours is the annotation on the root branch, set in the creating
 * call. Listed shallowly with all projects of the account; settings are in that listing, so only the history retention
 * and the root branch need a look of their own.
 */
import type { Project, ProjectResponse } from "@neondatabase/api-client";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { FieldChange, ResourceContext } from "../engine/resource.ts";
import type { NeonClient } from "./client.ts";
import { define } from "./define.ts";
import { ANNOTATION, listBranches, listProjects } from "./listings.ts";
import type { ListedBranch } from "./listings.ts";
import type { ProjectDesired, ProjectObserved, ProjectSettings } from "./types.ts";

type Context = ResourceContext<NeonClient>;

const settingsOf = (settings: Project["settings"]): ProjectSettings => ({
  allowedIps: settings?.allowed_ips?.ips ?? [],
  allowedIpsProtectedBranchesOnly: settings?.allowed_ips?.protected_branches_only ?? false,
  blockPublicConnections: settings?.block_public_connections ?? false,
  ...(settings?.enable_logical_replication === true ? { logicalReplication: true as const } : {}),
});

function requestSettings(settings: ProjectSettings | undefined): Record<string, unknown> | undefined {
  if (!settings) return undefined;
  const { allowedIps, allowedIpsProtectedBranchesOnly, blockPublicConnections, logicalReplication } = settings;
  const ips = allowedIps !== undefined || allowedIpsProtectedBranchesOnly !== undefined;
  return {
    ...(ips
      ? {
          allowed_ips: {
            ...(allowedIps === undefined ? {} : { ips: [...allowedIps] }),
            ...(allowedIpsProtectedBranchesOnly === undefined ? {} : { protected_branches_only: allowedIpsProtectedBranchesOnly }),
          },
        }
      : {}),
    ...(blockPublicConnections === undefined ? {} : { block_public_connections: blockPublicConnections }),
    ...(logicalReplication === undefined ? {} : { enable_logical_replication: logicalReplication }),
  };
}

const branchesOf = (context: Context, projectId: string): Promise<readonly ListedBranch[] | undefined> =>
  context.shared(`branches:${projectId}`, () => listBranches(context, projectId));

async function readProject(context: Context, id: string): Promise<Project | undefined> {
  const { client, signal } = context;
  const answer = await client.read<ProjectResponse>(`/projects/${id}`, { what: `reading project ${id}`, signal });
  return answer?.project;
}

type Found = Pick<Project, "id" | "name" | "region_id" | "pg_version" | "settings" | "updated_at">;

/** The project of the reference: by id, else the one of that name whose annotation is ours, else any of that name. */
async function find(context: Context, orgId: string, name: string, id: string | undefined): Promise<Found | undefined> {
  if (id !== undefined && context.fresh) return readProject(context, id);
  const listing = await context.shared(`projects:${orgId}`, () => listProjects(context, orgId));
  if (id !== undefined) {
    const listed = listing.projects.find((project) => project.id === id);
    // Not listed proves nothing while some could not be looked at, or when a filter hides it: ask for it by itself.
    return listed ?? readProject(context, id);
  }
  const named = listing.projects.filter((project) => project.name === name);
  for (const project of named) {
    const root = (await branchesOf(context, project.id))?.find((branch) => branch.default);
    if (context.marker.classify(root?.marker) === "ours") return project;
  }
  if (listing.unavailable.size > 0 && named.length === 0) {
    throw new FlaresmithError({
      code: "INTEGRATION_UNAVAILABLE",
      message: `Neon could not look at ${listing.unavailable.size} projects, one of which may be ${name}`,
      context: { provider: "neon" },
    });
  }
  // Names are not unique at Neon: a project of the same name that is another's does not stand in the way.
  return undefined;
}

export const project = define<ProjectDesired, ProjectObserved>({
  provider: "neon",
  type: "project",
  segment: "neonProject",
  holds: "data",
  ownership: "marked-at-create",
  fields: {
    name: "shallow",
    region: "shallow",
    postgresVersion: "shallow",
    branch: "shallow",
    historyRetention: "deep",
    "settings.allowedIps": "shallow",
    "settings.allowedIpsProtectedBranchesOnly": "shallow",
    "settings.blockPublicConnections": "shallow",
    "settings.logicalReplication": "shallow",
  },
  reference: ({ orgId, name }) => ({ scope: orgId, name }),
  observe: async ({ scope, name, id }, context) => {
    const found = await find(context, scope, name, id);
    if (!found) return { state: "absent" };
    const root = (await branchesOf(context, found.id))?.find((branch) => branch.default);
    if (!root) {
      throw new FlaresmithError({
        code: "INTEGRATION_RESPONSE_INVALID",
        message: `Neon project ${found.id} shows no root branch`,
        context: { provider: "neon" },
      });
    }
    const deep = context.depth === "deep" ? await readProject(context, found.id) : undefined;
    const shown = deep ?? found;
    const busy = root.current_state !== "ready";
    return {
      state: "present",
      id: found.id,
      name: shown.name,
      owner: context.marker.classify(root.marker),
      depth: context.depth,
      observed: {
        id: found.id,
        name: shown.name,
        region: shown.region_id,
        postgresVersion: shown.pg_version,
        rootBranchId: root.id,
        rootBranchName: root.name,
        historyRetention: deep?.history_retention_seconds,
        settings: settingsOf(shown.settings),
      },
      ...(busy ? { pending: `Neon is still creating it (branch ${root.current_state})` } : {}),
    };
  },
  diff: (desired, observed) => {
    const changes: FieldChange[] = [];
    const compare = (field: string, from: unknown, to: unknown, effect: FieldChange["effect"] = "in-place"): void => {
      if (to === undefined || from === undefined || JSON.stringify(from) === JSON.stringify(to)) return;
      changes.push({ field, effect, from: String(from), to: String(to) });
    };
    compare("name", observed.name, desired.name);
    compare("region", observed.region, desired.region, "replace");
    compare("postgresVersion", observed.postgresVersion, desired.postgresVersion, "replace");
    compare("branch", observed.rootBranchName, desired.branch);
    compare("historyRetention", observed.historyRetention, desired.historyRetention);
    const { allowedIps, ...flags } = desired.settings ?? {};
    compare("settings.allowedIps", (observed.settings.allowedIps ?? []).toSorted(), allowedIps?.toSorted());
    for (const name of ["allowedIpsProtectedBranchesOnly", "blockPublicConnections", "logicalReplication"] as const) {
      compare(`settings.${name}`, observed.settings[name] ?? false, flags[name]);
    }
    return changes;
  },
  create: async (desired, context) => {
    const { client, marker, signal } = context;
    const { branch, database, historyRetention, name, orgId, postgresVersion, region, role } = desired;
    const settings = requestSettings(desired.settings);
    const body = {
      project: {
        name,
        region_id: region,
        pg_version: postgresVersion,
        branch: { name: branch, role_name: role, database_name: database, annotations: { [ANNOTATION]: marker.text } },
        ...(orgId === "" ? {} : { org_id: orgId }),
        ...(historyRetention === undefined ? {} : { history_retention_seconds: historyRetention }),
        ...(settings === undefined ? {} : { settings }),
      },
    };
    const what = `creating the project ${name}`;
    const answer = await client.change<ProjectResponse>(`new:${name}`, "POST", "/projects", body, { what, signal });
    if (!answer.ok) throw answer.error;
    return { id: answer.data.project.id, name, pending: "Neon is creating it" };
  },
  update: async (desired, observed, changes, context) => {
    const { client, signal } = context;
    const fixed = changes.find((change) => change.effect !== "in-place");
    if (fixed) {
      throw new FlaresmithError({
        code: "INTEGRATION_REJECTED",
        message: `Neon cannot change ${fixed.field} of project ${observed.id}`,
        field: `spec.neon.${fixed.field}`,
        hint: "Change the spec back, or make another Project and move the data.",
        context: { provider: "neon" },
      });
    }
    const changed = new Set(changes.map((change) => change.field));
    if (changed.has("branch")) {
      const path = `/projects/${observed.id}/branches/${observed.rootBranchId}`;
      const what = `renaming the root branch of project ${observed.id}`;
      const answer = await client.change(observed.id, "PATCH", path, { branch: { name: desired.branch } }, { what, signal });
      if (!answer.ok) throw answer.error;
    }
    if ([...changed].some((field) => field !== "branch")) {
      const settings = [...changed].some((field) => field.startsWith("settings.")) ? requestSettings({ ...observed.settings, ...desired.settings }) : undefined;
      const body = {
        project: {
          ...(changed.has("name") ? { name: desired.name } : {}),
          ...(changed.has("historyRetention") ? { history_retention_seconds: desired.historyRetention } : {}),
          ...(settings === undefined ? {} : { settings }),
        },
      };
      const answer = await client.change(observed.id, "PATCH", `/projects/${observed.id}`, body, { what: `updating project ${observed.id}`, signal });
      if (!answer.ok) throw answer.error;
    }
    return { id: observed.id, name: desired.name };
  },
  remove: async ({ id, name }, context) => {
    const { client, signal } = context;
    if (id === undefined) return;
    const what = `deleting the project ${name}`;
    const answer = await client.change(id, "DELETE", `/projects/${id}`, undefined, { what, signal, tolerate: [404] });
    if (!answer.ok && answer.failure.status !== 404) throw answer.error;
  },
  outputs: (_desired, { id, rootBranchId, rootBranchName }) => ({ projectId: id, rootBranchId, rootBranchName }),
});
