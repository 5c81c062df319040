/** `flaresmith up`: store, API, controller and, when asked for, the local providers, in one process. */
import { join, resolve } from "node:path";
import { serveApi } from "../../apiserver/serve-api.ts";
import type { SandboxAddresses } from "../../../sandbox/serve.ts";
import { parseDuration } from "../../runtime/duration.ts";
import type { LogDestination } from "../../runtime/log.ts";
import { createShutdown } from "../../runtime/shutdown.ts";
import { createTracker } from "../../runtime/tracker.ts";
import { lockDataDirectory } from "../../store/embedded/index.ts";
import type { EmbeddedStore } from "../../store/embedded/index.ts";
import { CommandError, exitCodes } from "../failure.ts";
import type { CommandEnvironment } from "../environment.ts";
import type { Terminal } from "../terminal.ts";
import { readAddress } from "../process/address.ts";
import { controllerApps } from "../process/apps.ts";
import type { ControllerSlot } from "../process/apps.ts";
import { assembleController } from "../process/controller.ts";
import { ensureHashKey, ensureInstallation, recordPublicUrl } from "../process/installation.ts";
import type { InstallationPlace } from "../process/installation.ts";
import { logDestination } from "../process/log-file.ts";
import { readPublicUrl } from "../process/public-url.ts";
import { runManager } from "../process/run-manager.ts";
import { onSignals } from "../process/signals.ts";
import { requestAll } from "./convergence.ts";
import { environmentSecrets, putSecrets } from "./credentials.ts";
import { convergeOnce, serveUntilStopped } from "./modes.ts";
import type { Run } from "./modes.ts";
import { openListeners } from "./listeners.ts";
import type { UpOptions } from "./options.ts";
import { createReport } from "./report.ts";
import {
  ensureSandboxConnections,
  onlySandbox,
  readTemplates,
  sandboxDirectory,
  sandboxSecrets,
  startSandbox,
} from "./sandbox.ts";
import { ensureSource, readSource } from "./source.ts";
import { openStore } from "./store.ts";
import { viewWorld } from "./view.ts";

/**
 * Runs until a signal, or with `--once` until everything is Ready or nothing more will change.
 * @returns the exit code: 0 after a signal and when everything is Ready, 1 when `--once` ends otherwise
 * @throws CommandError and the errors of store, sandbox and listeners when it cannot start
 */
export async function up(options: UpOptions, environment: CommandEnvironment): Promise<number> {
  const { clock, terminal } = environment;
  // Everything that can be wrong with what was typed is found before anything is started.
  const sources = options.source.map(readSource);
  const wanted: Wanted = {
    sources,
    directories: [
      ...sources.flatMap(({ spec }) => ("directory" in spec ? [spec.directory] : [])),
      ...options.allowDirectory.map((directory) => resolve(directory)),
    ],
    templates: options.sandbox ? readTemplates(options.template) : [],
    timeout: readTimeout(options.timeout),
    publicUrl: readPublicUrl(options.publicUrl),
    opsAddress: readAddress(options.opsAddress, "--ops-address", "127.0.0.1"),
    webhooksAddress: readAddress(options.webhooksAddress, "--webhooks-address", "127.0.0.1"),
  };
  const directory = resolve(options.dataDir);
  const lock = lockDataDirectory(directory);
  const destination = openLog(options.logFile ?? join(directory, "flaresmith.log"), lock, terminal);
  const tracker = createTracker({
    clock,
    destination,
    level: options.logLevel,
    processMetrics: true,
    perObjectMetrics: options.metricsPerObject,
  });
  const shutdown = createShutdown({ clock, tracker });
  shutdown.register("data directory", () => lock.release());
  const report = createReport({ terminal, clock, output: options.output });
  const run: Run = { options, environment, directory, shutdown, tracker, report };
  const stopListening = onSignals({
    process: environment.signals,
    clock,
    ask: (signal) => {
      report.note(`${signal}: stopping`);
      void shutdown.run(signal);
    },
    insist: () => environment.exit(exitCodes.failed),
  });
  try {
    return await runUntilDone(run, wanted);
  } finally {
    await shutdown.run("the command ends");
    stopListening();
  }
}

/** @throws Error of the file system when the log cannot be written; the data directory is free again then */
function openLog(
  path: string,
  lock: ReturnType<typeof lockDataDirectory>,
  terminal: Terminal,
): LogDestination {
  try {
    return logDestination(path, (line) => terminal.error(line));
  } catch (error) {
    lock.release();
    throw error;
  }
}

function readTimeout(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new CommandError(`--timeout ${JSON.stringify(text)} is no duration`, {
      hint: "Write it as 90s, 10m or 1h30m.",
      exitCode: exitCodes.usage,
      cause: error,
    });
  }
}

interface Wanted {
  sources: ReturnType<typeof readSource>[];
  /** Directories that Sources may read. */
  directories: string[];
  templates: ReturnType<typeof readTemplates>;
  timeout: number;
  publicUrl: string | undefined;
  opsAddress: ReturnType<typeof readAddress>;
  webhooksAddress: ReturnType<typeof readAddress>;
}

async function runUntilDone(run: Run, wanted: Wanted): Promise<number> {
  const { directory, environment, options, report, shutdown, tracker } = run;
  const { clock, random, version } = environment;
  const opened = await openStore(run);
  const { store } = opened;
  shutdown.register("store", () => store.close());
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
  const addresses = options.sandbox ? await enterSandbox(run, store, wanted) : undefined;
  if (addresses === undefined) await putSecrets(store, environmentSecrets(environment.env));
  const sources: string[] = [];
  for (const source of wanted.sources) sources.push(await ensureSource(store, source));

  const slot: ControllerSlot = { current: undefined };
  const api = await serveApi({
    store,
    clock,
    random,
    directory,
    ready: () => slot.current?.manager.ready === true && store.health.writable,
    onError: (error, request) =>
      tracker.log.error("a request failed inside the server", { ...request, error }),
    onRenewalError: (error) =>
      tracker.log.error("the API's certificate could not be renewed: it is tried again tomorrow", { error }),
    ...(options.apiPort === undefined ? {} : { port: options.apiPort }),
  });
  shutdown.register("api", () => api.close());
  if (api.kubeconfigSetAside !== undefined)
    run.report.note(`${api.kubeconfig} was no kubeconfig: it is ${api.kubeconfigSetAside} now`);
  tracker.secrets.add(api.token);
  const checks = [{ name: "store", check: () => opened.problem() }];
  const listeners = await openListeners({
    directory,
    opsAddress: wanted.opsAddress,
    webhooksAddress: wanted.webhooksAddress,
    token: api.token,
    ...controllerApps({ clock, random, tracker, slot, checks }),
  });
  shutdown.register("ops listener", (signal) => listeners.ops.close(signal));
  shutdown.register("webhook listener", (signal) => listeners.webhooks.close(signal));
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
  const running = runManager({ manager, shutdown, tracker });
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
  const exitCode = options.once
    ? await convergeOnce(run, view, addresses, wanted.timeout)
    : await serveUntilStopped(run, view, addresses);
  const failure = running.failure();
  if (failure !== undefined) throw failure;
  return exitCode;
}

/** Starts the local providers and makes them the ones that Connections `github`, `neon` and `cloudflare` lead to. */
async function enterSandbox(run: Run, store: EmbeddedStore, wanted: Wanted): Promise<SandboxAddresses> {
  const { directory, options, shutdown, tracker } = run;
  const own = sandboxDirectory(directory, options.sandboxDir);
  const lock = lockDataDirectory(own, "--sandbox-dir");
  shutdown.register("sandbox directory", () => lock.release());
  run.report.note("starting the sandbox: local GitHub, Neon and Cloudflare");
  const served = await startSandbox({
    directory: own,
    addressesFile: join(directory, "sandbox.json"),
    templates: wanted.templates,
    log: (line) => tracker.log.info(line, { component: "sandbox" }),
  });
  shutdown.register("sandbox", () => served.stop());
  await putSecrets(store, sandboxSecrets(served.addresses));
  await ensureSandboxConnections(store, served.addresses);
  return served.addresses;
}
