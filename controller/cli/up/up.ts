/** `flaresmith up`: store, API, controller and, when asked for, the local providers, in one process. */
import { join, resolve } from "node:path";
import { parseDuration } from "../../runtime/duration.ts";
import type { LogDestination } from "../../runtime/log.ts";
import { createShutdown } from "../../runtime/shutdown.ts";
import { createTracker } from "../../runtime/tracker.ts";
import { lockDataDirectory } from "../../store/embedded/index.ts";
import { CommandError, exitCodes } from "../failure.ts";
import type { CommandEnvironment } from "../environment.ts";
import type { Terminal } from "../terminal.ts";
import { readAddress } from "../process/address.ts";
import { logDestination } from "../process/log-file.ts";
import { readPublicUrl } from "../process/public-url.ts";
import { onSignals } from "../process/signals.ts";
import { launch } from "./launch.ts";
import type { Launched, Wanted } from "./launch.ts";
import { convergeOnce, serveUntilStopped } from "./modes.ts";
import type { Run } from "./run.ts";
import type { UpOptions } from "./options.ts";
import { createReport } from "./report.ts";
import { readTemplates } from "./sandbox.ts";
import { readSource } from "./source.ts";

/**
 * Runs until a signal, or with `--once` until everything is Ready or nothing more will change.
 * @returns the exit code: 0 after a signal, also while it starts; with `--once` 0 when everything is Ready, 1 otherwise
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
    publicUrl: readPublicUrl(options.publicUrl),
    opsAddress: readAddress(options.opsAddress, "--ops-address", "127.0.0.1"),
    webhooksAddress: readAddress(options.webhooksAddress, "--webhooks-address", "127.0.0.1"),
  };
  const timeout = readTimeout(options.timeout);
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
  let asked = false;
  const stopListening = onSignals({
    process: environment.signals,
    clock,
    ask: (signal) => {
      asked = true;
      report.note(`${signal}: stopping`);
      void shutdown.run(signal);
    },
    insist: () => environment.exit(exitCodes.failed),
  });
  try {
    return await runUntilDone(run, { wanted, timeout, asked: () => asked });
  } finally {
    await shutdown.run("the command ends");
    stopListening();
  }
}

async function runUntilDone(
  run: Run,
  { asked, timeout, wanted }: { wanted: Wanted; timeout: number; asked: () => boolean },
): Promise<number> {
  const { once } = run.options;
  let launched: Launched;
  try {
    launched = await launch(run, wanted);
  } catch (error) {
    if (!asked()) throw error;
    // Everything was stopped under a start that was not over: whatever it failed with comes of that.
    run.tracker.log.info("stopped while starting", { error });
    return once ? exitCodes.failed : exitCodes.ok;
  }
  const exitCode = await (once ? convergeOnce(run, launched, timeout) : serveUntilStopped(run, launched));
  const failure = launched.failure();
  if (failure !== undefined) throw failure;
  return exitCode;
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
