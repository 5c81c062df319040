import { recoveryWindow } from "./limits.ts";
import { secondsTimestamp, timestamp } from "./naming.ts";
import { operationStatus } from "./operations.ts";
import type {
  BranchRecord,
  DatabaseRecord,
  EndpointRecord,
  NeonLimits,
  OperationRecord,
  ProjectRecord,
  RoleRecord,
} from "./records.ts";

type Json = Record<string, unknown>;

/** The region part of host names: `aws-us-east-2` -> `us-east-2.aws.neon.tech`. */
export function proxyHost(regionId: string): string {
  const [platform = "aws", ...rest] = regionId.split("-");
  return `${rest.join("-")}.${platform}.neon.tech`;
}

function withoutUndefined(value: object): Json {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined));
}

function projectFields(project: ProjectRecord, ownerId: string): Json {
  return {
    id: project.id,
    platform_id: project.regionId.split("-")[0] ?? "aws",
    region_id: project.regionId,
    name: project.name,
    provisioner: "k8s-neonvm",
    default_endpoint_settings: withoutUndefined(project.defaultEndpointSettings),
    settings: project.settings,
    pg_version: project.pgVersion,
    proxy_host: proxyHost(project.regionId),
    branch_logical_size_limit: 512,
    branch_logical_size_limit_bytes: 536_870_912,
    store_passwords: project.storePasswords,
    cpu_used_sec: 0,
    creation_source: "console",
    history_retention_seconds: project.historyRetentionSeconds,
    created_at: timestamp(project.createdAt),
    updated_at: timestamp(project.updatedAt),
    synthetic_storage_size: 0,
    owner_id: ownerId,
    org_id: project.orgId,
  };
}

/** A project as listings show it. */
export function projectListItem(project: ProjectRecord): Json {
  const deleted =
    project.deletedAt === undefined
      ? {}
      : {
          deleted_at: timestamp(project.deletedAt),
          recoverable_until: timestamp(project.deletedAt + recoveryWindow),
        };
  return { ...projectFields(project, project.orgId), active_time: 0, ...deleted };
}

/** A project as `GET /projects/{id}` shows it. */
export function projectView(project: ProjectRecord, limits: NeonLimits): Json {
  const month = 30 * 24 * 3_600_000;
  return {
    ...projectFields(project, project.orgId),
    data_storage_bytes_hour: 0,
    data_transfer_bytes: 0,
    written_data_bytes: 0,
    compute_time_seconds: 0,
    active_time_seconds: 0,
    consumption_period_start: timestamp(project.createdAt),
    consumption_period_end: timestamp(project.createdAt + month),
    owner: {
      email: "owner@sandbox.test",
      name: project.orgId,
      branches_limit: limits.branchesPerProject,
      subscription_type: "launch_v3",
    },
  };
}

/** A branch; `current_state` and `pending_state` follow the clock. */
export function branchView(branch: BranchRecord, now: number): Json {
  const ready = now >= branch.readyAt;
  const settled = branch.archived ? "archived" : "ready";
  return {
    id: branch.id,
    project_id: branch.projectId,
    ...(branch.parentId === undefined ? {} : { parent_id: branch.parentId }),
    ...(branch.parentLsn === undefined ? {} : { parent_lsn: branch.parentLsn }),
    ...(branch.parentTimestamp === undefined
      ? {}
      : { parent_timestamp: secondsTimestamp(branch.parentTimestamp) }),
    name: branch.name,
    current_state: ready ? settled : "init",
    ...(ready ? {} : { pending_state: settled }),
    state_changed_at: timestamp(ready ? branch.readyAt : branch.createdAt),
    ...(ready ? { logical_size: 0 } : {}),
    creation_source: "console",
    primary: branch.default,
    default: branch.default,
    protected: branch.protected,
    cpu_used_sec: 0,
    compute_time_seconds: 0,
    active_time_seconds: 0,
    written_data_bytes: 0,
    data_transfer_bytes: 0,
    created_at: timestamp(branch.createdAt),
    updated_at: timestamp(branch.updatedAt),
    ...(branch.expiresAt === undefined ? {} : { expires_at: secondsTimestamp(branch.expiresAt) }),
    ...(branch.ttlSeconds === undefined ? {} : { ttl_interval_seconds: branch.ttlSeconds }),
    init_source: branch.initSource,
    ...(branch.deletedAt === undefined
      ? {}
      : {
          recovery: {
            deleted_at: timestamp(branch.deletedAt),
            recoverable_until: timestamp(branch.deletedAt + recoveryWindow),
            deletion_method: branch.deletionMethod ?? "user",
          },
        }),
  };
}

/** The annotation object of a branch, as `GET …/branches/{id}` and the listing's `annotations` map show it. */
export function annotationView(branch: BranchRecord): Json {
  return {
    object: { type: "console/branch", id: branch.id },
    value: branch.annotations,
    created_at: timestamp(branch.createdAt),
    updated_at: timestamp(branch.createdAt),
  };
}

/** A compute endpoint; its state follows the clock. */
export function endpointView(endpoint: EndpointRecord, now: number): Json {
  const settled = now >= endpoint.settlesAt;
  const host = proxyHost(endpoint.regionId);
  return {
    host: `${endpoint.id}.${host}`,
    id: endpoint.id,
    ...(endpoint.name === undefined ? {} : { name: endpoint.name }),
    project_id: endpoint.projectId,
    branch_id: endpoint.branchId,
    autoscaling_limit_min_cu: endpoint.minCu,
    autoscaling_limit_max_cu: endpoint.maxCu,
    region_id: endpoint.regionId,
    type: endpoint.type,
    current_state: settled ? endpoint.to : endpoint.from,
    ...(settled ? {} : { pending_state: endpoint.to }),
    settings: withoutUndefined(endpoint.settings),
    pooler_enabled: endpoint.poolerEnabled,
    pooler_mode: "transaction",
    disabled: endpoint.disabled,
    passwordless_access: endpoint.passwordlessAccess,
    creation_source: "console",
    created_at: timestamp(endpoint.createdAt),
    updated_at: timestamp(endpoint.updatedAt),
    proxy_host: host,
    suspend_timeout_seconds: endpoint.suspendTimeoutSeconds,
    provisioner: endpoint.provisioner,
  };
}

/** A role; the password appears only in answers that create or reset it. */
export function roleView(role: RoleRecord, password: boolean): Json {
  return {
    branch_id: role.branchId,
    name: role.name,
    ...(password && !role.noLogin ? { password: role.password } : {}),
    protected: false,
    authentication_method: role.noLogin ? "no_login" : "password",
    created_at: timestamp(role.createdAt),
    updated_at: timestamp(role.updatedAt),
  };
}

export function databaseView(database: DatabaseRecord): Json {
  return {
    id: database.id,
    branch_id: database.branchId,
    name: database.name,
    owner_name: database.ownerName,
    created_at: timestamp(database.createdAt),
    updated_at: timestamp(database.updatedAt),
  };
}

/** An operation with the status it has at `now`. */
export function operationView(operation: OperationRecord, now: number): Json {
  const status = operationStatus(operation, now);
  const settled = now >= operation.finishesAt;
  return {
    id: operation.id,
    project_id: operation.projectId,
    ...(operation.branchId === undefined ? {} : { branch_id: operation.branchId }),
    ...(operation.endpointId === undefined ? {} : { endpoint_id: operation.endpointId }),
    action: operation.action,
    status,
    ...(settled && operation.error !== undefined ? { error: operation.error } : {}),
    failures_count: settled && operation.error !== undefined ? 1 : 0,
    created_at: timestamp(operation.createdAt),
    updated_at: timestamp(Math.min(now, operation.finishesAt)),
    total_duration_ms: settled
      ? operation.finishesAt - operation.createdAt
      : Math.max(0, now - operation.createdAt),
  };
}
