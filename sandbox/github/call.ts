import type { Reply } from "./failure.ts";
import type { PermissionLevel, RepositoryRecord, TokenRecord, AppRecord } from "./records.ts";
import type { World } from "./world.ts";

/** Who asks. */
export type Identity =
  | { kind: "anonymous" }
  | { kind: "token"; token: TokenRecord }
  | { kind: "app"; app: AppRecord };

/** One request as handlers see it. */
export interface Call {
  world: World;
  method: string;
  /** Path parameters, decoded. */
  parameters: Record<string, string>;
  query: URLSearchParams;
  /** The parsed JSON body; an empty object when there was none. */
  body: Record<string, unknown>;
  identity: Identity;
  /** The `Accept` header, lower-case. */
  accept: string;
  /** Path without query and without the Enterprise prefix. */
  path: string;
}

/** A call on a repository that exists and that the caller may act on. */
export interface RepositoryCall extends Call {
  repository: RepositoryRecord;
  /** The caller's level for a permission on this repository; undefined when it has none. */
  level(permission: string): PermissionLevel | undefined;
}

/** Permissions a route needs, all of them: key -> level. */
export type Requirement = Record<string, PermissionLevel>;

/** A route anybody may ask. */
export interface OpenRoute {
  scope: "open";
  method: string;
  path: string;
  handler(call: Call): Reply;
}

/** A route that acts on the repository its path names. */
export interface RepositoryRoute {
  scope: "repository";
  method: string;
  /** Below `/repos/{owner}/{repo}`: empty, or starting with `/`. */
  path: string;
  requires: Requirement;
  /** Answers 404 until the repository's settings are reachable after generation from a template. */
  settled?: boolean;
  /** Allowed on an archived repository although it writes. */
  archived?: boolean;
  handler(call: RepositoryCall): Reply;
}

export type Route = OpenRoute | RepositoryRoute;
