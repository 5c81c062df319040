import { newRole } from "../creation.ts";
import { conflict, NeonError, notFound, unprocessable } from "../errors.ts";
import * as naming from "../naming.ts";
import type { BranchRecord, OperationRecord, ProjectRecord, RoleRecord } from "../records.ts";
import { branchEndpoints, findBranch, findProject, physicalBranch } from "../service.ts";
import type { NeonService } from "../service.ts";
import { checkPostgresName, readBody, requestBodies } from "../validation.ts";
import { operationView, roleView } from "../views.ts";
import { changed } from "./route.ts";
import type { NeonApp, NeonContext } from "./route.ts";

/** The steps that bring a change of roles or databases to a branch's computes. */
export function applySteps(
  service: NeonService,
  project: ProjectRecord,
  branch: BranchRecord,
): { action: string; branchId: string; endpointId?: string }[] {
  const writer = branchEndpoints(service, project.id, branch.id).find(
    (endpoint) => endpoint.type === "read_write",
  );
  return [
    {
      action: "apply_config",
      branchId: branch.id,
      ...(writer === undefined ? {} : { endpointId: writer.id }),
    },
  ];
}

/** The project and branch that a path names. @throws NeonError 404 */
export function target(
  service: NeonService,
  c: NeonContext,
  seen: boolean,
): { project: ProjectRecord; branch: BranchRecord } {
  const project = findProject(service, c.get("key"), c.req.param("project") ?? "", { seen });
  return { project, branch: findBranch(service, project.id, c.req.param("branch") ?? "", { seen }) };
}

/** Roles of a branch: create, list, read, delete, reveal and reset passwords. */
export function roleRoutes(app: NeonApp, service: NeonService): void {
  const { context, store, operations } = service;
  const { clock } = context;
  const answer = (role: RoleRecord, steps: readonly OperationRecord[], password: boolean) => ({
    role: roleView(role, password),
    operations: steps.map((step) => operationView(step, clock.now())),
  });

  app.get("/projects/:project/branches/:branch/roles", (c) => {
    const { branch } = target(service, c, true);
    return c.json({
      roles: store
        .roles(branch.id)
        .allSeen()
        .map((role) => roleView(role, false)),
    });
  });

  app.post("/projects/:project/branches/:branch/roles", async (c) => {
    const { role: body } = await readBody(c.req.raw, requestBodies.createProjectBranchRole);
    const { project, branch } = target(service, c, false);
    checkPostgresName("role", body.name);
    operations.assertIdle(project.id);
    if (branch.readyAt > clock.now()) throw unprocessable("branch not ready yet");
    if (store.roles(branch.id).get(body.name))
      throw conflict(`role already exists; role_name:"${body.name}"`);
    const role = newRole(service, branch.id, body.name, body.no_login ?? false);
    const steps = context.storage.transaction(() => {
      const scheduled = operations.schedule(project.id, applySteps(service, project, branch));
      changed(c);
      store.roles(branch.id).set(role.name, role);
      return scheduled;
    });
    await service.dataPlane?.ensure(physicalBranch(service, branch.id));
    return c.json(answer(role, steps, true), 201);
  });

  const findRole = (branchId: string, name: string, seen = false): RoleRecord => {
    const role = seen ? store.roles(branchId).seen(name) : store.roles(branchId).get(name);
    if (!role) throw notFound("role");
    return role;
  };

  app.get("/projects/:project/branches/:branch/roles/:role", (c) => {
    const { branch } = target(service, c, true);
    return c.json({ role: roleView(findRole(branch.id, c.req.param("role"), true), false) });
  });

  app.delete("/projects/:project/branches/:branch/roles/:role", async (c) => {
    const { project, branch } = target(service, c, false);
    const role = store.roles(branch.id).get(c.req.param("role"));
    if (!role) return c.body(null, 204);
    const databases = store.databases(branch.id).all();
    if (databases.some((database) => database.ownerName === role.name)) {
      throw unprocessable(`cannot delete role ${role.name}: it owns databases`);
    }
    const steps = context.storage.transaction(() => {
      const scheduled = operations.schedule(project.id, applySteps(service, project, branch));
      changed(c);
      store.roles(branch.id).delete(role.name);
      return scheduled;
    });
    await service.dataPlane?.dropRole(role.name, physicalBranch(service, branch.id).databases);
    return c.json(answer(role, steps, false));
  });

  app.get("/projects/:project/branches/:branch/roles/:role/reveal_password", (c) => {
    const { project, branch } = target(service, c, true);
    const role = findRole(branch.id, c.req.param("role"), true);
    if (!project.storePasswords) {
      throw new NeonError({
        status: 412,
        message: "passwords are not stored for this project: store_passwords is off",
      });
    }
    if (role.noLogin) throw notFound("password");
    return c.json({ password: role.password });
  });

  app.post("/projects/:project/branches/:branch/roles/:role/reset_password", async (c) => {
    const { project, branch } = target(service, c, false);
    const role = findRole(branch.id, c.req.param("role"));
    if (role.noLogin) throw unprocessable(`role ${role.name} cannot log in and has no password`);
    const reset = context.storage.transaction(() => {
      const steps = operations.schedule(project.id, applySteps(service, project, branch));
      changed(c);
      const updated: RoleRecord = {
        ...role,
        password: naming.rolePassword(context.random),
        oldPassword: { value: role.password, until: steps.at(-1)?.finishesAt ?? clock.now() },
        updatedAt: clock.now(),
      };
      store.roles(branch.id).set(role.name, updated);
      return { updated, steps };
    });
    await service.dataPlane?.ensure(physicalBranch(service, branch.id));
    return c.json(answer(reset.updated, reset.steps, true));
  });
}
