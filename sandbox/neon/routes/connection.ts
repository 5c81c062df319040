import { badRequest, notFound } from "../errors.ts";
import { branchEndpoints, connectionUri, defaultBranch, findBranch, findProject } from "../service.ts";
import type { NeonService } from "../service.ts";
import { booleanQuery } from "../validation.ts";
import type { NeonApp } from "./route.ts";

/** `GET /projects/{id}/connection_uri`. */
export function connectionRoutes(app: NeonApp, service: NeonService): void {
  app.get("/projects/:project/connection_uri", (c) => {
    const project = findProject(service, c.get("key"), c.req.param("project"), { seen: true });
    const databaseName = c.req.query("database_name");
    const roleName = c.req.query("role_name");
    for (const [name, value] of [
      ["database_name", databaseName],
      ["role_name", roleName],
    ] as const) {
      if (value === undefined || value === "")
        throw badRequest(`parameter "${name}" in query has an error: value is required but missing`);
    }
    const branchId = c.req.query("branch_id");
    const branch =
      branchId === undefined ? defaultBranch(service, project.id) : findBranch(service, project.id, branchId);
    const endpointId = c.req.query("endpoint_id");
    const endpoint = branchEndpoints(service, project.id, branch.id).find((candidate) =>
      endpointId === undefined ? candidate.type === "read_write" : candidate.id === endpointId,
    );
    if (!endpoint) throw notFound("endpoint");
    const role = service.store.roles(branch.id).get(roleName ?? "");
    if (!role) throw notFound("role");
    const database = service.store.databases(branch.id).get(databaseName ?? "");
    if (!database) throw notFound("database");
    return c.json({
      uri: connectionUri(service, {
        endpoint,
        role,
        database,
        pooled: booleanQuery(c.req.query("pooled"), "pooled"),
      }),
    });
  });
}
