import { createCloudflare } from "./cloudflare/index.ts";
import type { CloudflareOptions, CloudflareSandbox } from "./cloudflare/index.ts";
import { createControl } from "./control/index.ts";
import { createFaults } from "./core/faults.ts";
import { createJournal } from "./core/journal.ts";
import { manualClock } from "./core/manual-clock.ts";
import type { SandboxContext, SandboxProvider } from "./core/provider.ts";
import { seededRandom } from "./core/random.ts";
import { memoryStorage } from "./core/storage.ts";
import { createGitHub } from "./github/index.ts";
import type { GitHubSandbox } from "./github/index.ts";
import { createNeon } from "./neon/index.ts";
import type { Neon, NeonOptions } from "./neon/index.ts";
import { sandboxSeed } from "./seed.ts";
import type { SandboxSeed } from "./seed.ts";

/** Where each part of a sandbox is reached, without a slash at the end. */
export interface SandboxOrigins {
  github: string;
  neon: string;
  cloudflare: string;
  control: string;
}

/** The origins of a sandbox that lives in this process: no network knows them. */
export const inProcessOrigins: Readonly<SandboxOrigins> = Object.freeze({
  github: "http://github.sandbox.test",
  neon: "http://neon.sandbox.test",
  cloudflare: "http://cloudflare.sandbox.test",
  control: "http://control.sandbox.test",
});

/** What a caller may set per provider; the rest comes from the seed. */
export interface ProviderOptions {
  github?: Partial<Omit<Parameters<typeof createGitHub>[0], "context" | "publicUrl">>;
  neon?: Partial<Omit<NeonOptions, "context" | "publicUrl">>;
  cloudflare?: Partial<Omit<CloudflareOptions, "context" | "publicUrl">>;
}

/** The providers of one sandbox, and what they share. */
export interface Sandbox {
  context: SandboxContext;
  seed: SandboxSeed;
  github: GitHubSandbox;
  neon: Neon;
  cloudflare: CloudflareSandbox;
  providers: readonly SandboxProvider[];
  /** The control port as a function. */
  control: (request: Request) => Promise<Response>;
  origins: SandboxOrigins;
  /** The base URL of each API, as a client's `baseUrl` takes it. */
  urls: { github: string; neon: string; cloudflare: string };
  /**
   * A `fetch` whose whole world is this sandbox: requests go to the provider (or control port) of their origin.
   * @throws TypeError for any other origin, and when a fault drops the connection; the signal's reason when aborted
   */
  fetch: (input: Request | string | URL, init?: RequestInit) => Promise<Response>;
}

/** Puts the providers of a sandbox together over a context. */
export function assembleSandbox(options: {
  context: SandboxContext;
  origins: SandboxOrigins;
  providers?: ProviderOptions;
}): Sandbox {
  const { context, origins } = options;
  const seed = sandboxSeed(context);
  const urls = {
    github: origins.github,
    neon: `${origins.neon}/api/v2`,
    cloudflare: `${origins.cloudflare}/client/v4`,
  };
  const github = createGitHub({
    owners: [{ login: seed.github.owner, type: "Organization" }],
    tokens: [{ token: seed.github.token, owner: seed.github.owner }],
    ...options.providers?.github,
    context,
    publicUrl: urls.github,
  });
  const neon = createNeon({
    apiKeys: [
      { key: seed.neon.token, kind: "org", orgId: seed.neon.orgId },
      { key: seed.neon.userToken, kind: "user", orgId: seed.neon.orgId },
    ],
    ...options.providers?.neon,
    context,
    publicUrl: urls.neon,
  });
  const { accountId, accountName, workersSubdomain, zone } = seed.cloudflare;
  const cloudflare = createCloudflare({
    tokens: [{ token: seed.cloudflare.token, accounts: [accountId] }],
    accounts: [{ id: accountId, name: accountName, workersSubdomain }],
    zones: [{ ...zone, accountId }],
    ...options.providers?.cloudflare,
    context,
    publicUrl: urls.cloudflare,
  });
  const providers: SandboxProvider[] = [github, neon, cloudflare];
  const control = createControl({ context, providers, neon, github });
  const handlers = new Map<string, (request: Request) => Promise<Response>>([
    ...providers.map(
      (provider) => [new URL(origins[provider.name as "neon"]).origin, provider.fetch] as const,
    ),
    [new URL(origins.control).origin, control],
  ]);
  return {
    context,
    seed,
    github,
    neon,
    cloudflare,
    providers,
    control,
    origins,
    urls,
    fetch: async (input, init) => {
      const request = new Request(input, init);
      request.signal.throwIfAborted();
      const { origin } = new URL(request.url);
      const handler = handlers.get(origin);
      if (!handler) throw new TypeError(`fetch failed: ${origin} is not part of this sandbox`);
      const response = await handler(request);
      request.signal.throwIfAborted();
      return response;
    },
  };
}

/** Options of {@link createSandbox}. */
export interface SandboxOptions {
  /** Parts to use instead of the defaults: a manual clock, seeded randomness, memory storage, an empty journal, no faults. */
  context?: Partial<SandboxContext>;
  /** Seed of the default randomness; default 1. */
  seed?: number;
  providers?: ProviderOptions;
  /** Default {@link inProcessOrigins}. */
  origins?: SandboxOrigins;
}

/**
 * A whole sandbox in this process: no listener, no file, no timer. Equal seeds and equal requests give equal worlds.
 */
export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const random = options.context?.random ?? seededRandom(options.seed ?? 1);
  const context: SandboxContext = {
    clock: manualClock(),
    random,
    journal: createJournal(),
    faults: createFaults(random),
    storage: memoryStorage(),
    ...options.context,
  };
  return assembleSandbox({
    context,
    origins: options.origins ?? inProcessOrigins,
    ...(options.providers === undefined ? {} : { providers: options.providers }),
  });
}
