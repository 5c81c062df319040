import { badCredentials, failure, notFound, type ApiFailure } from "./failure.ts";
import type { Call, Identity, RepositoryCall, RepositoryRoute, Requirement } from "./call.ts";
import { verifyAppToken } from "./app-token.ts";
import type { PermissionLevel, RepositoryRecord, TokenRecord } from "./records.ts";
import { findRepository, type World } from "./world.ts";

const RANK: Record<PermissionLevel, number> = { read: 1, write: 2, admin: 3 };
/** What everyone may read of a public repository. */
const PUBLIC_READ = new Set([
  "metadata",
  "contents",
  "actions",
  "pull_requests",
  "issues",
  "deployments",
  "statuses",
  "checks",
]);

/** Whether one level includes another. */
export function includesLevel(held: PermissionLevel | undefined, needed: PermissionLevel): boolean {
  return held !== undefined && RANK[held] >= RANK[needed];
}

/**
 * Who a request's `Authorization` header stands for. `token`, `Bearer` and Basic (token as the password) are understood.
 * @throws ApiFailure 401 when the credentials are wrong, expired or revoked
 */
export function identify(world: World, authorization: string | null): Identity {
  if (authorization === null || authorization === "") return { kind: "anonymous" };
  const [scheme = "", ...rest] = authorization.split(" ");
  const credential = rest.join(" ").trim();
  if (/^basic$/i.test(scheme)) {
    const text = Buffer.from(credential, "base64").toString("utf8");
    const [name, password] = [text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1)];
    return {
      kind: "token",
      token: validToken(world, password === "x-oauth-basic" || password === "" ? name : password),
    };
  }
  if (!/^(bearer|token)$/i.test(scheme)) throw badCredentials();
  if (/^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(credential))
    return { kind: "app", app: verifyAppToken(world, credential) };
  return { kind: "token", token: validToken(world, credential) };
}

function validToken(world: World, text: string): TokenRecord {
  const token = world.tokens.get(text);
  if (!token || token.revoked || (token.expiresAt !== undefined && token.expiresAt <= world.now()))
    throw badCredentials();
  if (token.installationId === undefined) return token;
  const installation = world.installations.get(String(token.installationId));
  if (!installation) throw badCredentials();
  if (installation.suspendedAt !== null) throw failure(403, "This installation has been suspended");
  return token;
}

/** Whether a repository is among those selected; ids survive renames, names are compared without case. */
export function selects(selection: TokenRecord["repositories"], repository: RepositoryRecord): boolean {
  if (selection === "all") return true;
  const names = [repository.name.toLowerCase(), `${repository.owner}/${repository.name}`.toLowerCase()];
  return selection.some((item) =>
    typeof item === "number"
      ? item === repository.id
      : names.includes(item.toLowerCase()) || item === String(repository.id),
  );
}

/** Whether a token was granted this repository, leaving aside that public ones can be read by all. */
export function granted(world: World, token: TokenRecord, repository: RepositoryRecord): boolean {
  if (token.owner.toLowerCase() !== repository.owner.toLowerCase()) return false;
  if (!selects(token.repositories, repository)) return false;
  const installation =
    token.installationId === undefined ? undefined : world.installations.get(String(token.installationId));
  return installation === undefined || selects(installation.repositories, repository);
}

/** A token's own level for a permission, before any repository is looked at. Metadata comes with every token. */
export function tokenLevel(
  world: World,
  token: TokenRecord,
  permission: string,
): PermissionLevel | undefined {
  if (token.permissions === "all") return "admin";
  const held = token.permissions[permission] ?? (permission === "metadata" ? "read" : undefined);
  if (token.installationId === undefined || held === undefined || permission === "metadata") return held;
  const ceiling = world.installations.get(String(token.installationId))?.permissions[permission];
  return ceiling === undefined ? undefined : RANK[ceiling] < RANK[held] ? ceiling : held;
}

/** The caller's level on a repository. */
export function levelOn(
  world: World,
  identity: Identity,
  repository: RepositoryRecord,
  permission: string,
): PermissionLevel | undefined {
  const open = repository.visibility === "public" && PUBLIC_READ.has(permission) ? "read" : undefined;
  if (identity.kind !== "token" || !granted(world, identity.token, repository)) return open;
  return tokenLevel(world, identity.token, permission) ?? open;
}

/** Whether the caller can see that a repository exists. */
export function visibleTo(world: World, identity: Identity, repository: RepositoryRecord): boolean {
  return levelOn(world, identity, repository, "metadata") !== undefined;
}

/** The value of `X-Accepted-GitHub-Permissions` for a requirement. */
export function acceptedPermissions(requires: Requirement): string {
  return Object.entries(requires)
    .map(([name, level]) => `${name}=${level}`)
    .join(",");
}

/** 403 of a token that lacks a permission. */
export function permissionMissing(identity: Identity, requires: Requirement): ApiFailure {
  const integration =
    identity.kind === "app" || (identity.kind === "token" && identity.token.kind === "installation");
  const denied = failure(
    403,
    `Resource not accessible by ${integration ? "integration" : "personal access token"}`,
  );
  denied.reply.headers = { "x-accepted-github-permissions": acceptedPermissions(requires) };
  return denied;
}

/**
 * The token of a caller that acts on an account rather than on a repository.
 * @throws ApiFailure 401 without credentials, 403 without the permission
 */
export function requireToken(call: Call, requires: Requirement = {}): TokenRecord {
  const { identity, world } = call;
  if (identity.kind === "anonymous") throw failure(401, "Requires authentication");
  if (identity.kind === "app") throw permissionMissing(identity, requires);
  for (const [name, level] of Object.entries(requires))
    if (!includesLevel(tokenLevel(world, identity.token, name), level))
      throw permissionMissing(identity, requires);
  return identity.token;
}

function redirect(call: Call, repository: RepositoryRecord): ApiFailure {
  const { world, path, query } = call;
  const rest = path.replace(/^\/repos\/[^/]+\/[^/]+/, "");
  const search = query.size > 0 ? `?${query.toString()}` : "";
  const url = `${world.publicUrl}/repositories/${repository.id}${rest}${search}`;
  const reading = call.method === "GET" || call.method === "HEAD";
  const denied = failure(reading ? 301 : 307, reading ? "Moved Permanently" : "Temporary Redirect", { url });
  denied.reply.headers = { location: url };
  return denied;
}

function resolve(call: Call): { repository: RepositoryRecord; renamed: boolean } | undefined {
  const { world, parameters } = call;
  const id = parameters["repository_id"];
  const found =
    id === undefined
      ? findRepository(world, parameters["owner"] ?? "", parameters["repo"] ?? "")
      : { repository: world.repositories.latest(id), renamed: false };
  if (!found?.repository) return undefined;
  if (call.method !== "GET" && call.method !== "HEAD")
    return { repository: found.repository, renamed: found.renamed };
  const seen = world.repositories.get(String(found.repository.id));
  return seen && { repository: seen, renamed: found.renamed };
}

/**
 * The repository a route acts on, in the order GitHub checks: exists and visible (404), renamed (301/307),
 * permission (403), archived (403), settings reachable (404).
 */
export function enterRepository(call: Call, route: RepositoryRoute): RepositoryCall {
  const { world, identity } = call;
  const found = resolve(call);
  if (!found || !visibleTo(world, identity, found.repository)) throw notFound();
  const { repository, renamed } = found;
  if (renamed) throw redirect(call, repository);
  const level = (permission: string): PermissionLevel | undefined =>
    levelOn(world, identity, repository, permission);
  const writing = call.method !== "GET" && call.method !== "HEAD";
  if (writing && identity.kind === "anonymous") throw failure(401, "Requires authentication");
  for (const [name, needed] of Object.entries(route.requires)) {
    if (includesLevel(level(name), needed)) continue;
    if (identity.kind === "anonymous") throw failure(401, "Requires authentication");
    throw permissionMissing(identity, route.requires);
  }
  if (writing && repository.archived && route.archived !== true)
    throw failure(403, "Repository was archived so is read-only.");
  if (route.settled === true && world.now() < repository.ready.settings) throw notFound();
  return { ...call, repository, level };
}
