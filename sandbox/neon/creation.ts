import { conflict, unprocessable } from "./errors.ts";
import * as naming from "./naming.ts";
import type {
  BranchRecord,
  DatabaseRecord,
  EndpointRecord,
  EndpointSettings,
  ProjectRecord,
  RoleRecord,
} from "./records.ts";
import { branchEndpoints, liveBranches } from "./service.ts";
import type { NeonService } from "./service.ts";

/** The compute part of an endpoint request. */
export interface ComputeRequest {
  type: "read_write" | "read_only";
  name?: string | undefined;
  settings?: EndpointSettings | undefined;
  autoscaling_limit_min_cu?: number | undefined;
  autoscaling_limit_max_cu?: number | undefined;
  suspend_timeout_seconds?: number | undefined;
  provisioner?: string | undefined;
  pooler_enabled?: boolean | undefined;
  passwordless_access?: boolean | undefined;
  disabled?: boolean | undefined;
}

/** @throws NeonError 422 when the limits contradict each other or the plan */
export function checkCompute(service: NeonService, minimum: number, maximum: number): void {
  if (minimum > maximum)
    throw unprocessable("autoscaling_limit_min_cu must not be greater than autoscaling_limit_max_cu");
  if (maximum > service.limits.maxComputeUnits) {
    throw unprocessable(
      `autoscaling_limit_max_cu must not exceed ${service.limits.maxComputeUnits} on your plan`,
    );
  }
}

/** A new endpoint, starting: `init` until `settlesAt` is set by whoever schedules its start. */
export function newEndpoint(
  service: NeonService,
  project: ProjectRecord,
  branchId: string,
  request: ComputeRequest,
): EndpointRecord {
  const now = service.context.clock.now();
  const defaults = project.defaultEndpointSettings;
  const minCu = request.autoscaling_limit_min_cu ?? defaults.autoscaling_limit_min_cu ?? 0.25;
  const maxCu =
    request.autoscaling_limit_max_cu ?? Math.max(minCu, defaults.autoscaling_limit_max_cu ?? 0.25);
  checkCompute(service, minCu, maxCu);
  return {
    id: naming.endpointId(service.context.random),
    projectId: project.id,
    branchId,
    type: request.type,
    name: request.name,
    regionId: project.regionId,
    minCu,
    maxCu,
    suspendTimeoutSeconds: request.suspend_timeout_seconds ?? defaults.suspend_timeout_seconds ?? 0,
    settings: { pg_settings: defaults.pg_settings ?? {}, ...request.settings },
    poolerEnabled: request.pooler_enabled ?? false,
    passwordlessAccess: request.passwordless_access ?? true,
    disabled: request.disabled ?? false,
    provisioner: request.provisioner ?? "k8s-neonvm",
    from: "init",
    to: "active",
    settlesAt: now,
    createdAt: now,
    updatedAt: now,
  };
}

/** Stores an endpoint and the way from its id to its project. */
export function saveEndpoint(service: NeonService, endpoint: EndpointRecord): void {
  service.store.endpoints(endpoint.projectId).set(endpoint.id, endpoint);
  service.store.endpointProjects.set(endpoint.id, endpoint.projectId);
}

/** @throws NeonError 409 for a second read-write endpoint, 422 past the plan's number of endpoints */
export function checkEndpointSlots(
  service: NeonService,
  existing: readonly { type: string }[],
  requested: readonly { type: string }[],
): void {
  const all = [...existing, ...requested];
  if (all.filter((endpoint) => endpoint.type === "read_write").length > 1) {
    throw conflict("read_write endpoint already exists", "ENDPOINTS_LIMIT_EXCEEDED");
  }
  if (all.length > service.limits.endpointsPerBranch)
    throw unprocessable("endpoints limit exceeded", "ENDPOINTS_LIMIT_EXCEEDED");
}

/** @throws NeonError 409 when a live branch of the project has the name */
export function checkBranchName(service: NeonService, projectId: string, name: string): void {
  if (liveBranches(service, projectId).some((branch) => branch.name === name)) {
    throw conflict(`branch already exists; branch_name:"${name}"`);
  }
}

/** @throws NeonError 422 `BRANCHES_LIMIT_EXCEEDED` or `ROOT_BRANCHES_LIMIT_EXCEEDED` */
export function checkBranchLimits(service: NeonService, projectId: string, root: boolean): void {
  const live = liveBranches(service, projectId);
  if (live.length >= service.limits.branchesPerProject)
    throw unprocessable("branches limit exceeded", "BRANCHES_LIMIT_EXCEEDED");
  if (
    root &&
    live.filter((branch) => branch.parentId === undefined).length >= service.limits.rootBranchesPerProject
  ) {
    throw unprocessable("root branches limit exceeded", "ROOT_BRANCHES_LIMIT_EXCEEDED");
  }
}

/** @throws NeonError 422 past the plan's number of protected branches */
export function checkProtectedLimit(service: NeonService, projectId: string): void {
  const count = liveBranches(service, projectId).filter((branch) => branch.protected).length;
  if (count >= service.limits.protectedBranchesPerProject) {
    throw unprocessable("protected branches limit exceeded", "BRANCHES_PROTECTED_LIMIT_EXCEEDED");
  }
}

/** A new role with a new password. */
export function newRole(service: NeonService, branchId: string, name: string, noLogin: boolean): RoleRecord {
  const now = service.context.clock.now();
  return {
    branchId,
    name,
    password: naming.rolePassword(service.context.random),
    noLogin,
    createdAt: now,
    updatedAt: now,
  };
}

/** A new database. */
export function newDatabase(
  service: NeonService,
  branchId: string,
  name: string,
  ownerName: string,
): DatabaseRecord {
  const now = service.context.clock.now();
  return { id: service.store.nextDatabaseId(), branchId, name, ownerName, createdAt: now, updatedAt: now };
}

/**
 * Copies roles and databases of a source branch to a new one. Passwords stay, unless the source is protected:
 * then its child gets new ones (docs "Protected branches").
 */
export function inheritBranch(
  service: NeonService,
  source: BranchRecord,
  branch: BranchRecord,
): { roles: RoleRecord[]; databases: DatabaseRecord[] } {
  const now = service.context.clock.now();
  const { store } = service;
  const schemaOnly = branch.initSource === "schema-only";
  const roles = store
    .roles(source.id)
    .all()
    .map((role): RoleRecord => {
      const password = source.protected ? naming.rolePassword(service.context.random) : role.password;
      return {
        branchId: branch.id,
        name: role.name,
        password,
        noLogin: role.noLogin,
        createdAt: now,
        updatedAt: now,
      };
    });
  const databases = store
    .databases(source.id)
    .all()
    .map((database): DatabaseRecord => {
      const id = store.nextDatabaseId();
      return {
        ...database,
        id,
        branchId: branch.id,
        copyOf: { id: database.id, schemaOnly },
        createdAt: now,
        updatedAt: now,
      };
    });
  for (const role of roles) store.roles(branch.id).set(role.name, role);
  for (const database of databases) store.databases(branch.id).set(database.name, database);
  return { roles, databases };
}

/** Moves an endpoint to a state it reaches when the last of these operations is done. */
export function moveEndpoint(
  service: NeonService,
  endpoint: EndpointRecord,
  to: EndpointRecord["to"],
  settlesAt: number,
): EndpointRecord {
  const now = service.context.clock.now();
  const from = now >= endpoint.settlesAt ? endpoint.to : endpoint.from;
  const moved: EndpointRecord = { ...endpoint, from, to, settlesAt, updatedAt: now };
  saveEndpoint(service, moved);
  return moved;
}

/** The read-write endpoints of a branch that serve now. */
export function activeEndpoints(service: NeonService, projectId: string, branchId: string): EndpointRecord[] {
  return branchEndpoints(service, projectId, branchId).filter((endpoint) => endpoint.to === "active");
}
