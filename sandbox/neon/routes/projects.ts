import { organizationOf, reaches } from "../access.ts";
import { checkCompute, newDatabase, newEndpoint, newRole, saveEndpoint } from "../creation.ts";
import { badRequest, NeonError, unprocessable } from "../errors.ts";
import { recoveryWindow } from "../limits.ts";
import * as naming from "../naming.ts";
import type { BranchRecord, ProjectRecord } from "../records.ts";
import { connectionUris, findProject, liveBranches, physicalBranch } from "../service.ts";
import type { NeonService } from "../service.ts";
import { booleanQuery, checkPostgresName, integerQuery, readBody, requestBodies } from "../validation.ts";
import {
  branchView,
  databaseView,
  endpointView,
  operationView,
  projectListItem,
  projectView,
  roleView,
} from "../views.ts";
import { neonRegions } from "./account.ts";
import { changed } from "./route.ts";
import type { NeonApp } from "./route.ts";

/** Projects: create, list, read, update, delete (soft, 7 days), recover. */
export function projectRoutes(app: NeonApp, service: NeonService): void {
  const { context, store, operations, limits } = service;
  const { clock, random } = context;

  app.post("/projects", async (c) => {
    const { project: body } = await readBody(c.req.raw, requestBodies.createProject);
    const key = c.get("key");
    if (key.kind === "project")
      throw new NeonError({
        status: 403,
        message: "project-scoped API key is not allowed to create projects",
      });
    const orgId = organizationOf(key, body.org_id);
    const regionId = body.region_id ?? "aws-us-east-2";
    if (!neonRegions.some((region) => region.region_id === regionId))
      throw badRequest(`region ${regionId} is not available`);
    const retention = body.history_retention_seconds ?? Math.min(86_400, limits.historyRetentionSeconds);
    checkRetention(service, retention);
    const live = store.projects
      .all()
      .filter((project) => project.orgId === orgId && project.deletedAt === undefined);
    if (live.length >= limits.projects)
      throw unprocessable("projects limit exceeded", "PROJECTS_LIMIT_EXCEEDED");
    const databaseName = body.branch?.database_name ?? "neondb";
    const roleName = body.branch?.role_name ?? `${databaseName}_owner`;
    checkPostgresName("database", databaseName);
    checkPostgresName("role", roleName);
    const now = clock.now();
    const id = naming.projectId(random);
    const defaults = body.default_endpoint_settings ?? {};
    const minimum = body.autoscaling_limit_min_cu ?? defaults.autoscaling_limit_min_cu ?? 0.25;
    const maximum =
      body.autoscaling_limit_max_cu ?? defaults.autoscaling_limit_max_cu ?? Math.max(minimum, 0.25);
    checkCompute(service, minimum, maximum);
    const project: ProjectRecord = {
      id,
      name: body.name ?? id,
      orgId,
      regionId,
      pgVersion: body.pg_version ?? 17,
      storePasswords: body.store_passwords ?? true,
      historyRetentionSeconds: retention,
      settings: body.settings ?? {},
      defaultEndpointSettings: {
        ...defaults,
        autoscaling_limit_min_cu: minimum,
        autoscaling_limit_max_cu: maximum,
        suspend_timeout_seconds: defaults.suspend_timeout_seconds ?? 0,
      },
      createdAt: now,
      updatedAt: now,
      busyUntil: now,
    };
    const branch: BranchRecord = {
      id: naming.branchId(random),
      projectId: id,
      name: body.branch?.name ?? "main",
      initSource: "parent-data",
      default: true,
      protected: false,
      archived: false,
      annotations: body.branch?.annotations ?? {},
      createdAt: now,
      updatedAt: now,
      readyAt: now,
    };
    const compute = newEndpoint(service, project, branch.id, { type: "read_write" });
    const role = newRole(service, branch.id, roleName, false);
    const database = newDatabase(service, branch.id, databaseName, roleName);
    const answer = context.storage.transaction(() => {
      changed(c);
      store.projects.set(id, project);
      const steps = operations.schedule(id, [
        { action: "create_timeline", branchId: branch.id },
        { action: "start_compute", branchId: branch.id, endpointId: compute.id },
      ]);
      const created: BranchRecord = {
        ...branch,
        readyAt: (steps[0]?.finishesAt ?? now) + service.branchSettle,
      };
      const endpoint = { ...compute, settlesAt: steps[1]?.finishesAt ?? now };
      store.branches(id).set(created.id, created);
      store.roles(created.id).set(role.name, role);
      store.databases(created.id).set(database.name, database);
      saveEndpoint(service, endpoint);
      return {
        project: projectView(project, limits),
        connection_uris: connectionUris(service, endpoint, [role], [database]),
        roles: [roleView(role, true)],
        databases: [databaseView(database)],
        operations: steps.map((step) => operationView(step, now)),
        branch: branchView(created, now),
        endpoints: [endpointView(endpoint, now)],
      };
    });
    await service.dataPlane?.ensure(physicalBranch(service, branch.id));
    return c.json(answer, 201);
  });

  app.get("/projects", (c) => {
    const key = c.get("key");
    const orgId = organizationOf(key, c.req.query("org_id"));
    const limit = integerQuery(c.req.query("limit"), {
      name: "limit",
      minimum: 1,
      maximum: 400,
      fallback: 10,
    });
    const recoverable = booleanQuery(c.req.query("recoverable"), "recoverable");
    const search = (c.req.query("search") ?? "").toLowerCase();
    const all = store.projects.allSeen();
    const cursor = c.req.query("cursor");
    const position = cursor === undefined ? 0 : all.findIndex((project) => project.id === cursor) + 1;
    if (cursor !== undefined && position === 0)
      throw badRequest('parameter "cursor" in query has an error: invalid cursor');
    const page = all
      .slice(position)
      .filter(
        (project) =>
          project.orgId === orgId &&
          reaches(key, project) &&
          (project.deletedAt !== undefined) === recoverable,
      )
      .filter((project) => project.name.toLowerCase().includes(search) || project.id.includes(search))
      .slice(0, limit);
    const missing = page.filter((project) => store.unavailable.get(project.id) !== undefined);
    const last = page.at(-1);
    return c.json({
      projects: page.filter((project) => !missing.includes(project)).map(projectListItem),
      ...(missing.length === 0 ? {} : { unavailable_project_ids: missing.map((project) => project.id) }),
      ...(last === undefined ? {} : { pagination: { cursor: last.id } }),
      applications: {},
      integrations: {},
    });
  });

  app.get("/projects/:project", (c) =>
    c.json({
      project: projectView(
        findProject(service, c.get("key"), c.req.param("project"), { seen: true }),
        limits,
      ),
    }),
  );

  app.patch("/projects/:project", async (c) => {
    const { project: body } = await readBody(c.req.raw, requestBodies.updateProject);
    const project = findProject(service, c.get("key"), c.req.param("project"));
    if (body.history_retention_seconds !== undefined) checkRetention(service, body.history_retention_seconds);
    const defaults = { ...project.defaultEndpointSettings, ...body.default_endpoint_settings };
    checkCompute(
      service,
      defaults.autoscaling_limit_min_cu ?? 0.25,
      defaults.autoscaling_limit_max_cu ?? 0.25,
    );
    const replication = body.settings?.enable_logical_replication;
    if (replication === false && project.settings["enable_logical_replication"] === true) {
      throw unprocessable("logical replication cannot be disabled once it was enabled");
    }
    const steps =
      replication === true && project.settings["enable_logical_replication"] !== true
        ? store
            .endpoints(project.id)
            .all()
            .map((endpoint) => ({
              action: "apply_config",
              branchId: endpoint.branchId,
              endpointId: endpoint.id,
            }))
        : [];
    return context.storage.transaction(() => {
      const scheduled = operations.schedule(project.id, steps);
      changed(c);
      const updated: ProjectRecord = {
        ...(store.projects.get(project.id) ?? project),
        name: body.name ?? project.name,
        settings: { ...project.settings, ...body.settings },
        defaultEndpointSettings: defaults,
        historyRetentionSeconds: body.history_retention_seconds ?? project.historyRetentionSeconds,
        updatedAt: clock.now(),
      };
      store.projects.set(project.id, updated);
      return c.json({
        project: projectView(updated, limits),
        operations: scheduled.map((step) => operationView(step, clock.now())),
      });
    });
  });

  app.delete("/projects/:project", (c) => {
    const key = c.get("key");
    const project = findProject(service, key, c.req.param("project"));
    if (key.kind === "project")
      throw new NeonError({
        status: 403,
        message: "project-scoped API key is not allowed to delete the project",
      });
    if (liveBranches(service, project.id).some((branch) => branch.protected)) {
      throw unprocessable("project has protected branches: remove their protection before deleting it");
    }
    operations.assertIdle(project.id);
    const deleted: ProjectRecord = { ...project, deletedAt: clock.now(), updatedAt: clock.now() };
    store.projects.set(project.id, deleted);
    service.due(clock.now() + recoveryWindow);
    changed(c);
    return c.json({ project: projectView(deleted, limits) });
  });

  app.post("/projects/:project/recover", (c) => {
    const { deletedAt: _, ...project } = findProject(service, c.get("key"), c.req.param("project"), {
      deleted: true,
    });
    const recovered: ProjectRecord = { ...project, updatedAt: clock.now() };
    store.projects.set(recovered.id, recovered);
    changed(c);
    return c.json({
      project: projectView(recovered, limits),
      branches: liveBranches(service, recovered.id).map((branch) => branchView(branch, clock.now())),
    });
  });
}

function checkRetention(service: NeonService, seconds: number): void {
  if (seconds > service.limits.historyRetentionSeconds) {
    throw unprocessable(
      `history_retention_seconds must not exceed ${service.limits.historyRetentionSeconds} on your plan`,
    );
  }
}
