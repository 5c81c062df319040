/**
 * A Neon project. Names are not unique, so what tells ours is the annotation on the root branch, set in the creating
 * call. Listed shallowly with all projects of the account; settings are in that listing, so only the history retention
 * and the root branch need a look of their own.
 */
import type { Operation, ProjectResponse } from "@neondatabase/api-client";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { FieldChange } from "../engine/resource.ts";
import { branchWork } from "./branch-access.ts";
import { workOf } from "./client.ts";
import { define } from "./define.ts";
import { ANNOTATION } from "./listings.ts";
import { listMarkedProjects } from "./marked.ts";
import { findProject, readProject, rootOf } from "./project-access.ts";
import { removeProject } from "./project-removal.ts";
import { requestSettings, settingChanges, settingsOf, settingsUpdate } from "./project-settings.ts";
import type { ProjectDesired, ProjectObserved } from "./types.ts";

export const project = define<ProjectDesired, ProjectObserved>({
  provider: "neon",
  type: "project",
  segment: "neonProject",
  holds: "data",
  ownership: "marked-at-create",
  keepsIdentity: "name",
  liesInAccount: true,
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
    const found = await findProject(context, { orgId: scope, name, id });
    if (!found) return { state: "absent" };
    const root = await rootOf(context, found.id);
    if (!root) {
      throw new FlaresmithError({
        code: "INTEGRATION_RESPONSE_INVALID",
        message: `Neon project ${found.id} shows no root branch`,
        context: { provider: "neon" },
      });
    }
    const deep = context.depth === "deep" && !found.whole ? await readProject(context, found.id) : undefined;
    const shown = deep ?? found.project;
    const whole = found.whole || deep !== undefined;
    const pending = branchWork(root);
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
        historyRetention: shown.history_retention_seconds,
        settings: whole || shown.settings !== undefined ? settingsOf(shown.settings) : undefined,
      },
      ...(pending === undefined ? {} : { pending }),
    };
  },
  diff: (desired, observed) => {
    const changes: FieldChange[] = [];
    const compare = (
      field: string,
      from: string | number | undefined,
      to: string | number | undefined,
      effect: FieldChange["effect"] = "in-place",
    ): void => {
      if (to === undefined || from === undefined || from === to) return;
      changes.push({ field, effect, from: String(from), to: String(to) });
    };
    compare("name", observed.name, desired.name);
    compare("region", observed.region, desired.region, "replace");
    compare("postgresVersion", observed.postgresVersion, desired.postgresVersion, "replace");
    compare("branch", observed.rootBranchName, desired.branch);
    compare("historyRetention", observed.historyRetention, desired.historyRetention);
    changes.push(...settingChanges(desired.settings, observed.settings));
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
        branch: {
          name: branch,
          role_name: role,
          database_name: database,
          annotations: { [ANNOTATION]: marker.text },
        },
        ...(orgId === "" ? {} : { org_id: orgId }),
        ...(historyRetention === undefined ? {} : { history_retention_seconds: historyRetention }),
        ...(settings === undefined ? {} : { settings }),
      },
    };
    const what = `creating the project ${name}`;
    const answer = await client.change<ProjectResponse & { operations: Operation[] }>(
      "POST",
      "/projects",
      body,
      { what, signal, field: "spec.neon" },
    );
    if (!answer.ok) throw answer.error;
    return { id: answer.data.project.id, name, pending: workOf(answer.data) ?? "Neon is creating it" };
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
    let pending: string | undefined;
    if (changed.has("branch")) {
      const path = `/projects/${observed.id}/branches/${observed.rootBranchId}`;
      const field = "spec.neon.branch";
      const what = `renaming the root branch of project ${observed.id}`;
      const answer = await client.change(
        "PATCH",
        path,
        { branch: { name: desired.branch } },
        { what, signal, field, renaming: { name: desired.branch, field } },
      );
      if (!answer.ok) throw answer.error;
    }
    if ([...changed].some((field) => field !== "branch")) {
      const settings = settingsUpdate(changed, desired.settings, observed.settings);
      const body = {
        project: {
          ...(changed.has("name") ? { name: desired.name } : {}),
          ...(changed.has("historyRetention") ? { history_retention_seconds: desired.historyRetention } : {}),
          ...(settings === undefined ? {} : { settings }),
        },
      };
      const path = `/projects/${observed.id}`;
      const answer = await client.change<ProjectResponse & { operations: Operation[] }>("PATCH", path, body, {
        what: `updating project ${observed.id}`,
        signal,
        field: "spec.neon",
      });
      if (!answer.ok) throw answer.error;
      pending = workOf(answer.data);
    }
    return { id: observed.id, name: desired.name, ...(pending === undefined ? {} : { pending }) };
  },
  remove: removeProject,
  listMarked: listMarkedProjects,
  outputs: (_desired, { id, rootBranchId, rootBranchName }) => ({
    projectId: id,
    rootBranchId,
    rootBranchName,
  }),
});
