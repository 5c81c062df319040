import { newDatabase } from "../creation.ts";
import { conflict, notFound, unprocessable } from "../errors.ts";
import type { DatabaseRecord, OperationRecord } from "../records.ts";
import { physicalBranch } from "../service.ts";
import type { NeonService } from "../service.ts";
import { checkPostgresName, readBody, requestBodies } from "../validation.ts";
import { databaseView, operationView } from "../views.ts";
import { applySteps, target } from "./roles.ts";
import { changed } from "./route.ts";
import type { NeonApp } from "./route.ts";

/** Databases of a branch. */
export function databaseRoutes(app: NeonApp, service: NeonService): void {
  const { context, store, operations } = service;
  const { clock } = context;
  const answer = (database: DatabaseRecord, steps: readonly OperationRecord[]) => ({
    database: databaseView(database),
    operations: steps.map((step) => operationView(step, clock.now())),
  });
  const checkOwner = (branchId: string, owner: string): void => {
    if (!store.roles(branchId).get(owner)) throw notFound("role");
  };
  const checkFree = (branchId: string, name: string): void => {
    checkPostgresName("database", name);
    if (store.databases(branchId).get(name))
      throw conflict(`database already exists; database_name:"${name}"`);
  };

  app.get("/projects/:project/branches/:branch/databases", (c) => {
    const { branch } = target(service, c, true);
    return c.json({ databases: store.databases(branch.id).allSeen().map(databaseView) });
  });

  app.get("/projects/:project/branches/:branch/databases/:database", (c) => {
    const { branch } = target(service, c, true);
    const database = store.databases(branch.id).seen(c.req.param("database"));
    if (!database) throw notFound("database");
    return c.json({ database: databaseView(database) });
  });

  app.post("/projects/:project/branches/:branch/databases", async (c) => {
    const { database: body } = await readBody(c.req.raw, requestBodies.createProjectBranchDatabase);
    const { project, branch } = target(service, c, false);
    operations.assertIdle(project.id);
    if (branch.readyAt > clock.now()) throw unprocessable("branch not ready yet");
    checkFree(branch.id, body.name);
    checkOwner(branch.id, body.owner_name);
    const created = context.storage.transaction(() => {
      const steps = operations.schedule(project.id, applySteps(service, project, branch));
      changed(c);
      const database = newDatabase(service, branch.id, body.name, body.owner_name);
      store.databases(branch.id).set(database.name, database);
      return { database, steps };
    });
    await service.dataPlane?.ensure(physicalBranch(service, branch.id));
    return c.json(answer(created.database, created.steps), 201);
  });

  app.patch("/projects/:project/branches/:branch/databases/:database", async (c) => {
    const { database: body } = await readBody(c.req.raw, requestBodies.updateProjectBranchDatabase);
    const { project, branch } = target(service, c, false);
    const database = store.databases(branch.id).get(c.req.param("database"));
    if (!database) throw notFound("database");
    if (body.name !== undefined && body.name !== database.name) checkFree(branch.id, body.name);
    if (body.owner_name !== undefined) checkOwner(branch.id, body.owner_name);
    const updated: DatabaseRecord = {
      ...database,
      name: body.name ?? database.name,
      ownerName: body.owner_name ?? database.ownerName,
      updatedAt: clock.now(),
    };
    const steps = context.storage.transaction(() => {
      const scheduled = operations.schedule(project.id, applySteps(service, project, branch));
      changed(c);
      if (updated.name !== database.name) store.databases(branch.id).delete(database.name);
      store.databases(branch.id).set(updated.name, updated);
      return scheduled;
    });
    await service.dataPlane?.ensure(physicalBranch(service, branch.id));
    return c.json(answer(updated, steps));
  });

  app.delete("/projects/:project/branches/:branch/databases/:database", async (c) => {
    const { project, branch } = target(service, c, false);
    const database = store.databases(branch.id).get(c.req.param("database"));
    if (!database) return c.body(null, 204);
    const steps = context.storage.transaction(() => {
      const scheduled = operations.schedule(project.id, applySteps(service, project, branch));
      changed(c);
      store.databases(branch.id).delete(database.name);
      return scheduled;
    });
    await service.dataPlane?.drop([database.id]);
    return c.json(answer(database, steps));
  });
}
