import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { httpDelivery } from "./core/adapters/deliver.ts";
import { filesBelow } from "./core/adapters/directory-files.ts";
import { readJson, writeJson } from "./core/adapters/files.ts";
import { openListener } from "./core/adapters/listener.ts";
import type { Listener } from "./core/adapters/listener.ts";
import { sqliteStorage } from "./core/adapters/sqlite-storage.ts";
import { systemClock } from "./core/adapters/system.ts";
import { systemRandom } from "./core/adapters/system-random.ts";
import type { SandboxClock } from "./core/clock.ts";
import { createFaults } from "./core/faults.ts";
import { createJournal } from "./core/journal.ts";
import type { SandboxContext } from "./core/provider.ts";
import type { SandboxStorage } from "./core/storage.ts";
import { createWorkersRuntime } from "./cloudflare/workers/runtime.ts";
import { createGitDataPlane } from "./github/git-data-plane.ts";
import { openPostgres } from "./neon/postgres/index.ts";
import type { Postgres } from "./neon/postgres/index.ts";
import { assembleSandbox } from "./sandbox.ts";
import type { ProviderOptions, Sandbox, SandboxOrigins } from "./sandbox.ts";

/** Ports of a served sandbox on 127.0.0.1. */
export interface SandboxPorts {
  github: number;
  neon: number;
  cloudflare: number;
  control: number;
  /** Where deployed Workers answer, chosen by host name. */
  workers: number;
  /** Where clients connect to Neon's branches. */
  postgres: number;
}

/** What `sandbox.json` holds: where everything is and the credentials for it. */
export interface SandboxAddresses {
  github: { url: string; token: string; account: string };
  neon: { url: string; token: string; account: string };
  cloudflare: { url: string; token: string; account: string };
  /** Workers answer at `http://<script>.<subdomain>.workers.localhost:<port>/`, or here with that `Host`. */
  workers: { url: string };
  postgres: { url: string };
  control: { url: string };
}

/** Options of {@link serveSandbox}. */
export interface ServeOptions {
  /** Everything the sandbox remembers lies here; made when missing. The same directory gives the same world. */
  directory: string;
  dataPlanes: { git: boolean; postgres: boolean; workers: boolean };
  /** Ports to use; those left out are chosen free the first time and remembered in `<directory>/ports.json`. */
  ports?: Partial<SandboxPorts>;
  /** Where to write the addresses, mode 0600; default `<directory>/sandbox.json`. */
  addressesFile?: string;
  /** Template repositories to put into GitHub, from directories; one that exists already is left as it is. */
  templates?: readonly { owner: string; name: string; directory: string }[];
  /** One line at a time; default: nothing is logged. */
  log?: (line: string) => void;
  providers?: ProviderOptions;
}

/** A sandbox that serves. */
export interface ServedSandbox {
  sandbox: Sandbox;
  addresses: SandboxAddresses;
  /** Environment variables that point other tools (`curl`, `gh`, `wrangler`, `neonctl`, the SDKs) at the sandbox. */
  env: Record<string, string>;
  /** Closes listeners, data planes and storage. */
  stop: () => Promise<void>;
}

const portNames = ["github", "neon", "cloudflare", "control", "workers", "postgres"] as const;

/** A clock whose advances survive the process: a restarted sandbox must not go back in time. */
function durableClock(storage: SandboxStorage): SandboxClock {
  const clock = systemClock();
  const offsets = storage.collection<number>("sandbox/clock");
  clock.advance(offsets.get("offset") ?? 0);
  return {
    now: clock.now,
    sleep: clock.sleep,
    advance: (milliseconds) => {
      offsets.set("offset", (offsets.get("offset") ?? 0) + milliseconds);
      clock.advance(milliseconds);
    },
  };
}

function rememberedPorts(path: string): Partial<SandboxPorts> {
  const stored = readJson(path);
  if (typeof stored !== "object" || stored === null) return {};
  const entries = Object.entries(stored).filter(
    ([name, port]) => portNames.includes(name as "neon") && Number.isInteger(port),
  );
  return Object.fromEntries(entries) as Partial<SandboxPorts>;
}

/** Reserves ports for whatever is not chosen yet, and remembers all. */
async function choosePorts(path: string, wished: Partial<SandboxPorts>): Promise<SandboxPorts> {
  const known: Partial<SandboxPorts> = { ...rememberedPorts(path), ...wished };
  const reserved: Listener[] = [];
  for (const name of portNames) {
    if (known[name] !== undefined) continue;
    const listener = await openListener({ handler: () => new Response(null, { status: 503 }), port: 0 });
    reserved.push(listener);
    known[name] = listener.port;
  }
  await Promise.all(reserved.map((listener) => listener.close()));
  const ports = known as SandboxPorts;
  writeJson(path, ports);
  return ports;
}

/** Environment variables that point other tools at a sandbox, from what its `sandbox.json` says. */
export function sandboxEnvironment(addresses: SandboxAddresses): Record<string, string> {
  return {
    GITHUB_API_URL: addresses.github.url,
    GITHUB_TOKEN: addresses.github.token,
    NEON_API_URL: addresses.neon.url,
    NEON_API_HOST: addresses.neon.url,
    NEON_API_KEY: addresses.neon.token,
    NEON_ORG_ID: addresses.neon.account,
    CLOUDFLARE_API_BASE_URL: addresses.cloudflare.url,
    CLOUDFLARE_BASE_URL: addresses.cloudflare.url,
    CLOUDFLARE_API_TOKEN: addresses.cloudflare.token,
    CLOUDFLARE_ACCOUNT_ID: addresses.cloudflare.account,
    FLARESMITH_SANDBOX_CONTROL_URL: addresses.control.url,
  };
}

/**
 * Serves a sandbox on 127.0.0.1, one port per provider plus the control port. The world lies in `directory`:
 * a killed process that is started again on it shows the same world at the same addresses.
 * @throws Error when a port is taken or a data plane does not start, naming it
 */
export async function serveSandbox(options: ServeOptions): Promise<ServedSandbox> {
  const { directory, dataPlanes } = options;
  const log = options.log ?? (() => undefined);
  mkdirSync(directory, { recursive: true });
  const portsFile = join(directory, "ports.json");
  const ports = await choosePorts(portsFile, options.ports ?? {});
  const origin = (name: keyof SandboxPorts): string => `http://127.0.0.1:${ports[name]}`;
  const origins: SandboxOrigins = {
    github: origin("github"),
    neon: origin("neon"),
    cloudflare: origin("cloudflare"),
    control: origin("control"),
  };

  const closers: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) await close();
  };
  try {
    const storage = sqliteStorage(join(directory, "sandbox.db"));
    closers.push(() => storage.close());
    const random = systemRandom();
    const context: SandboxContext = {
      clock: durableClock(storage),
      random,
      journal: createJournal(),
      faults: createFaults(random),
      storage,
    };
    let postgres: Postgres | undefined;
    if (dataPlanes.postgres) {
      postgres = await openPostgres({ directory: join(directory, "postgres"), port: ports.postgres, log });
      closers.push(postgres.stop);
    }
    const git = dataPlanes.git ? createGitDataPlane({ directory: join(directory, "git") }) : undefined;
    if (git) closers.push(() => git.close());
    const workers = dataPlanes.workers
      ? createWorkersRuntime({
          world: () => sandbox.cloudflare.world,
          directory: join(directory, "workers"),
          log,
        })
      : undefined;
    if (workers) closers.push(() => workers.dispose());
    const sandbox: Sandbox = assembleSandbox({
      context,
      origins,
      providers: {
        ...options.providers,
        github: {
          deliver: httpDelivery(log),
          ...(git === undefined ? {} : { gitDataPlane: git }),
          ...options.providers?.github,
        },
        cloudflare: {
          workersUrl: `http://{script}.{subdomain}.workers.localhost:${ports.workers}`,
          ...(workers === undefined ? {} : { workersDataPlane: workers }),
          ...options.providers?.cloudflare,
        },
        neon: {
          ...(postgres === undefined ? {} : { postgresDataPlane: postgres.dataPlane }),
          ...options.providers?.neon,
        },
      },
    });
    for (const { owner, name, directory: source } of options.templates ?? []) {
      sandbox.github.addAccount({ login: owner, type: "Organization" });
      sandbox.github.seedRepository({
        owner,
        name,
        isTemplate: true,
        visibility: "public",
        files: filesBelow(source),
      });
    }
    await sandbox.neon.ready();
    const onError = (error: unknown): void =>
      log(`sandbox: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    for (const provider of sandbox.providers) {
      const listener = await openListener({
        handler: provider.fetch,
        port: ports[provider.name as keyof SandboxPorts],
        onError,
      });
      closers.push(listener.close);
    }
    const control = await openListener({ handler: sandbox.control, port: ports.control, onError });
    closers.push(control.close);

    if (workers) {
      const listener = await openListener({
        handler: (request) => workers.fetch(request),
        port: ports.workers,
        onError,
      });
      closers.push(listener.close);
    }

    const { seed } = sandbox;
    const addresses: SandboxAddresses = {
      github: { url: sandbox.urls.github, token: seed.github.token, account: seed.github.owner },
      neon: { url: sandbox.urls.neon, token: seed.neon.token, account: seed.neon.orgId },
      cloudflare: {
        url: sandbox.urls.cloudflare,
        token: seed.cloudflare.token,
        account: seed.cloudflare.accountId,
      },
      workers: { url: origin("workers") },
      postgres: { url: `postgresql://127.0.0.1:${ports.postgres}` },
      control: { url: origins.control },
    };
    writeJson(options.addressesFile ?? join(directory, "sandbox.json"), addresses);
    return { sandbox, addresses, env: sandboxEnvironment(addresses), stop };
  } catch (error) {
    await stop();
    if (error instanceof Error && /^port \d+ on 127\.0\.0\.1 is taken/.test(error.message)) {
      throw new Error(
        `${error.message} (${portsFile} remembers the ports; remove it to have new ones chosen)`,
        { cause: error },
      );
    }
    throw error;
  }
}
