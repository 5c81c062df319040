/** The two ways in which a started controller goes on: until everything is Ready, or until somebody stops it. */
import { exitCodes } from "../failure.ts";
import { converged } from "./convergence.ts";
import type { Launched } from "./launch.ts";
import type { Run } from "./run.ts";

/** Waits until everything is Ready or nothing more will change. @returns the exit code */
export async function convergeOnce(
  run: Run,
  { addresses, view }: Launched,
  timeout: number,
): Promise<number> {
  const { environment, report, shutdown } = run;
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
export async function serveUntilStopped(run: Run, { addresses, view }: Launched): Promise<number> {
  const { environment, report, shutdown } = run;
  const { clock, fetch } = environment;
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
