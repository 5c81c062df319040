import { createProvider, type SandboxContext, type SandboxProvider } from "../core/provider.ts";
import { addRepository, commitFiles } from "./create-repository.ts";
import { findRepository, openWorld, type GenerationDelays, type WebhookDelivery } from "./world.ts";
import { createApi } from "./http.ts";
import { mountGit, type GitDataPlane } from "./git-http.ts";
import { createRateLimiter, type RateLimits } from "./rate-limit.ts";
import type {
  AccountRecord,
  PermissionLevel,
  PermissionSet,
  RepositoryRecord,
  TokenRecord,
} from "./records.ts";
import type { Route } from "./call.ts";
import { accountRoutes } from "./routes/accounts.ts";
import { appRoutes } from "./routes/apps.ts";
import { commitRoutes } from "./routes/commits.ts";
import { contentRoutes } from "./routes/contents.ts";
import { environmentRoutes } from "./routes/environments.ts";
import { hookRoutes } from "./routes/hooks.ts";
import { objectRoutes } from "./routes/objects.ts";
import { refRoutes } from "./routes/refs.ts";
import { repositoryRoutes } from "./routes/repositories.ts";
import { creationRoutes } from "./routes/repository-creation.ts";
import { rulesetRoutes } from "./routes/rulesets.ts";
import { secretRoutes } from "./routes/secrets.ts";
import { variableRoutes } from "./routes/variables.ts";
import { worldState } from "./state.ts";

export { DOCUMENTED_LIMITS, NO_LIMITS, type RateLimits } from "./rate-limit.ts";
export type { GenerationDelays, WebhookDelivery } from "./world.ts";
export type { GitDataPlane, GitRepository } from "./git-http.ts";
export type { PermissionLevel, PermissionSet } from "./records.ts";

/** An account that exists from the start. `plan` decides what its private repositories may use; default `enterprise`. */
export interface OwnerGrant {
  login: string;
  type: "Organization" | "User";
  plan?: AccountRecord["plan"];
}

/** A personal access token. */
export interface TokenGrant {
  token: string;
  /** The account whose repositories it acts on. */
  owner: string;
  /** Login of the user it belongs to; default: the owner, or `<owner>-admin` when the owner is an organization. */
  user?: string;
  /** Default: everything. */
  permissions?: PermissionSet;
  /** Names, `owner/name` or ids; default: all of the owner's. */
  repositories?: "all" | (string | number)[];
  /** Milliseconds since the epoch. */
  expiresAt?: number;
}

export interface AppGrant {
  /** Default: a new id. */
  id?: number;
  slug: string;
  name?: string;
  owner: string;
  /** PEM of the RSA public key; the private half stays with whoever signs. */
  publicKey: string;
  permissions: Record<string, PermissionLevel>;
  installations: {
    id?: number;
    account: string;
    repositories?: "all" | (string | number)[];
    permissions?: Record<string, PermissionLevel>;
  }[];
}

export interface RepositorySeed {
  owner: string;
  name: string;
  isTemplate?: boolean;
  /** Default `private`. */
  visibility?: RepositoryRecord["visibility"];
  /** Default `main`. */
  defaultBranch?: string;
  /** Files of the default branch; without any the repository is empty. */
  files?: Record<string, string | Uint8Array>;
  /** Further branches: their files on top of the default branch's. */
  branches?: Record<string, Record<string, string | Uint8Array>>;
  topics?: string[];
  description?: string;
}

/** A local GitHub, with what its operator may do that no API offers. */
export interface GitHubSandbox extends SandboxProvider {
  /**
   * Puts a repository there as if somebody had made it by hand; no webhook is sent. Returns its id.
   * An existing repository of that name is left as it is.
   */
  seedRepository(seed: RepositorySeed): number;
  /** Commits files to a branch as another user would. Returns the commit's id. */
  commit(options: {
    owner: string;
    name: string;
    branch: string;
    files: Record<string, string | Uint8Array>;
    message?: string;
  }): string;
  setDelays(delays: Partial<GenerationDelays>): void;
  setRateLimits(limits: Partial<RateLimits>): void;
  /** Sets how many requests of the running hour a token has used. */
  setRateUsed(token: string, used: number): void;
  addAccount(owner: OwnerGrant): number;
  addTeam(team: { organization: string; slug: string; name?: string }): number;
  addToken(grant: TokenGrant): void;
  /** Changes a token at run time: narrower or wider permissions and repositories, expiry. */
  changeToken(token: string, change: Partial<Omit<TokenGrant, "token">>): void;
  revokeToken(token: string): void;
  /** Returns the App's id and its installations' ids in the order given. */
  registerApp(app: AppGrant): { appId: number; installationIds: number[] };
  suspendInstallation(id: number, suspended: boolean): void;
  /** Makes new key pairs for every scope: sealed boxes for the old keys are refused. */
  rotateKeys(): void;
}

/**
 * A local GitHub over `context.storage`; opening the same storage again continues the same world.
 * @param options.publicUrl the absolute URL clients reach its root by; bodies and `Link` headers are built on it
 * @param options.rateLimits what differs from the documented limits (`NO_LIMITS` switches them off)
 * @param options.deliver sends a webhook; without it none are sent
 * @param options.gitDataPlane serves clone and push; without it those paths answer 404
 */
export function createGitHub(options: {
  context: SandboxContext;
  publicUrl: string;
  owners: readonly OwnerGrant[];
  tokens: readonly TokenGrant[];
  rateLimits?: Partial<RateLimits>;
  deliver?: (delivery: WebhookDelivery) => void | Promise<void>;
  gitDataPlane?: GitDataPlane;
}): GitHubSandbox {
  const { context, publicUrl, deliver } = options;
  const world = openWorld({ context, publicUrl, ...(deliver ? { deliver } : {}) });
  const limiter = createRateLimiter(world, options.rateLimits ?? {});

  const addAccount = ({ login, type, plan }: OwnerGrant): number => {
    const known = world.accounts.get(login.toLowerCase());
    if (known) return known.id;
    const id = world.nextId();
    world.accounts.set(login.toLowerCase(), {
      id,
      login,
      type,
      plan: plan ?? "enterprise",
      createdAt: world.now(),
    });
    return id;
  };
  const accountNamed = (login: string): AccountRecord => {
    const account = world.accounts.get(login.toLowerCase());
    if (!account) throw new TypeError(`there is no account ${login}: add it to owners first`);
    return account;
  };
  const addToken = (grant: TokenGrant): void => {
    const owner = accountNamed(grant.owner);
    const user = grant.user ?? (owner.type === "User" ? owner.login : `${owner.login}-admin`);
    addAccount({ login: user, type: "User" });
    if (world.tokens.get(grant.token)) return;
    const record: TokenRecord = {
      token: grant.token,
      kind: "personal",
      owner: owner.login,
      actor: user,
      permissions: grant.permissions ?? "all",
      repositories: grant.repositories ?? "all",
      revoked: false,
      ...(grant.expiresAt === undefined ? {} : { expiresAt: grant.expiresAt }),
    };
    world.tokens.set(grant.token, record);
  };
  const tokenNamed = (text: string): TokenRecord => {
    const token = world.tokens.get(text);
    if (!token) throw new TypeError("there is no such token: add it with addToken first");
    return token;
  };

  for (const owner of options.owners) addAccount(owner);
  for (const token of options.tokens) addToken(token);

  const routes: Route[] = [
    ...accountRoutes(limiter),
    ...appRoutes,
    ...creationRoutes,
    ...repositoryRoutes,
    ...refRoutes,
    ...objectRoutes,
    ...commitRoutes,
    ...contentRoutes,
    ...environmentRoutes,
    ...variableRoutes,
    ...secretRoutes,
    ...rulesetRoutes,
    ...hookRoutes,
  ];
  const app = createApi({
    world,
    limiter,
    routes,
    before: (hono) => mountGit(hono, world, options.gitDataPlane),
  });
  const provider = createProvider({ name: "github", app, context, state: () => worldState(world) });

  return {
    ...provider,
    seedRepository: (seed) => {
      accountNamed(seed.owner);
      const known = findRepository(world, seed.owner, seed.name);
      if (known && !known.renamed) return known.repository.id;
      const record = addRepository({
        world,
        owner: accountNamed(seed.owner).login,
        name: seed.name,
        visibility: seed.visibility ?? "private",
        description: seed.description,
        isTemplate: seed.isTemplate ?? false,
        defaultBranch: seed.defaultBranch ?? "main",
      });
      const repository = { ...record, topics: seed.topics ?? [] };
      if (seed.topics) world.repositories.set(String(record.id), repository);
      const shared = { world, repository, author: seed.owner, message: "Initial commit" };
      if (seed.files && Object.keys(seed.files).length > 0) {
        const sha = commitFiles({ ...shared, branch: record.defaultBranch, files: seed.files });
        for (const branch of Object.keys(seed.branches ?? {}))
          world.refs(record.id).set(`refs/heads/${branch}`, { name: `refs/heads/${branch}`, sha });
      }
      for (const [branch, files] of Object.entries(seed.branches ?? {}))
        if (Object.keys(files).length > 0)
          commitFiles({ ...shared, branch, files, message: `Start ${branch}` });
      return record.id;
    },
    commit: ({ owner, name, branch, files, message }) => {
      const found = findRepository(world, owner, name);
      if (!found) throw new TypeError(`there is no repository ${owner}/${name}`);
      return commitFiles({
        world,
        repository: found.repository,
        branch,
        files,
        message: message ?? "Update files",
        author: owner,
      });
    },
    setDelays: (delays) => world.setDelays(delays),
    setRateLimits: (limits) => limiter.setLimits(limits),
    setRateUsed: (token, used) => limiter.setUsed({ kind: "token", token: tokenNamed(token) }, used),
    addAccount,
    addTeam: ({ organization, slug, name }) => {
      const owner = accountNamed(organization);
      const id = world.nextId();
      world.teams.set(`${owner.login}/${slug}`.toLowerCase(), {
        id,
        organization: owner.login,
        slug,
        name: name ?? slug,
      });
      return id;
    },
    addToken,
    changeToken: (text, change) => {
      const { user, owner, permissions, repositories, expiresAt } = change;
      const token = tokenNamed(text);
      world.tokens.set(text, {
        ...token,
        ...(owner === undefined ? {} : { owner: accountNamed(owner).login }),
        ...(user === undefined ? {} : { actor: user }),
        ...(permissions === undefined ? {} : { permissions }),
        ...(repositories === undefined ? {} : { repositories }),
        ...(expiresAt === undefined ? {} : { expiresAt }),
      });
    },
    revokeToken: (text) => world.tokens.set(text, { ...tokenNamed(text), revoked: true }),
    registerApp: (grant) => {
      const id = grant.id ?? world.nextId();
      const { slug, owner, publicKey, permissions } = grant;
      world.apps.set(String(id), {
        id,
        clientId: `Iv23li${world.context.random.string(14)}`,
        slug,
        name: grant.name ?? slug,
        owner: accountNamed(owner).login,
        publicKey,
        permissions,
        createdAt: world.now(),
      });
      addAccount({ login: `${slug}[bot]`, type: "User" });
      const installationIds = grant.installations.map((installation) => {
        const installationId = installation.id ?? world.nextId();
        world.installations.set(String(installationId), {
          id: installationId,
          appId: id,
          account: accountNamed(installation.account).login,
          repositories: installation.repositories ?? "all",
          permissions: installation.permissions ?? permissions,
          suspendedAt: null,
          createdAt: world.now(),
        });
        return installationId;
      });
      return { appId: id, installationIds };
    },
    suspendInstallation: (id, suspended) => {
      const installation = world.installations.get(String(id));
      if (!installation) throw new TypeError(`there is no installation ${id}`);
      world.installations.set(String(id), { ...installation, suspendedAt: suspended ? world.now() : null });
    },
    rotateKeys: () => {
      for (const [scope] of world.keys.entries()) world.keys.delete(scope);
    },
  };
}
