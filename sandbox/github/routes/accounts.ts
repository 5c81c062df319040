import {
  acceptedPermissions,
  granted,
  includesLevel,
  requireToken,
  tokenLevel,
  visibleTo,
} from "../access.ts";
import type { Call, OpenRoute } from "../call.ts";
import { failure, notFound, type Reply } from "../failure.ts";
import { listReply, paginate } from "../page.ts";
import { accountOf, nodeId, repository, simpleUser, team } from "../represent.ts";
import type { AccountRecord, RepositoryRecord } from "../records.ts";
import type { RateLimiter } from "../rate-limit.ts";
import { viewerOf } from "../webhooks.ts";
import { isoTime, type World } from "../world.ts";

function repositoriesOf(world: World, login: string): RepositoryRecord[] {
  return world.repositories.values().filter((item) => item.owner.toLowerCase() === login.toLowerCase());
}

function profile(world: World, account: AccountRecord): Record<string, unknown> {
  return {
    ...simpleUser(world, account),
    name: account.login,
    company: null,
    blog: "",
    location: null,
    email: null,
    hireable: null,
    bio: null,
    twitter_username: null,
    public_repos: repositoriesOf(world, account.login).filter((item) => item.visibility === "public").length,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: isoTime(account.createdAt),
    updated_at: isoTime(account.createdAt),
  };
}

function currentUser(call: Call): Reply {
  const { world } = call;
  const token = requireToken(call);
  // An installation is no user (docs: the endpoint is not among those for installation tokens).
  if (token.kind === "installation") throw failure(403, "Resource not accessible by integration");
  const account = accountOf(world, token.actor);
  const own = repositoriesOf(world, account.login).filter((item) => item.visibility !== "public").length;
  return {
    status: 200,
    body: {
      ...profile(world, account),
      private_gists: 0,
      total_private_repos: own,
      owned_private_repos: own,
      disk_usage: 0,
      collaborators: 0,
      two_factor_authentication: true,
      plan: { name: account.plan, space: 976_562_499, private_repos: 9999, collaborators: 0 },
    },
  };
}

function find(call: Call, login: string, type?: AccountRecord["type"]): AccountRecord {
  const account = call.world.accounts.get(login.toLowerCase());
  if (!account || (type !== undefined && account.type !== type)) throw notFound();
  return account;
}

function organization(call: Call): Reply {
  const { world } = call;
  const account = find(call, call.parameters["org"] ?? "", "Organization");
  const url = `${world.publicUrl}/orgs/${account.login}`;
  const { identity } = call;
  const inside =
    identity.kind === "token" && identity.token.owner.toLowerCase() === account.login.toLowerCase();
  const repositories = repositoriesOf(world, account.login);
  const hidden = repositories.filter((item) => item.visibility !== "public").length;
  return {
    status: 200,
    body: {
      login: account.login,
      id: account.id,
      node_id: nodeId("Organization", account.id),
      url,
      repos_url: `${url}/repos`,
      events_url: `${url}/events`,
      hooks_url: `${url}/hooks`,
      issues_url: `${url}/issues`,
      members_url: `${url}/members{/member}`,
      public_members_url: `${url}/public_members{/member}`,
      avatar_url: `${world.publicUrl}/avatars/${account.id}`,
      description: "",
      is_verified: false,
      has_organization_projects: true,
      has_repository_projects: true,
      public_repos: repositories.length - hidden,
      public_gists: 0,
      followers: 0,
      following: 0,
      html_url: `${world.publicUrl}/${account.login}`,
      created_at: isoTime(account.createdAt),
      updated_at: isoTime(account.createdAt),
      archived_at: null,
      type: "Organization",
      ...(inside
        ? {
            total_private_repos: hidden,
            owned_private_repos: hidden,
            plan: { name: account.plan, space: 976_562_499, private_repos: 9999, filled_seats: 1, seats: 5 },
          }
        : {}),
    },
  };
}

function teamBySlug(call: Call): Reply {
  const { world, parameters } = call;
  const account = find(call, parameters["org"] ?? "", "Organization");
  const token = requireToken(call);
  // Without the permission a team cannot be told from a missing one (docs: 404).
  const allowed =
    token.owner.toLowerCase() === account.login.toLowerCase() &&
    includesLevel(tokenLevel(world, token, "members"), "read");
  const record = world.teams.get(`${account.login}/${parameters["team_slug"] ?? ""}`.toLowerCase());
  if (!allowed || !record) {
    const missing = notFound();
    missing.reply.headers = { "x-accepted-github-permissions": acceptedPermissions({ members: "read" }) };
    throw missing;
  }
  const created = isoTime(account.createdAt);
  const full = organization(call).body;
  return {
    status: 200,
    body: {
      ...team(world, record),
      created_at: created,
      updated_at: created,
      members_count: 1,
      repos_count: 0,
      organization: full,
    },
  };
}

/** Lists are sorted by full name ascending, as `sort=full_name`, the default of most, does. */
function sorted(
  call: Call,
  items: RepositoryRecord[],
  fallback: "created" | "full_name",
): RepositoryRecord[] {
  const sort = call.query.get("sort") ?? fallback;
  const direction = call.query.get("direction") ?? (sort === "full_name" ? "asc" : "desc");
  const rank = (item: RepositoryRecord): number =>
    sort === "updated" ? item.updatedAt : sort === "pushed" ? item.pushedAt : item.createdAt;
  const ascending = items.toSorted((left, right) =>
    sort === "full_name"
      ? left.name.toLowerCase().localeCompare(right.name.toLowerCase(), "en")
      : rank(left) - rank(right) || left.id - right.id,
  );
  return direction === "asc" ? ascending : ascending.toReversed();
}

function ofType(call: Call, items: RepositoryRecord[]): RepositoryRecord[] {
  const type = call.query.get("visibility") ?? call.query.get("type") ?? "all";
  return items.filter((item) =>
    type === "public"
      ? item.visibility === "public"
      : type === "private"
        ? item.visibility !== "public"
        : true,
  );
}

function view(call: Call): (record: RepositoryRecord) => Record<string, unknown> {
  return (record) => repository(call.world, record, viewerOf(call, record));
}

function organizationRepositories(call: Call): Reply {
  const { world, identity } = call;
  const account = find(call, call.parameters["org"] ?? "", "Organization");
  const seen = repositoriesOf(world, account.login).filter((item) => visibleTo(world, identity, item));
  const { items, headers } = paginate(
    call,
    `/organizations/${account.id}/repos`,
    sorted(call, ofType(call, seen), "created"),
  );
  return { status: 200, body: items.map(view(call)), headers };
}

function ownRepositories(call: Call): Reply {
  const { world } = call;
  const token = requireToken(call);
  if (token.kind === "installation") throw failure(403, "Resource not accessible by integration");
  const seen = world.repositories.values().filter((item) => granted(world, token, item));
  const { items, headers } = paginate(call, "/user/repos", sorted(call, ofType(call, seen), "full_name"));
  return { status: 200, body: items.map(view(call)), headers };
}

function userRepositories(call: Call): Reply {
  const { world } = call;
  const account = find(call, call.parameters["username"] ?? "");
  // Only public repositories, whoever asks (docs: "Lists public repositories for the specified user").
  const open = repositoriesOf(world, account.login).filter((item) => item.visibility === "public");
  return listReply(call, `/user/${account.id}/repos`, sorted(call, open, "full_name").map(view(call)));
}

/** Users, organizations, teams, their repository lists and the rate limit. */
export function accountRoutes(limiter: RateLimiter): OpenRoute[] {
  const get = (path: string, handler: (call: Call) => Reply): OpenRoute => ({
    scope: "open",
    method: "GET",
    path,
    handler,
  });
  return [
    get("/", (call) => ({
      status: 200,
      body: {
        current_user_url: `${call.world.publicUrl}/user`,
        repository_url: `${call.world.publicUrl}/repos/{owner}/{repo}`,
      },
    })),
    get("/user", currentUser),
    get("/users/:username", (call) => ({
      status: 200,
      body: profile(call.world, find(call, call.parameters["username"] ?? "")),
    })),
    get("/orgs/:org", organization),
    get("/orgs/:org/teams/:team_slug", teamBySlug),
    get("/orgs/:org/repos", organizationRepositories),
    get("/organizations/:org_id/repos", (call) => {
      const account = call.world.accounts
        .values()
        .find((item) => String(item.id) === call.parameters["org_id"]);
      return organizationRepositories({ ...call, parameters: { org: account?.login ?? "" } });
    }),
    get("/user/repos", ownRepositories),
    get("/users/:username/repos", userRepositories),
    get("/user/:user_id/repos", (call) => {
      const account = call.world.accounts
        .values()
        .find((item) => String(item.id) === call.parameters["user_id"]);
      return userRepositories({ ...call, parameters: { username: account?.login ?? "" } });
    }),
    get("/rate_limit", (call) => {
      const core = limiter.view(call.identity);
      const full = (limit: number): Record<string, number> => ({
        limit,
        used: 0,
        remaining: limit,
        reset: core.reset,
      });
      const resources = {
        core,
        search: full(30),
        graphql: full(5000),
        integration_manifest: full(5000),
        code_scanning_upload: full(1000),
      };
      return { status: 200, body: { resources, rate: core } };
    }),
  ];
}
