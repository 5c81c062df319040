import {
  activeEndpoints,
  checkBranchLimits,
  checkBranchName,
  checkEndpointSlots,
  checkProtectedLimit,
  inheritBranch,
  moveEndpoint,
  newEndpoint,
  saveEndpoint,
} from "../creation.ts";
import { badRequest, notFound, unprocessable } from "../errors.ts";
import { checkExpiry } from "../expiry.ts";
import { recoveryWindow } from "../limits.ts";
import * as naming from "../naming.ts";
import type { BranchRecord } from "../records.ts";
import {
  branchEndpoints,
  connectionUris,
  defaultBranch,
  eraseBranch,
  findBranch,
  findProject,
  liveBranches,
  physicalBranch,
} from "../service.ts";
import type { NeonService } from "../service.ts";
import { booleanQuery, readBody, requestBodies } from "../validation.ts";
import { annotationView, branchView, databaseView, endpointView, operationView, roleView } from "../views.ts";
import { changed } from "./route.ts";
import type { NeonApp } from "./route.ts";

/** Branch mutations; reads are in branch-listing.ts. */
export function branchRoutes(app: NeonApp, service: NeonService): void {
  const { context, store, operations } = service;
  const { clock, random } = context;

  app.post("/projects/:project/branches", async (c) => {
    const body = await readBody(c.req.raw, requestBodies.createProjectBranch, { optional: true });
    const project = findProject(service, c.get("key"), c.req.param("project"));
    const fields = body.branch ?? {};
    const source =
      fields.parent_id === undefined
        ? defaultBranch(service, project.id)
        : findBranch(service, project.id, fields.parent_id);
    const now = clock.now();
    operations.assertIdle(project.id);
    if (source.readyAt > now) throw unprocessable("branch not ready yet");
    if (fields.parent_lsn !== undefined && fields.parent_timestamp !== undefined) {
      throw badRequest("parent_lsn and parent_timestamp must not be set together");
    }
    const parentTimestamp =
      fields.parent_timestamp === undefined ? undefined : Date.parse(fields.parent_timestamp);
    if (
      parentTimestamp !== undefined &&
      (parentTimestamp > now || parentTimestamp < now - project.historyRetentionSeconds * 1_000)
    ) {
      throw badRequest("parent_timestamp is outside of the project's history retention");
    }
    const schemaOnly = fields.init_source === "schema-only";
    if (!schemaOnly && source.expiresAt !== undefined) {
      throw unprocessable("cannot create a branch from a branch that has an expiration");
    }
    const name = fields.name ?? naming.generatedBranchName(random);
    checkBranchName(service, project.id, name);
    checkBranchLimits(service, project.id, schemaOnly);
    if (fields.protected === true) checkProtectedLimit(service, project.id);
    const requested = body.endpoints ?? [];
    checkEndpointSlots(service, [], requested);
    const id = naming.branchId(random);
    const base: BranchRecord = {
      id,
      projectId: project.id,
      name,
      ...(schemaOnly
        ? {}
        : {
            parentId: source.id,
            parentLsn: fields.parent_lsn ?? naming.logSequenceNumber(random),
            parentTimestamp: parentTimestamp ?? now,
          }),
      initSource: schemaOnly ? "schema-only" : "parent-data",
      default: false,
      protected: fields.protected ?? false,
      archived: fields.archived ?? false,
      annotations: body.annotation_value ?? {},
      createdAt: now,
      updatedAt: now,
      readyAt: now,
    };
    const branch: BranchRecord =
      fields.expires_at === undefined
        ? base
        : { ...base, ...checkExpiry({ branch: base, children: 0, now, value: fields.expires_at }) };
    if (branch.expiresAt !== undefined) service.due(branch.expiresAt);
    const computes = requested.map((request) => newEndpoint(service, project, id, request));
    const answer = context.storage.transaction(() => {
      const steps = operations.schedule(project.id, [
        { action: "create_branch", branchId: id },
        ...(schemaOnly ? [{ action: "apply_schema_from_branch", branchId: id }] : []),
        ...computes.map((compute) => ({ action: "start_compute", branchId: id, endpointId: compute.id })),
      ]);
      changed(c);
      const finished = (endpointId?: string): number =>
        steps.findLast((step) => step.endpointId === endpointId)?.finishesAt ?? now;
      const created: BranchRecord = { ...branch, readyAt: finished() + service.branchSettle };
      const endpoints = computes.map((compute) => ({ ...compute, settlesAt: finished(compute.id) }));
      store.branches(project.id).set(id, created);
      const { roles, databases } = inheritBranch(service, source, created);
      for (const endpoint of endpoints) saveEndpoint(service, endpoint);
      const writer = endpoints.find((endpoint) => endpoint.type === "read_write");
      return {
        branch: branchView(created, now),
        endpoints: endpoints.map((endpoint) => endpointView(endpoint, now)),
        operations: steps.map((step) => operationView(step, now)),
        roles: roles.map((role) => roleView(role, source.protected)),
        databases: databases.map(databaseView),
        ...(writer === undefined
          ? {}
          : { connection_uris: connectionUris(service, writer, roles, databases) }),
      };
    });
    await service.dataPlane?.ensure(physicalBranch(service, id));
    return c.json(answer, 201);
  });

  app.patch("/projects/:project/branches/:branch", async (c) => {
    const { branch: body } = await readBody(c.req.raw, requestBodies.updateProjectBranch);
    const project = findProject(service, c.get("key"), c.req.param("project"));
    const branch = findBranch(service, project.id, c.req.param("branch"));
    if (body.name !== undefined) {
      if (body.name === branch.name) throw badRequest("branch name is not changed");
      checkBranchName(service, project.id, body.name);
    }
    if (body.protected === true && !branch.protected) checkProtectedLimit(service, project.id);
    const now = clock.now();
    let updated: BranchRecord = {
      ...branch,
      name: body.name ?? branch.name,
      protected: body.protected ?? branch.protected,
      updatedAt: now,
    };
    if (body.expires_at === null) {
      const { expiresAt: _expiry, ttlSeconds: _ttl, ...rest } = updated;
      updated = rest;
    } else if (body.expires_at !== undefined) {
      const children = liveBranches(service, project.id).filter(
        (candidate) => candidate.parentId === branch.id,
      ).length;
      updated = { ...updated, ...checkExpiry({ branch: updated, children, now, value: body.expires_at }) };
      service.due(updated.expiresAt ?? now);
    } else if (updated.protected && updated.expiresAt !== undefined) {
      throw unprocessable("cannot protect a branch that has an expiration");
    }
    store.branches(project.id).set(branch.id, updated);
    changed(c);
    return c.json({ branch: branchView(updated, now), operations: [] });
  });

  app.delete("/projects/:project/branches/:branch", async (c) => {
    const project = findProject(service, c.get("key"), c.req.param("project"));
    const hard = booleanQuery(c.req.query("hard_delete"), "hard_delete");
    const branch = store.branches(project.id).get(c.req.param("branch"));
    if (!branch) throw notFound("branch");
    if (branch.deletedAt !== undefined) return c.body(null, 204);
    if (branch.default) throw unprocessable("cannot delete the default branch of the project");
    if (branch.protected) throw unprocessable("cannot delete a protected branch");
    if (branch.parentId === undefined && branch.initSource === "parent-data")
      throw unprocessable("cannot delete the root branch of the project");
    if (liveBranches(service, project.id).some((candidate) => candidate.parentId === branch.id)) {
      throw unprocessable("cannot delete a branch that has children");
    }
    const now = clock.now();
    let dropped: number[] = [];
    const answer = context.storage.transaction(() => {
      const endpoints = branchEndpoints(service, project.id, branch.id);
      const steps = operations.schedule(project.id, [
        ...activeEndpoints(service, project.id, branch.id).map((endpoint) => ({
          action: "suspend_compute",
          branchId: branch.id,
          endpointId: endpoint.id,
        })),
        { action: "delete_timeline", branchId: branch.id },
      ]);
      changed(c);
      const deleted: BranchRecord = {
        ...branch,
        deletedAt: now,
        deletionMethod: "user",
        recoverable: !hard,
        updatedAt: now,
      };
      for (const endpoint of endpoints)
        moveEndpoint(service, endpoint, "idle", steps.at(-1)?.finishesAt ?? now);
      store.branches(project.id).set(branch.id, deleted);
      service.due(now + recoveryWindow);
      if (hard) {
        dropped = eraseBranch(service, deleted);
        store.branches(project.id).set(branch.id, deleted);
      }
      return { branch: branchView(deleted, now), operations: steps.map((step) => operationView(step, now)) };
    });
    if (hard) await service.dataPlane?.drop(dropped);
    else
      await service.dataPlane?.disconnect(
        store
          .databases(branch.id)
          .all()
          .map((database) => database.id),
      );
    return c.json(answer);
  });

  app.post("/projects/:project/branches/:branch/recover", (c) => {
    const project = findProject(service, c.get("key"), c.req.param("project"));
    const branch = store.branches(project.id).get(c.req.param("branch"));
    if (branch?.deletedAt === undefined || branch.recoverable !== true) throw notFound("branch");
    checkBranchName(service, project.id, branch.name);
    checkBranchLimits(service, project.id, branch.parentId === undefined);
    operations.assertIdle(project.id);
    const {
      deletedAt: _at,
      deletionMethod: _method,
      expiresAt: _expiry,
      ttlSeconds: _ttl,
      recoverable: _recoverable,
      ...rest
    } = branch;
    const recovered: BranchRecord = { ...rest, updatedAt: clock.now() };
    store.branches(project.id).set(branch.id, recovered);
    changed(c);
    const endpoints = branchEndpoints(service, project.id, branch.id);
    return c.json({
      branch: branchView(recovered, clock.now()),
      endpoints: endpoints.map((endpoint) => endpointView(endpoint, clock.now())),
    });
  });

  app.post("/projects/:project/branches/:branch/set_as_default", (c) => {
    const project = findProject(service, c.get("key"), c.req.param("project"));
    const branch = findBranch(service, project.id, c.req.param("branch"));
    if (branch.expiresAt !== undefined)
      throw unprocessable("cannot set a branch with an expiration as default");
    return context.storage.transaction(() => {
      const now = clock.now();
      const previous = defaultBranch(service, project.id);
      store.branches(project.id).set(previous.id, { ...previous, default: false });
      const updated: BranchRecord = { ...branch, default: true, updatedAt: now };
      store.branches(project.id).set(branch.id, updated);
      changed(c);
      return c.json({ branch: branchView(updated, now), operations: [] });
    });
  });

  app.get("/projects/:project/branches/:branch", (c) => {
    const project = findProject(service, c.get("key"), c.req.param("project"), { seen: true });
    const branch = findBranch(service, project.id, c.req.param("branch"), { seen: true });
    return c.json({ branch: branchView(branch, clock.now()), annotation: annotationView(branch) });
  });
}
