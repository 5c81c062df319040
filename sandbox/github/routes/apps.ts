import { granted, includesLevel, requireToken, selects } from "../access.ts";
import type { Call, OpenRoute } from "../call.ts";
import { failure, notFound, type Reply } from "../failure.ts";
import { paginate } from "../page.ts";
import type {
  AppRecord,
  InstallationRecord,
  PermissionLevel,
  RepositoryRecord,
  TokenRecord,
} from "../records.ts";
import { accountOf, nodeId, repository, simpleUser } from "../represent.ts";
import { viewerOf } from "../webhooks.ts";
import { isoTime, type World } from "../world.ts";

const HOUR = 3_600_000;
const MOST_REPOSITORIES = 500;

function requireApp(call: Call): AppRecord {
  if (call.identity.kind === "app") return call.identity.app;
  throw failure(401, "A JSON web token could not be decoded");
}

function appView(world: World, app: AppRecord): Record<string, unknown> {
  return {
    id: app.id,
    client_id: app.clientId,
    slug: app.slug,
    node_id: nodeId("Integration", app.id),
    owner: simpleUser(world, accountOf(world, app.owner)),
    name: app.name,
    description: null,
    external_url: world.publicUrl,
    html_url: `${world.publicUrl}/apps/${app.slug}`,
    created_at: isoTime(app.createdAt),
    updated_at: isoTime(app.createdAt),
    permissions: app.permissions,
    events: [],
    installations_count: world.installations.values().filter((item) => item.appId === app.id).length,
  };
}

function installationView(world: World, app: AppRecord, item: InstallationRecord): Record<string, unknown> {
  const account = accountOf(world, item.account);
  return {
    id: item.id,
    client_id: app.clientId,
    account: simpleUser(world, account),
    repository_selection: item.repositories === "all" ? "all" : "selected",
    access_tokens_url: `${world.publicUrl}/app/installations/${item.id}/access_tokens`,
    repositories_url: `${world.publicUrl}/installation/repositories`,
    html_url: `${world.publicUrl}/organizations/${account.login}/settings/installations/${item.id}`,
    app_id: app.id,
    app_slug: app.slug,
    target_id: account.id,
    target_type: account.type,
    permissions: item.permissions,
    events: [],
    created_at: isoTime(item.createdAt),
    updated_at: isoTime(item.createdAt),
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    suspended_by: null,
    suspended_at: item.suspendedAt === null ? null : isoTime(item.suspendedAt),
  };
}

function installationOf(call: Call, app: AppRecord): InstallationRecord {
  const item = call.world.installations.get(call.parameters["installation_id"] ?? "");
  if (!item || item.appId !== app.id) throw notFound();
  return item;
}

function narrowed(call: Call, item: InstallationRecord): RepositoryRecord[] | undefined {
  const { world, body } = call;
  const names = body["repositories"] as string[] | undefined;
  const ids = body["repository_ids"] as number[] | undefined;
  if (names === undefined && ids === undefined) return undefined;
  if ((names?.length ?? 0) + (ids?.length ?? 0) > MOST_REPOSITORIES)
    throw failure(
      422,
      `There are too many repositories in the request; at most ${MOST_REPOSITORIES} are allowed.`,
    );
  const owned = world.repositories
    .latestValues()
    .filter(
      (record) =>
        record.owner.toLowerCase() === item.account.toLowerCase() && selects(item.repositories, record),
    );
  const found = [
    ...(names ?? []).map((name) => owned.find((record) => record.name.toLowerCase() === name.toLowerCase())),
    ...(ids ?? []).map((id) => owned.find((record) => record.id === id)),
  ];
  const known = found.filter((record) => record !== undefined);
  if (known.length < found.length)
    throw failure(
      422,
      "There is at least one repository that does not exist or is not accessible to the parent installation.",
    );
  return known;
}

function createToken(call: Call): Reply {
  const { world } = call;
  const app = requireApp(call);
  const item = installationOf(call, app);
  if (item.suspendedAt !== null) throw failure(403, "This installation has been suspended");
  const wanted =
    (call.body["permissions"] as Record<string, PermissionLevel> | undefined) ?? item.permissions;
  for (const [name, level] of Object.entries(wanted))
    if (!includesLevel(item.permissions[name] ?? (name === "metadata" ? "read" : undefined), level))
      throw failure(422, "The permissions requested are not granted to this installation.");
  const repositories = narrowed(call, item);
  const token: TokenRecord = {
    token: `ghs_${world.context.random.string(36, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")}`,
    kind: "installation",
    owner: item.account,
    actor: `${app.slug}[bot]`,
    permissions: { metadata: "read", ...wanted },
    repositories: repositories?.map((record) => record.id) ?? "all",
    expiresAt: world.now() + HOUR,
    revoked: false,
    installationId: item.id,
  };
  world.tokens.set(token.token, token);
  world.noteChange();
  return {
    status: 201,
    body: {
      token: token.token,
      expires_at: isoTime(world.now() + HOUR),
      permissions: token.permissions,
      repository_selection: repositories || item.repositories !== "all" ? "selected" : "all",
      ...(repositories
        ? {
            repositories: repositories.map((record) =>
              repository(world, record, { contentsWrite: false, administration: false }),
            ),
          }
        : {}),
    },
  };
}

function installationRepositories(call: Call): Reply {
  const { world } = call;
  const token = requireToken(call);
  if (token.kind !== "installation") throw failure(403, "Resource not accessible by personal access token");
  const all = world.repositories.values().filter((record) => granted(world, token, record));
  const { items, headers } = paginate(call, "/installation/repositories", all);
  const repositories = items.map((record) => repository(world, record, viewerOf(call, record)));
  const selection =
    token.repositories === "all" &&
    world.installations.get(String(token.installationId))?.repositories === "all";
  return {
    status: 200,
    body: { total_count: all.length, repository_selection: selection ? "all" : "selected", repositories },
    headers,
  };
}

/** GitHub Apps: the App itself, its installations, and installation tokens. */
export const appRoutes: readonly OpenRoute[] = [
  {
    scope: "open",
    method: "GET",
    path: "/app",
    handler: (call) => ({ status: 200, body: appView(call.world, requireApp(call)) }),
  },
  {
    scope: "open",
    method: "GET",
    path: "/app/installations",
    handler: (call) => {
      const app = requireApp(call);
      const all = call.world.installations.values().filter((item) => item.appId === app.id);
      const { items, headers } = paginate(call, "/app/installations", all);
      return { status: 200, body: items.map((item) => installationView(call.world, app, item)), headers };
    },
  },
  {
    scope: "open",
    method: "GET",
    path: "/app/installations/:installation_id",
    handler: (call) => {
      const app = requireApp(call);
      return { status: 200, body: installationView(call.world, app, installationOf(call, app)) };
    },
  },
  {
    scope: "open",
    method: "POST",
    path: "/app/installations/:installation_id/access_tokens",
    handler: createToken,
  },
  { scope: "open", method: "GET", path: "/installation/repositories", handler: installationRepositories },
  {
    scope: "open",
    method: "DELETE",
    path: "/installation/token",
    handler: (call) => {
      const token = requireToken(call);
      if (token.kind !== "installation")
        throw failure(403, "Resource not accessible by personal access token");
      call.world.tokens.set(token.token, { ...token, revoked: true });
      call.world.noteChange();
      return { status: 204 };
    },
  },
];
