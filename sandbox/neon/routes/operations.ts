import { badRequest, notFound } from "../errors.ts";
import { findProject } from "../service.ts";
import type { NeonService } from "../service.ts";
import { integerQuery } from "../validation.ts";
import { operationView } from "../views.ts";
import type { NeonApp } from "./route.ts";

/** Operations of a project, newest first. */
export function operationRoutes(app: NeonApp, service: NeonService): void {
  const { clock } = service.context;

  app.get("/projects/:project/operations", (c) => {
    const project = findProject(service, c.get("key"), c.req.param("project"), { seen: true });
    const limit = integerQuery(c.req.query("limit"), {
      name: "limit",
      minimum: 1,
      maximum: 1_000,
      fallback: 1_000,
    });
    const all = service.store.operations(project.id).all().toReversed();
    const cursor = c.req.query("cursor");
    const position = cursor === undefined ? 0 : all.findIndex((operation) => operation.id === cursor) + 1;
    if (cursor !== undefined && position === 0)
      throw badRequest('parameter "cursor" in query has an error: invalid cursor');
    const page = all.slice(position, position + limit);
    const last = page.at(-1);
    return c.json({
      operations: page.map((operation) => operationView(operation, clock.now())),
      ...(last === undefined ? {} : { pagination: { cursor: last.id } }),
    });
  });

  app.get("/projects/:project/operations/:operation", (c) => {
    const project = findProject(service, c.get("key"), c.req.param("project"), { seen: true });
    const operation = service.store.operations(project.id).get(c.req.param("operation"));
    if (!operation) throw notFound("operation");
    return c.json({ operation: operationView(operation, clock.now()) });
  });
}
