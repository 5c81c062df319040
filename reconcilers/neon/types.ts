/** What each Neon definition is given and what it hands on. Members that are `undefined` are not managed. */
import type { SecretValue } from "../../controller/runtime/secret-value.ts";

/** `spec.neon.settings` of a Project. */
export interface ProjectSettings {
  allowedIps?: readonly string[] | undefined;
  allowedIpsProtectedBranchesOnly?: boolean | undefined;
  blockPublicConnections?: boolean | undefined;
  logicalReplication?: true | undefined;
}

export interface ProjectDesired {
  /** Organization it is created in; empty for the account of the key. */
  orgId: string;
  name: string;
  region: string;
  postgresVersion: number;
  /** Name of the root branch. */
  branch: string;
  database: string;
  role: string;
  /** Seconds. */
  historyRetention?: number | undefined;
  settings?: ProjectSettings | undefined;
}

export interface ProjectObserved {
  id: string;
  name: string;
  region: string;
  postgresVersion: number;
  rootBranchId: string;
  rootBranchName: string;
  /** Undefined when not looked at (shallow). */
  historyRetention: number | undefined;
  /** Undefined when not looked at (shallow). */
  settings: ProjectSettings | undefined;
}

/** Outputs of `project`. */
export interface ProjectOutputs extends Record<string, unknown> {
  projectId: string;
  rootBranchId: string;
  rootBranchName: string;
}

export interface Compute {
  /** Compute units. */
  min?: number | undefined;
  max?: number | undefined;
  /** -1: never suspended. */
  suspendAfterSeconds?: number | undefined;
}

export interface BranchSettings {
  projectId: string;
  name: string;
  protected?: boolean | undefined;
  compute?: Compute | undefined;
}

export interface BranchDesired extends BranchSettings {
  /** Name of the branch it is cut from. */
  parent: string;
  init: "parent-data" | "schema-only";
  /** RFC 3339 with seconds: until when it is needed. Its lease at Neon is renewed towards this. Undefined: for good, without one. */
  expiresAt?: string | undefined;
  /** RFC 3339: a lease of which the inventory knows nothing is kept when it ends between this and `expiresAt`. */
  earliestExpiry?: string | undefined;
}

export interface BranchObserved {
  id: string;
  name: string;
  parentId: string | undefined;
  parentName: string | undefined;
  protected: boolean;
  expiresAt: string | undefined;
  /** What it was filled with when it was cut: `parent-data` or `schema-only`; undefined where Neon does not say. */
  init: string | undefined;
  /** Its read-write compute; undefined when it has none. */
  endpoint:
    | { id: string; host: string; starting: boolean; min: number; max: number; suspendAfterSeconds: number }
    | undefined;
}

/** Outputs of `branch` and `rootBranch`. */
export interface BranchOutputs extends Record<string, unknown> {
  branchId: string;
  branchName: string;
  endpointId: string;
  host: string;
  /** Until when its lease holds; missing when it has none. */
  expiresAt?: string;
}

export interface DatabaseDesired {
  projectId: string;
  branchId: string;
  role: string;
  database: string;
}

export interface DatabaseObserved {
  role: boolean;
  database: boolean;
  /** Neon's id of the database; undefined when there is none. */
  databaseId: string | undefined;
  /** Owner of the database; undefined when there is none. */
  owner: string | undefined;
}

export interface ConnectionUriInput {
  projectId: string;
  branchId: string;
  endpointId: string;
  database: string;
  role: string;
  pooled: boolean;
}

/** Outputs of `connectionUri`. */
export interface ConnectionUriOutputs extends Record<string, unknown> {
  uri: SecretValue;
}
