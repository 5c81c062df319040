import { checkCompute, checkEndpointSlots, moveEndpoint, newEndpoint, saveEndpoint } from "../creation.ts";
import { badRequest, NeonError, notFound, unprocessable } from "../errors.ts";
import type { OperationStep } from "../operations.ts";
import type { EndpointRecord } from "../records.ts";
import { branchEndpoints, findBranch, findProject } from "../service.ts";
import type { NeonService } from "../service.ts";
import { readBody, requestBodies } from "../validation.ts";
import { endpointView, operationView } from "../views.ts";
import { changed } from "./route.ts";
import type { NeonApp, NeonContext } from "./route.ts";

/** Compute endpoints: CRUD, start, suspend, restart. */
export function endpointRoutes(app: NeonApp, service: NeonService): void {
  const { context, store, operations } = service;
  const { clock } = context;

  const find = (projectId: string, id: string): EndpointRecord => {
    const endpoint = store.endpoints(projectId).get(id);
    if (!endpoint || store.branches(projectId).get(endpoint.branchId)?.deletedAt !== undefined)
      throw notFound("endpoint");
    return endpoint;
  };

  /** Schedules the actions on an endpoint and answers with it in its new state. */
  const act = (
    c: NeonContext,
    endpoint: EndpointRecord,
    actions: readonly string[],
    to: EndpointRecord["to"],
    status: 200 | 201 = 200,
  ): Response =>
    context.storage.transaction(() => {
      const steps = operations.schedule(
        endpoint.projectId,
        actions.map((action): OperationStep => ({
          action,
          branchId: endpoint.branchId,
          endpointId: endpoint.id,
        })),
      );
      changed(c);
      const moved = moveEndpoint(service, endpoint, to, steps.at(-1)?.finishesAt ?? clock.now());
      return c.json(
        {
          endpoint: endpointView(moved, clock.now()),
          operations: steps.map((step) => operationView(step, clock.now())),
        },
        status,
      );
    });

  const visible = (projectId: string): EndpointRecord[] =>
    store
      .endpoints(projectId)
      .allSeen()
      .filter((endpoint) => store.branches(projectId).get(endpoint.branchId)?.deletedAt === undefined);

  app.get("/projects/:project/endpoints", (c) => {
    const project = findProject(service, c.get("key"), c.req.param("project"), { seen: true });
    return c.json({ endpoints: visible(project.id).map((endpoint) => endpointView(endpoint, clock.now())) });
  });

  app.get("/projects/:project/branches/:branch/endpoints", (c) => {
    const project = findProject(service, c.get("key"), c.req.param("project"), { seen: true });
    const branch = findBranch(service, project.id, c.req.param("branch"), { seen: true });
    const endpoints = visible(project.id).filter((endpoint) => endpoint.branchId === branch.id);
    return c.json({ endpoints: endpoints.map((endpoint) => endpointView(endpoint, clock.now())) });
  });

  app.get("/projects/:project/endpoints/:endpoint", (c) => {
    const project = findProject(service, c.get("key"), c.req.param("project"), { seen: true });
    const endpoint = visible(project.id).find((candidate) => candidate.id === c.req.param("endpoint"));
    if (!endpoint) throw notFound("endpoint");
    return c.json({ endpoint: endpointView(endpoint, clock.now()) });
  });

  app.post("/projects/:project/endpoints", async (c) => {
    const { endpoint: body } = await readBody(c.req.raw, requestBodies.createProjectEndpoint);
    const project = findProject(service, c.get("key"), c.req.param("project"));
    const branch = findBranch(service, project.id, body.branch_id);
    if (body.region_id !== undefined && body.region_id !== project.regionId)
      throw badRequest("region_id must be the region of the project");
    operations.assertIdle(project.id);
    if (branch.readyAt > clock.now()) throw unprocessable("branch not ready yet");
    checkEndpointSlots(service, branchEndpoints(service, project.id, branch.id), [body]);
    return act(c, newEndpoint(service, project, branch.id, body), ["start_compute"], "active", 201);
  });

  app.patch("/projects/:project/endpoints/:endpoint", async (c) => {
    const { endpoint: body } = await readBody(c.req.raw, requestBodies.updateProjectEndpoint);
    const project = findProject(service, c.get("key"), c.req.param("project"));
    const endpoint = find(project.id, c.req.param("endpoint"));
    if (body.branch_id !== undefined && body.branch_id !== endpoint.branchId)
      throw badRequest("branch_id of an endpoint cannot be changed");
    const updated: EndpointRecord = {
      ...endpoint,
      name: body.name ?? endpoint.name,
      minCu: body.autoscaling_limit_min_cu ?? endpoint.minCu,
      maxCu: body.autoscaling_limit_max_cu ?? endpoint.maxCu,
      suspendTimeoutSeconds: body.suspend_timeout_seconds ?? endpoint.suspendTimeoutSeconds,
      settings: { ...endpoint.settings, ...body.settings },
      poolerEnabled: body.pooler_enabled ?? endpoint.poolerEnabled,
      passwordlessAccess: body.passwordless_access ?? endpoint.passwordlessAccess,
      disabled: body.disabled ?? endpoint.disabled,
      provisioner: body.provisioner ?? endpoint.provisioner,
    };
    checkCompute(service, updated.minCu, updated.maxCu);
    const onlyName = Object.keys(body).every((field) => field === "name");
    if (onlyName) {
      const renamed = { ...updated, updatedAt: clock.now() };
      saveEndpoint(service, renamed);
      changed(c);
      return c.json({ endpoint: endpointView(renamed, clock.now()), operations: [] });
    }
    return endpoint.to === "idle"
      ? act(c, updated, ["start_compute", "apply_config", "suspend_compute"], "idle")
      : act(c, updated, ["apply_config"], "active");
  });

  app.delete("/projects/:project/endpoints/:endpoint", (c) => {
    const project = findProject(service, c.get("key"), c.req.param("project"));
    const endpoint = store.endpoints(project.id).get(c.req.param("endpoint"));
    if (!endpoint) {
      if (store.endpointProjects.get(`${c.req.param("endpoint")} deleted`) === project.id)
        return c.body(null, 204);
      throw notFound("endpoint");
    }
    return context.storage.transaction(() => {
      const steps = operations.schedule(
        project.id,
        endpoint.to === "active"
          ? [{ action: "suspend_compute", branchId: endpoint.branchId, endpointId: endpoint.id }]
          : [],
      );
      changed(c);
      store.endpoints(project.id).delete(endpoint.id);
      store.endpointProjects.delete(endpoint.id);
      store.endpointProjects.set(`${endpoint.id} deleted`, project.id);
      const shown: EndpointRecord = {
        ...endpoint,
        from: endpoint.to,
        to: "idle",
        settlesAt: steps.at(-1)?.finishesAt ?? clock.now(),
      };
      return c.json({
        endpoint: endpointView(shown, clock.now()),
        operations: steps.map((step) => operationView(step, clock.now())),
      });
    });
  });

  app.post("/projects/:project/endpoints/:endpoint/start", (c) => {
    const endpoint = find(
      findProject(service, c.get("key"), c.req.param("project")).id,
      c.req.param("endpoint"),
    );
    if (endpoint.disabled) throw unprocessable("endpoint is disabled");
    return act(c, endpoint, endpoint.to === "active" ? [] : ["start_compute"], "active");
  });

  app.post("/projects/:project/endpoints/:endpoint/suspend", (c) => {
    const endpoint = find(
      findProject(service, c.get("key"), c.req.param("project")).id,
      c.req.param("endpoint"),
    );
    if (clock.now() < endpoint.settlesAt) {
      throw new NeonError({
        status: 423,
        message: "endpoint is in some transitive state, could not suspend",
      });
    }
    return act(c, endpoint, endpoint.to === "idle" ? [] : ["suspend_compute"], "idle");
  });

  app.post("/projects/:project/endpoints/:endpoint/restart", (c) => {
    const endpoint = find(
      findProject(service, c.get("key"), c.req.param("project")).id,
      c.req.param("endpoint"),
    );
    return act(c, endpoint, ["suspend_compute", "start_compute"], "active");
  });
}
