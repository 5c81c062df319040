import type { SandboxContext } from "../core/provider.ts";
import { reaches } from "./access.ts";
import type { Connectable, PhysicalBranch, PhysicalDatabase, PostgresDataPlane } from "./data-plane.ts";
import { notFound } from "./errors.ts";
import { recoveryWindow } from "./limits.ts";
import { proxyHost } from "./views.ts";
import type { Operations } from "./operations.ts";
import type {
  BranchRecord,
  DatabaseRecord,
  EndpointRecord,
  NeonApiKey,
  NeonLimits,
  ProjectRecord,
  RoleRecord,
} from "./records.ts";
import type { NeonStore } from "./store.ts";

/** What every route of one Neon shares. */
export interface NeonService {
  context: SandboxContext;
  store: NeonStore;
  operations: Operations;
  limits: NeonLimits;
  keys: readonly NeonApiKey[];
  publicUrl: string;
  dataPlane: PostgresDataPlane | undefined;
  /** How long a branch stays `init` after its operations are done: then it answers 422 "branch not ready yet". */
  branchSettle: number;
  /** Something becomes due (expiry, end of recovery) at this time: the next sweep looks no earlier. */
  due(at: number): void;
}

/**
 * The project a key asks for.
 * @param options.seen answer as a lagging reader sees it; writes use the truth
 * @throws NeonError 404 when it does not exist, is deleted, or the key does not reach it
 */
export function findProject(
  service: NeonService,
  key: NeonApiKey,
  id: string,
  options: { seen?: boolean; deleted?: boolean } = {},
): ProjectRecord {
  const project = options.seen === true ? service.store.projects.seen(id) : service.store.projects.get(id);
  if (!project || !reaches(key, project) || (project.deletedAt !== undefined) !== (options.deleted ?? false))
    throw notFound("project");
  return project;
}

/** A branch that is not deleted. @throws NeonError 404 */
export function findBranch(
  service: NeonService,
  projectId: string,
  id: string,
  options: { seen?: boolean } = {},
): BranchRecord {
  const table = service.store.branches(projectId);
  const branch = options.seen === true ? table.seen(id) : table.get(id);
  if (!branch || branch.deletedAt !== undefined) throw notFound("branch");
  return branch;
}

/** The branches of a project that are not deleted, oldest first. */
export function liveBranches(service: NeonService, projectId: string): BranchRecord[] {
  return service.store
    .branches(projectId)
    .all()
    .filter((branch) => branch.deletedAt === undefined);
}

/** The default branch. @throws NeonError 404 should a project have none */
export function defaultBranch(service: NeonService, projectId: string): BranchRecord {
  const branch = liveBranches(service, projectId).find((candidate) => candidate.default);
  if (!branch) throw notFound("branch");
  return branch;
}

/** The endpoints of a branch, oldest first. */
export function branchEndpoints(service: NeonService, projectId: string, branchId: string): EndpointRecord[] {
  return service.store
    .endpoints(projectId)
    .all()
    .filter((endpoint) => endpoint.branchId === branchId);
}

/** The URI a client connects with: Neon's host names, or the data plane's address with the endpoint as an option. */
export function connectionUri(
  service: NeonService,
  target: { endpoint: EndpointRecord; role: RoleRecord; database: DatabaseRecord; pooled: boolean },
): string {
  const { endpoint, role, database, pooled } = target;
  const credentials = `${encodeURIComponent(role.name)}:${encodeURIComponent(role.password)}`;
  const path = encodeURIComponent(database.name);
  const { dataPlane } = service;
  if (dataPlane) {
    return `postgresql://${credentials}@${dataPlane.host}:${dataPlane.port}/${path}?sslmode=disable&options=endpoint%3D${endpoint.id}`;
  }
  const host = `${endpoint.id}${pooled ? "-pooler" : ""}.${proxyHost(endpoint.regionId)}`;
  return `postgresql://${credentials}@${host}/${path}?sslmode=require&channel_binding=require`;
}

/** The `connection_uris` of answers that create a branch with endpoints: one per database, through the read-write endpoint. */
export function connectionUris(
  service: NeonService,
  endpoint: EndpointRecord,
  roles: readonly RoleRecord[],
  databases: readonly DatabaseRecord[],
): unknown[] {
  const host = service.dataPlane?.host ?? `${endpoint.id}.${proxyHost(endpoint.regionId)}`;
  const poolerHost = service.dataPlane?.host ?? `${endpoint.id}-pooler.${proxyHost(endpoint.regionId)}`;
  return databases.flatMap((database) => {
    const role = roles.find((candidate) => candidate.name === database.ownerName && !candidate.noLogin);
    if (!role) return [];
    return [
      {
        connection_uri: connectionUri(service, { endpoint, role, database, pooled: false }),
        connection_parameters: {
          database: database.name,
          password: role.password,
          role: role.name,
          host,
          pooler_host: poolerHost,
        },
      },
    ];
  });
}

/** How the data plane must hold a branch. */
export function physicalBranch(service: NeonService, branchId: string): PhysicalBranch {
  const now = service.context.clock.now();
  const roles = service.store
    .roles(branchId)
    .all()
    .map((role) => ({
      name: role.name,
      passwords: role.noLogin
        ? []
        : [
            role.password,
            ...(role.oldPassword && now < role.oldPassword.until ? [role.oldPassword.value] : []),
          ],
    }));
  const databases = service.store
    .databases(branchId)
    .all()
    .map((database): PhysicalDatabase => {
      const { copyOf } = database;
      return {
        id: database.id,
        name: database.name,
        owner: database.ownerName,
        ...(copyOf === undefined ? {} : { copyOf }),
      };
    });
  return { branchId, roles, databases };
}

/** What the Postgres proxy may connect to under an endpoint id; undefined when there is no such endpoint now. */
export function findConnectable(service: NeonService, endpointId: string): Connectable | undefined {
  const { store, context } = service;
  const projectId = store.endpointProjects.get(endpointId);
  if (projectId === undefined) return undefined;
  const endpoint = store.endpoints(projectId).get(endpointId);
  const branch = endpoint && store.branches(projectId).get(endpoint.branchId);
  const project = store.projects.get(projectId);
  if (!endpoint || !branch || branch.deletedAt !== undefined || !project || project.deletedAt !== undefined)
    return undefined;
  if (branch.expiresAt !== undefined && branch.expiresAt <= context.clock.now()) return undefined;
  return { branch: physicalBranch(service, branch.id), disabled: endpoint.disabled };
}

/** Removes a branch for good, with its roles, databases and endpoints; returns the ids of its databases. */
export function eraseBranch(service: NeonService, branch: BranchRecord): number[] {
  const { store } = service;
  const databases = store.databases(branch.id).all();
  for (const database of databases) store.databases(branch.id).delete(database.name);
  for (const role of store.roles(branch.id).all()) store.roles(branch.id).delete(role.name);
  for (const endpoint of branchEndpoints(service, branch.projectId, branch.id)) {
    store.endpoints(branch.projectId).delete(endpoint.id);
    store.endpointProjects.delete(endpoint.id);
  }
  store.branches(branch.projectId).delete(branch.id);
  return databases.map((database) => database.id);
}

/**
 * Does what has become due: branches past `expires_at` are deleted, and what was deleted more than seven days ago is erased.
 * @returns when the next thing becomes due; Infinity when nothing is
 */
export async function sweep(service: NeonService): Promise<number> {
  const { store, context } = service;
  const now = context.clock.now();
  const dropped: number[] = [];
  let next = Number.POSITIVE_INFINITY;
  for (const project of store.projects.all()) {
    const projectGone = project.deletedAt !== undefined && project.deletedAt + recoveryWindow <= now;
    if (project.deletedAt !== undefined && !projectGone)
      next = Math.min(next, project.deletedAt + recoveryWindow);
    for (const branch of store.branches(project.id).all()) {
      const end = branch.deletedAt === undefined ? undefined : branch.deletedAt + recoveryWindow;
      if (projectGone || (end !== undefined && end <= now)) {
        dropped.push(...eraseBranch(service, branch));
      } else if (end !== undefined) {
        next = Math.min(next, end);
      } else if (branch.expiresAt !== undefined && branch.expiresAt <= now) {
        store.branches(project.id).set(branch.id, {
          ...branch,
          deletedAt: now,
          deletionMethod: "ttl",
          recoverable: true,
          updatedAt: now,
        });
        next = Math.min(next, now + recoveryWindow);
      } else if (branch.expiresAt !== undefined) {
        next = Math.min(next, branch.expiresAt);
      }
    }
    if (projectGone) store.projects.delete(project.id);
  }
  if (dropped.length > 0) await service.dataPlane?.drop(dropped);
  return next;
}
