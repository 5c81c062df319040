import { createProvider, type SandboxContext } from "../core/provider.ts";
import { commitFiles, draftRepository, publishRepository } from "./create-repository.ts";
import { findRepository, openWorld, type WebhookDelivery } from "./world.ts";
import { createApi } from "./http.ts";
import { mountGit, type GitDataPlane } from "./git-http.ts";
import { createRateLimiter, type RateLimits } from "./rate-limit.ts";
import type { AccountRecord, TokenRecord } from "./records.ts";
import type { GitHubSandbox, OwnerGrant, TokenGrant } from "./options.ts";
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
import { emitRefChange } from "./webhooks.ts";

export { NO_LIMITS, type RateLimits } from "./rate-limit.ts";
export type { GitHubSandbox, OwnerGrant, TokenGrant } from "./options.ts";
export type { WebhookDelivery } from "./world.ts";
export type { GitDataPlane } from "./git-http.ts";

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

  const addAccount = ({ login, type, plan, defaultBranch }: OwnerGrant): number => {
    const known = world.accounts.get(login.toLowerCase());
    if (known) return known.id;
    const id = world.nextId();
    world.accounts.set(login.toLowerCase(), {
      id,
      login,
      type,
      plan: plan ?? "enterprise",
      createdAt: world.now(),
      ...(defaultBranch === undefined ? {} : { defaultBranch }),
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
      const repository = draftRepository({
        world,
        owner: accountNamed(seed.owner).login,
        name: seed.name,
        visibility: seed.visibility ?? "private",
        description: seed.description,
        isTemplate: seed.isTemplate ?? false,
        defaultBranch: seed.defaultBranch ?? "main",
        topics: seed.topics ?? [],
      });
      const shared = { world, repository, author: seed.owner, message: "Initial commit" };
      if (seed.files && Object.keys(seed.files).length > 0) {
        const sha = commitFiles({ ...shared, branch: repository.defaultBranch, files: seed.files });
        for (const branch of Object.keys(seed.branches ?? {}))
          world.refs(repository.id).set(`refs/heads/${branch}`, { name: `refs/heads/${branch}`, sha });
      }
      for (const [branch, files] of Object.entries(seed.branches ?? {}))
        if (Object.keys(files).length > 0)
          commitFiles({ ...shared, branch, files, message: `Start ${branch}` });
      publishRepository(world, repository);
      return repository.id;
    },
    commit: ({ owner, name, branch, files, message }) => {
      const repository = findRepository(world, owner, name)?.repository;
      if (!repository) throw new TypeError(`there is no repository ${owner}/${name}: seed it first`);
      const ref = `refs/heads/${branch}`;
      const refs = world.refs(repository.id);
      const before = refs.latest(ref)?.sha;
      const start = before ?? refs.latest(`refs/heads/${repository.defaultBranch}`)?.sha;
      if (before === undefined && start !== undefined) refs.set(ref, { name: ref, sha: start });
      const after = commitFiles({
        world,
        repository,
        branch,
        files,
        message: message ?? "Update files",
        author: owner,
      });
      emitRefChange({ world, repository, actor: owner, ref, before, after });
      return after;
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
