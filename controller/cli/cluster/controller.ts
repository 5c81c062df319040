/** `flaresmith controller`: the controllers over the API of a Kubernetes cluster. */
import { mkdtemp, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createOpsApp } from "../../http/ops-app.ts";
import { createWebhookApp } from "../../http/webhook-app.ts";
import { listen } from "../../http/listen.ts";
import { createLeaderElection } from "../../runtime/leader-election.ts";
import { createShutdown } from "../../runtime/shutdown.ts";
import type { Shutdown } from "../../runtime/shutdown.ts";
import { createTracker } from "../../runtime/tracker.ts";
import type { Tracker } from "../../runtime/tracker.ts";
import { connectCluster } from "../../store/cluster/connect.ts";
import type { ConnectOptions } from "../../store/cluster/connect.ts";
import type { ResourceClient } from "../../store/resource-client.ts";
import type { CommandEnvironment } from "../environment.ts";
import { CommandError, exitCodes } from "../failure.ts";
import { readAddress } from "../process/address.ts";
import type { Address } from "../process/address.ts";
import { controllerApps } from "../process/apps.ts";
import type { ControllerSlot } from "../process/apps.ts";
import { assembleController } from "../process/controller.ts";
import {
  ensureHashKey,
  ensureInstallation,
  recordPublicUrl,
  SYSTEM_NAMESPACE,
} from "../process/installation.ts";
import type { InstallationPlace } from "../process/installation.ts";
import { logDestination } from "../process/log-file.ts";
import { readPublicUrl } from "../process/public-url.ts";
import { runManager } from "../process/run-manager.ts";
import { onSignals } from "../process/signals.ts";
import { findAccess } from "./access.ts";
import type { FoundAccess } from "./access.ts";
import { checkDefinitions } from "./definitions.ts";
import { createHandOn, WEBHOOKS_ANNOTATION } from "./hand-on.ts";
import { holdLeadership } from "./leadership.ts";
import type { Leadership } from "./leadership.ts";
import type { ControllerOptions } from "./options.ts";
import { createReaderReview } from "./review-reader.ts";

/** Of the Lease that says who leads. */
const LEASE = "flaresmith-controller";
/** Milliseconds for a renewal of the lease: half of the deadline, so that one that hangs does not lose it. */
const RENEWAL = 5_000;

/** What the steps of one run share. */
interface Run {
  options: ControllerOptions;
  environment: CommandEnvironment;
  found: FoundAccess;
  namespace: string;
  ops: Address;
  webhooks: Address;
  publicUrl: string | undefined;
  shutdown: Shutdown;
  tracker: Tracker;
}

/** What an election has to do with webhooks, once there is one. */
interface Lead {
  handOn: ReturnType<typeof createHandOn> | undefined;
}

/**
 * Runs until a signal, or until the lease is lost.
 * @returns the exit code: 0 after a signal, 1 when the lease was lost
 * @throws CommandError and the errors of the API server and the listeners when it cannot start
 */
export async function controller(
  options: ControllerOptions,
  environment: CommandEnvironment,
): Promise<number> {
  const { clock, terminal } = environment;
  const ops = readAddress(options.opsAddress, "--ops-address", undefined);
  const webhooks = readAddress(options.webhooksAddress, "--webhooks-address", undefined);
  const publicUrl = readPublicUrl(options.publicUrl);
  const found = await findAccess(options, environment.env);
  const destination = logDestination(options.logFile, (line) => terminal.error(line));
  const tracker = createTracker({
    clock,
    destination,
    level: options.logLevel,
    processMetrics: true,
    perObjectMetrics: options.metricsPerObject,
  });
  const shutdown = createShutdown({ clock, tracker });
  const namespace =
    options.controllerNamespace ?? (found.inCluster ? found.access.namespace : SYSTEM_NAMESPACE);
  const run: Run = { options, environment, found, namespace, ops, webhooks, publicUrl, shutdown, tracker };
  const stopListening = onSignals({
    process: environment.signals,
    clock,
    ask: (signal) => void shutdown.run(signal),
    insist: () => environment.exit(exitCodes.failed),
  });
  try {
    return await runUntilStopped(run);
  } finally {
    await shutdown.run("the command ends");
    stopListening();
  }
}

/** A connection of its own, and what it says: requests are counted, tokens never logged, warnings told. */
function connect(
  { environment, found, shutdown, tracker }: Run,
  name: string,
  deadline?: number,
): ResourceClient {
  const options: ConnectOptions = {
    clock: environment.clock,
    random: environment.random,
    environment: environment.env,
    deadline,
    userAgent: `flaresmith/${environment.version}`,
    onAttempt: (attempt) => tracker.storeRequest(attempt),
    onToken: (token) => tracker.secrets.add(token, { lapses: true }),
    onWarning: (text) => tracker.log.warn("the API server warns", { warning: text }),
  };
  const { client, close } = connectCluster(found.access, options);
  shutdown.register(name, () => close());
  return client;
}

async function runUntilStopped(run: Run): Promise<number> {
  const { environment, found, namespace, options, publicUrl, shutdown, tracker } = run;
  const { clock, random, version } = environment;
  const client = connect(run, "connections");
  tracker.log.info("starting", { version, server: found.access.server, controllerNamespace: namespace });
  const slot: ControllerSlot = { current: undefined };
  const definitions = checkDefinitions({ client, clock, tracker });
  const lead: Lead = { handOn: undefined };
  const listeners = await openListeners(run, { client, slot, lead, problem: () => definitions.problem() });
  try {
    await definitions.served(shutdown.signal);
  } catch (error) {
    if (shutdown.signal.aborted) return exitCodes.ok;
    throw error;
  }
  const place: InstallationPlace = {
    client,
    namespace,
    name: `namespace ${namespace} of ${found.access.server}`,
    other: "another --controller-namespace",
    container: "namespace",
  };
  const installation = await ensureInstallation({
    place,
    random,
    world: "providers",
    wanted: options.installation,
  });
  const hashKey = await ensureHashKey(place, random);
  tracker.secrets.add(hashKey);
  await recordPublicUrl(place, publicUrl);
  const leadership = options.leaderElect ? elect(run, slot, lead, listeners.webhooksUrl) : undefined;
  const { manager } = (slot.current = assembleController({
    client,
    clock,
    random,
    tracker,
    fetch: environment.fetch,
    installation,
    hashKey,
    version,
    publicUrl,
    namespace: options.namespace,
    leadership: leadership === undefined ? undefined : (signal) => leadership.acquire(signal),
    sources: {
      // What lies on a node's disk is nobody's desired state.
      allowedDirectories: [],
      dataDirectory: await clonesDirectory(run),
      environment: environment.env,
      signal: shutdown.signal,
    },
  }));
  const running = runManager({ manager, shutdown, tracker });
  report(run, installation, listeners);
  await new Promise<void>((resolveStopped) => {
    if (shutdown.signal.aborted) resolveStopped();
    else shutdown.signal.addEventListener("abort", () => resolveStopped(), { once: true });
  });
  const failure = running.failure();
  if (failure !== undefined) throw failure;
  if (leadership?.lost() !== true) return exitCodes.ok;
  throw new CommandError(
    `the lease ${namespace}/${LEASE} is lost: another process leads, or the API server was away`,
    {
      hint: "Nothing is to be done: Kubernetes starts the process again, and what it was doing is taken up by the leader.",
    },
  );
}

/** Clones of Sources can be made anew at any time; without a directory they lie in one that goes with the process. */
async function clonesDirectory({ options, shutdown }: Run): Promise<string> {
  if (options.dataDir !== undefined) return resolve(options.dataDir, "sources");
  const directory = await mkdtemp(join(tmpdir(), "flaresmith-sources-"));
  shutdown.register("clones", () => rm(directory, { recursive: true, force: true }));
  return directory;
}

function elect(run: Run, slot: ControllerSlot, lead: Lead, webhooksUrl: string | undefined): Leadership {
  const { environment, namespace, shutdown, tracker } = run;
  const { clock, env, random } = environment;
  const election = createLeaderElection({
    // Nothing else can hold a renewal up.
    client: connect(run, "election connections", RENEWAL),
    clock,
    random,
    tracker,
    namespace,
    name: LEASE,
    identity: `${env["POD_NAME"] ?? hostname()}_${random.uuid()}`,
    annotations: webhooksUrl === undefined ? {} : { [WEBHOOKS_ANNOTATION]: webhooksUrl },
  });
  lead.handOn = createHandOn({
    election,
    secrets: async () => (await slot.current?.webhookSecrets()) ?? [],
    fetch: environment.fetch,
    clock,
  });
  return holdLeadership({
    election,
    shutdown,
    abandon: async () => slot.current?.manager.stop({ drain: 0 }),
  });
}

interface OpenedListeners {
  ops: string;
  webhooks: string;
  /** How other replicas reach the webhook listener; undefined when the pod does not know its address. */
  webhooksUrl: string | undefined;
}

/** Opened before anything else, so that probes say what is being waited for. */
async function openListeners(
  run: Run,
  parts: {
    client: ResourceClient;
    slot: ControllerSlot;
    lead: Lead;
    problem: () => string | undefined;
  },
): Promise<OpenedListeners> {
  const { environment, shutdown, tracker } = run;
  const { clock, env, random } = environment;
  const { client, lead, problem, slot } = parts;
  const apps = controllerApps({
    clock,
    random,
    tracker,
    slot,
    checks: [{ name: "definitions", check: problem }],
    handOn: async (hint) => (await lead.handOn?.(hint)) ?? false,
  });
  const authenticate = createReaderReview({ client, clock, tracker });
  const opsApp = createOpsApp({ ...apps.ops, authenticate });
  const webhookApp = createWebhookApp(apps.webhooks);
  const open = async (name: "ops" | "webhooks", { host, port = 0 }: Address, app: typeof opsApp) => {
    const listener = await listen({ name, host, port, fetch: (request) => app.fetch(request) });
    shutdown.register(`${name} listener`, (signal) => listener.close(signal));
    return listener;
  };
  const ops = await open("ops", run.ops, opsApp);
  const webhooks = await open("webhooks", run.webhooks, webhookApp);
  const ip = env["POD_IP"] ?? "";
  const host = ip.includes(":") ? `[${ip}]` : ip;
  return {
    ops: ops.url,
    webhooks: webhooks.url,
    webhooksUrl: host === "" ? undefined : `http://${host}:${webhooks.port}`,
  };
}

function report(run: Run, installation: string, { ops, webhooks }: OpenedListeners): void {
  const { environment, found, namespace, options } = run;
  const started = {
    installation,
    server: found.access.server,
    controllerNamespace: namespace,
    ops,
    webhooks,
  };
  if (options.output === "json") {
    environment.terminal.line(JSON.stringify({ event: "started", ...started }));
    return;
  }
  environment.terminal.line(
    `flaresmith controller runs (installation ${installation}, ${found.access.server})`,
  );
  environment.terminal.line(`  ops         ${ops}   /healthz /readyz /metrics`);
  environment.terminal.line(`  webhooks    ${webhooks}/webhooks/github`);
}
