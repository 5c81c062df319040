/** The two ways in which a started controller goes on: until everything is Ready, or until somebody stops it. */
import type { SandboxAddresses } from "../../../sandbox/serve.ts";
import type { Shutdown } from "../../runtime/shutdown.ts";
import type { Tracker } from "../../runtime/tracker.ts";
import { exitCodes } from "../failure.ts";
import { converged } from "./convergence.ts";
import type { CommandEnvironment } from "../environment.ts";
import type { UpOptions } from "./options.ts";
import type { Report } from "./report.ts";
import type { WorldView } from "./view.ts";

/** What the steps of one run share. */
export interface Run {
  options: UpOptions;
  environment: CommandEnvironment;
  directory: string;
  shutdown: Shutdown;
  tracker: Tracker;
  report: Report;
}

/** Waits until everything is Ready or nothing more will change. @returns the exit code */
export async function convergeOnce(
  run: Run,
  view: WorldView,
  addresses: SandboxAddresses | undefined,
  timeout: number,
): Promise<number> {
  const { environment, report, shutdown } = run;
  await view.synced;
  report.follow(view);
  const result = await converged({ view, clock: environment.clock, timeout, signal: shutdown.signal });
  await report.finished({
    result,
    objects: view.objects(),
    addresses,
    fetch: environment.fetch,
    signal: shutdown.signal,
  });
  return result.ended === "ready" ? exitCodes.ok : exitCodes.failed;
}

/** Tells when everything is Ready, and goes on until a signal. @returns the exit code */
export async function serveUntilStopped(
  run: Run,
  view: WorldView,
  addresses: SandboxAddresses | undefined,
): Promise<number> {
  const { environment, report, shutdown } = run;
  const { clock, fetch } = environment;
  await view.synced;
  report.follow(view);
  const stopped = new Promise<void>((resolve) => {
    if (shutdown.signal.aborted) resolve();
    else shutdown.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const result = await converged({
    view,
    clock,
    timeout: undefined,
    endWhenStuck: false,
    signal: shutdown.signal,
  });
  if (result.ended === "ready") {
    await report.finished({ result, objects: view.objects(), addresses, fetch, signal: shutdown.signal });
  }
  await stopped;
  return exitCodes.ok;
}
