import { branchEndpoints } from "./service.ts";
import type { NeonService } from "./service.ts";
import { operationView } from "./views.ts";

/** Everything that exists, for oracles: soft-deleted things included and marked by `deletedAt`; passwords in plain text. */
export function neonState(service: NeonService): unknown {
  const { store, context } = service;
  const now = context.clock.now();
  return {
    projects: store.projects.all().map((project) => ({
      ...project,
      branches: store
        .branches(project.id)
        .all()
        .map((branch) => ({
          ...branch,
          expired: branch.expiresAt !== undefined && branch.expiresAt <= now,
          endpoints: branchEndpoints(service, project.id, branch.id),
          roles: store.roles(branch.id).all(),
          databases: store.databases(branch.id).all(),
        })),
      operations: store
        .operations(project.id)
        .all()
        .map((operation) => operationView(operation, now)),
    })),
  };
}
