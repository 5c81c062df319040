/** Times in records are milliseconds since the epoch, on the sandbox's clock; views render them as RFC 3339. */

export interface EndpointSettings {
  pg_settings?: Record<string, string> | undefined;
  pgbouncer_settings?: Record<string, string> | undefined;
  preload_libraries?:
    | { use_defaults?: boolean | undefined; enabled_libraries?: string[] | undefined }
    | undefined;
}

interface DefaultEndpointSettings {
  autoscaling_limit_min_cu?: number | undefined;
  autoscaling_limit_max_cu?: number | undefined;
  suspend_timeout_seconds?: number | undefined;
  pg_settings?: Record<string, string> | undefined;
  pgbouncer_settings?: Record<string, string> | undefined;
}

export interface ProjectRecord {
  id: string;
  name: string;
  orgId: string;
  regionId: string;
  pgVersion: number;
  storePasswords: boolean;
  historyRetentionSeconds: number;
  settings: Record<string, unknown>;
  defaultEndpointSettings: DefaultEndpointSettings;
  createdAt: number;
  updatedAt: number;
  /** Until when operations run: other mutations that schedule work answer 423 until then. */
  busyUntil: number;
  /** Set while the project is soft-deleted. */
  deletedAt?: number;
}

export interface BranchRecord {
  id: string;
  projectId: string;
  name: string;
  /** Absent on root branches, schema-only branches included. */
  parentId?: string;
  parentLsn?: string;
  parentTimestamp?: number;
  initSource: "parent-data" | "schema-only";
  default: boolean;
  protected: boolean;
  archived: boolean;
  expiresAt?: number;
  ttlSeconds?: number;
  annotations: Record<string, string>;
  createdAt: number;
  updatedAt: number;
  /** From when on the branch's state is `ready`; `init` before. */
  readyAt: number;
  deletedAt?: number;
  deletionMethod?: "user" | "ttl";
  /** Whether `GET …/branches?include_deleted=true` still shows it and it can be recovered. */
  recoverable?: boolean;
}

type ComputeState = "init" | "active" | "idle";

export interface EndpointRecord {
  id: string;
  projectId: string;
  branchId: string;
  type: "read_write" | "read_only";
  name?: string | undefined;
  regionId: string;
  minCu: number;
  maxCu: number;
  suspendTimeoutSeconds: number;
  settings: EndpointSettings;
  poolerEnabled: boolean;
  passwordlessAccess: boolean;
  disabled: boolean;
  provisioner: string;
  /** State before `settlesAt`, and from then on. */
  from: ComputeState;
  to: ComputeState;
  settlesAt: number;
  createdAt: number;
  updatedAt: number;
}

export interface RoleRecord {
  branchId: string;
  name: string;
  /** The plaintext the data plane and `connection_uri` need; never shown where `store_passwords` is off. */
  password: string;
  /** The password before the last reset: good until that reset's operations end. */
  oldPassword?: { value: string; until: number };
  noLogin: boolean;
  createdAt: number;
  updatedAt: number;
}

export interface DatabaseRecord {
  id: number;
  branchId: string;
  name: string;
  ownerName: string;
  /** Where its content came from, so that a data plane that lost it, or never got to it, can make it again. */
  copyOf?: { id: number; schemaOnly: boolean };
  createdAt: number;
  updatedAt: number;
}

export interface OperationRecord {
  id: string;
  projectId: string;
  branchId?: string;
  endpointId?: string;
  action: string;
  createdAt: number;
  /** `scheduling` before, `running` from then on, settled from `finishesAt` on. */
  startsAt: number;
  finishesAt: number;
  outcome: "finished" | "failed";
  error?: string;
}

/** What the plan of an organization allows; exceeding it is refused as Neon refuses it. */
export interface NeonLimits {
  projects: number;
  branchesPerProject: number;
  rootBranchesPerProject: number;
  protectedBranchesPerProject: number;
  endpointsPerBranch: number;
  /** Largest `history_retention_seconds`. */
  historyRetentionSeconds: number;
  maxComputeUnits: number;
}

/** One API key and what it may see. A `project` key reaches one project only; a `user` key must name the organization. */
export interface NeonApiKey {
  key: string;
  kind: "user" | "org" | "project";
  orgId: string;
  projectId?: string;
}

/** How long each kind of operation runs, in milliseconds of the sandbox's clock. */
export type OperationDurations = Readonly<Record<string, number>>;
