/** Starts everything that `flaresmith up` is made of, each part on those before it. */
import { join } from "node:path";
import { serveApi } from "../../apiserver/serve-api.ts";
import type { SandboxAddresses } from "../../../sandbox/serve.ts";
import { lockDataDirectory } from "../../store/embedded/index.ts";
import type { EmbeddedStore } from "../../store/embedded/index.ts";
import type { Address } from "../process/address.ts";
import { controllerApps } from "../process/apps.ts";
import type { ControllerSlot } from "../process/apps.ts";
import { assembleController } from "../process/controller.ts";
import { ensureHashKey, ensureInstallation, recordPublicUrl } from "../process/installation.ts";
import type { InstallationPlace } from "../process/installation.ts";
import { runManager } from "../process/run-manager.ts";
import { requestAll } from "./convergence.ts";
import { environmentSecrets, putSecrets } from "./credentials.ts";
import { openListeners } from "./listeners.ts";
import type { Run } from "./run.ts";
import {
  ensureSandboxConnections,
  onlySandbox,
  sandboxDirectory,
  sandboxSecrets,
  startSandbox,
} from "./sandbox.ts";
import type { Template } from "./sandbox.ts";
import { ensureSource } from "./source.ts";
import type { WantedSource } from "./source.ts";
import { openStore } from "./store.ts";
import { viewWorld } from "./view.ts";
import type { WorldView } from "./view.ts";

/** What was typed, read. */
export interface Wanted {
  sources: readonly WantedSource[];
  /** Directories that Sources may read. */
  directories: readonly string[];
  templates: readonly Template[];
  publicUrl: string | undefined;
  opsAddress: Address;
  webhooksAddress: Address;
}

/** What runs. */
export interface Launched {
  view: WorldView;
  /** Of the sandbox, where there is one. */
  addresses: SandboxAddresses | undefined;
  /** What the controller failed with, once it did. */
  failure: () => Error | undefined;
}

/**
 * Resolves when everything runs and every object was looked at once. A shutdown that begins meanwhile ends the start where
 * it stands: what it fails with then is of no interest.
 * @throws CommandError and the errors of store, sandbox and listeners when it cannot start
 */
export async function launch(run: Run, wanted: Wanted): Promise<Launched> {
  const { directory, environment, options, report, shutdown, tracker } = run;
  const { clock, random, version } = environment;
  const opened = await shutdown.start(
    "store",
    () => openStore(run),
    ({ store }) => store.close(),
  );
  const { store } = opened;
  await store.ensureStandingNamespaces();
  const world = options.sandbox ? "sandbox" : "providers";
  const place: InstallationPlace = {
    client: store,
    name: `the store in ${directory}`,
    other: "another --data-dir",
    container: "data directory",
  };
  const installation = await ensureInstallation({ place, random, world, wanted: options.installation });
  const hashKey = await ensureHashKey(place, random);
  tracker.secrets.add(hashKey);
  shutdown.signal.throwIfAborted();
  const addresses = options.sandbox ? await enterSandbox(run, store, wanted.templates) : undefined;
  if (addresses === undefined) await putSecrets(store, environmentSecrets(environment.env));
  const sources: string[] = [];
  for (const source of wanted.sources) sources.push(await ensureSource(store, source));

  const slot: ControllerSlot = { current: undefined };
  const api = await shutdown.start(
    "api",
    () =>
      serveApi({
        store,
        clock,
        random,
        directory,
        ready: () => slot.current?.manager.ready === true && store.health.writable,
        onError: (error, request) =>
          tracker.log.error("a request failed inside the server", { ...request, error }),
        onRenewalError: (error) =>
          tracker.log.error("the API's certificate could not be renewed: it is tried again tomorrow", {
            error,
          }),
        ...(options.apiPort === undefined ? {} : { port: options.apiPort }),
      }),
    (served) => served.close(),
  );
  if (api.kubeconfigSetAside !== undefined)
    report.note(`${api.kubeconfig} was no kubeconfig: it is ${api.kubeconfigSetAside} now`);
  tracker.secrets.add(api.token);
  const checks = [{ name: "store", check: () => opened.problem() }];
  const listeners = await shutdown.start(
    "listeners",
    () =>
      openListeners({
        directory,
        opsAddress: wanted.opsAddress,
        webhooksAddress: wanted.webhooksAddress,
        token: api.token,
        ...controllerApps({ clock, random, tracker, slot, checks }),
      }),
    async ({ ops, webhooks }, signal) => {
      await Promise.all([webhooks.close(signal), ops.close(signal)]);
    },
  );
  const publicUrl = wanted.publicUrl ?? (addresses === undefined ? undefined : listeners.webhooks.url);
  await recordPublicUrl(place, publicUrl);
  const { manager } = (slot.current = assembleController({
    client: store,
    clock,
    random,
    tracker,
    fetch: addresses === undefined ? environment.fetch : onlySandbox(environment.fetch, addresses),
    installation,
    hashKey,
    version,
    publicUrl,
    sources: {
      allowedDirectories: wanted.directories,
      dataDirectory: join(directory, "sources"),
      environment: environment.env,
      signal: shutdown.signal,
    },
  }));
  opened.onRecovery(() => manager.storeRecovered());
  if (options.once) await requestAll(store, `up-${random.hex(8)}`);
  shutdown.signal.throwIfAborted();
  const { failure } = runManager({ manager, shutdown, tracker });
  report.started({
    dataDirectory: directory,
    installation,
    kubeconfig: api.kubeconfig,
    api: api.url,
    ops: listeners.ops.url,
    webhooks: listeners.webhooks.url,
    sources,
    sandbox: addresses === undefined ? undefined : join(directory, "sandbox.json"),
  });
  const view = viewWorld(manager.caches);
  shutdown.register("progress", () => view.close());
  try {
    await view.synced;
  } catch (error) {
    throw failure() ?? error;
  }
  return { view, addresses, failure };
}

/** Starts the local providers and makes them the ones that Connections `github`, `neon` and `cloudflare` lead to. */
async function enterSandbox(
  { directory, options, report, shutdown, tracker }: Run,
  store: EmbeddedStore,
  templates: readonly Template[],
): Promise<SandboxAddresses> {
  const own = sandboxDirectory(directory, options.sandboxDir);
  const lock = lockDataDirectory(own, "--sandbox-dir");
  shutdown.register("sandbox directory", () => lock.release());
  report.note("starting the sandbox: local GitHub, Neon and Cloudflare");
  const { addresses } = await shutdown.start(
    "sandbox",
    () =>
      startSandbox({
        directory: own,
        addressesFile: join(directory, "sandbox.json"),
        templates,
        log: (line) => tracker.log.info(line, { component: "sandbox" }),
      }),
    (served) => served.stop(),
  );
  await putSecrets(store, sandboxSecrets(addresses));
  await ensureSandboxConnections(store, addresses);
  return addresses;
}
