/**
 * `npm run simulate`: runs seeds of scenarios in several processes, or replays one with its timeline. The last line says
 * how many seeds were run, how many broke a promise, and how many a minute; exit code 1 when one did, 2 when misused.
 */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { faultsInWords } from "./faults-in-words.ts";
import { applyMutation } from "./mutate.ts";
import type { RunResult } from "./run.ts";
import type { Planned } from "./planned-seeds.ts";

interface Options {
  seeds: number;
  from: number;
  scenario?: string;
  replay?: number;
  log?: boolean;
  processes: number;
  mutation?: string;
  sweep?: boolean;
  commands?: number;
  path?: string;
  stopAtFirst?: boolean;
}

/** A run that ended, as a worker tells it. */
interface Report {
  planned: Planned;
  result: RunResult;
}

const number = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("must be a whole number");
  return Number(text);
};

const program = new Command("simulate")
  .description(
    "Runs the whole controller against the sandbox in virtual time, with everything that can go wrong.",
  )
  .option("--seeds <count>", "how many seeds to run", number, 1_000)
  .option("--from <seed>", "the first seed", number, 1)
  .option("--scenario <name>", "only this scenario; all of them, in their shares, otherwise")
  .option("--replay <seed>", "run one seed of --scenario and print what happened, moment by moment", number)
  .option("--log", "with --replay: print what the controller logged as well")
  .option("--processes <count>", "how many processes share the seeds", number, availableParallelism())
  .option("--mutation <name>", "run with a deliberate fault in the controller; see mutations.ts")
  .option("--sweep", "instead of seeds: one accident at every call and every write of clean runs")
  .option("--commands <count>", "instead of seeds: so many workloads of commands, in one process", number)
  .option("--path <path>", "with --commands: print one workload, moment by moment; 0 for a whole one")
  .option("--stop-at-first", "end at the first violation")
  .addHelpText(
    "after",
    `
Examples:
  npm run simulate -- --seeds 100000
  npm run simulate -- --scenario drift --seeds 500 --from 1000
  npm run simulate -- --scenario drift --replay 1234
  npm run simulate -- --commands 1000
`,
  );

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function told({ accident, scenario }: Planned, { faults, hash, seed, violation }: RunResult): string {
  const where =
    accident === undefined ? "" : `, ${accident.what} at ${accident.place.boundary} ${accident.place.index}`;
  return [
    `${scenario} ${seed}${where}: ${violation?.oracle ?? "all is well"}`,
    `  ${violation?.message ?? ""}`,
    `  with ${faultsInWords(faults)}; trace ${hash}`,
    accident === undefined ? `  npm run simulate -- --scenario ${scenario} --replay ${seed}` : "",
  ].join("\n");
}

/** A promise that nobody handles ends a real controller: it is a violation of the seed that is being run. */
function onUnhandled(tell: (message: string) => void): void {
  const end = (error: unknown): void => {
    tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  };
  process.on("unhandledRejection", end);
  process.on("uncaughtException", end);
}

async function replay(options: Options & { replay: number }): Promise<number> {
  const { log, mutation, replay: seed, scenario: name = "one-project" } = options;
  // Before anything of the controller is loaded.
  const checkMutation = mutation === undefined ? undefined : applyMutation(mutation);
  const { run } = await import("./run.ts");
  const { scenarioNamed } = await import("./scenarios/index.ts");
  checkMutation?.();
  onUnhandled((message) => print(`unhandled: ${message}`));
  const result = await run({
    scenario: scenarioNamed(name),
    seed,
    listen: (milliseconds, line) => print(`${(milliseconds / 1000).toFixed(3).padStart(10)} s  ${line}`),
    ...(log === true ? { logged: (line: string) => print(`${" ".repeat(14)}${line.trimEnd()}`) } : {}),
  });
  print(told({ scenario: name, seed }, result));
  return result.violation === undefined ? 0 : 1;
}

async function command(options: Options & { commands: number }): Promise<number> {
  const { commands: count, from, mutation, path } = options;
  const checkMutation = mutation === undefined ? undefined : applyMutation(mutation);
  const { replayCommands, simulateCommands } = await import("./commands/simulate.ts");
  checkMutation?.();
  onUnhandled((message) => print(`unhandled: ${message}`));
  return path === undefined ? simulateCommands({ count, from, print }) : replayCommands(from, path, print);
}

/** A worker runs what it is sent, one after another. */
async function work(mutation: string | undefined): Promise<void> {
  const checkMutation = mutation === undefined ? undefined : applyMutation(mutation);
  const { runPlanned } = await import("./sweep.ts");
  checkMutation?.();
  let current: Planned | undefined;
  onUnhandled((message) => process.send?.({ died: message, planned: current }));
  process.on("message", (planned: Planned) => {
    current = planned;
    void runPlanned(planned).then((result) => process.send?.({ planned, result }));
  });
  // Nobody is left to tell.
  process.on("disconnect", () => process.exit());
  process.send?.({ ready: true });
}

async function plan(options: Options): Promise<Planned[]> {
  if (options.sweep !== true) {
    const { plannedSeeds } = await import("./planned-seeds.ts");
    return [...plannedSeeds(options)];
  }
  const { plannedSweep } = await import("./sweep.ts");
  const places: Planned[] = [];
  for await (const place of plannedSweep()) places.push(place);
  return places;
}

async function runAll(options: Options): Promise<number> {
  const began = performance.now();
  const planned = await plan(options);
  let done = 0;
  let violations = 0;
  let stopped = false;
  let unstarted = false;
  const worker = (): Promise<void> =>
    new Promise((resolve) => {
      const args = options.mutation === undefined ? [] : [options.mutation];
      const child = fork(import.meta.filename, args, {
        env: { ...process.env, SIMULATE_WORKER: "1" },
        // Runs leave much behind that is short-lived.
        execArgv: [...process.execArgv, "--max-semi-space-size=32"],
        serialization: "advanced",
      });
      let ready = false;
      const next = (): void => {
        ready = true;
        const item = stopped ? undefined : planned.shift();
        if (item === undefined) child.kill();
        else child.send(item);
      };
      child.on("message", (message: Report | { ready: true } | { died: string; planned?: Planned }) => {
        if ("died" in message) {
          violations += 1;
          done += 1;
          print(
            `${message.planned?.scenario ?? "?"} ${message.planned?.seed ?? "?"}: crash-free\n  ${message.died}`,
          );
          stopped ||= options.stopAtFirst === true;
          return;
        }
        if ("result" in message) {
          done += 1;
          if (message.result.violation !== undefined) {
            violations += 1;
            stopped ||= options.stopAtFirst === true;
            print(told(message.planned, message.result));
          }
          if (done % 1_000 === 0) print(`${done} seeds, ${violations} violations`);
        }
        next();
      });
      child.on("exit", (code) => {
        // One that cannot start, such as for a mutation that does not fit, would not the next time either.
        if (code === 1 && !ready) stopped = unstarted = true;
        // One that died is followed by another, as long as there is something to do.
        if (code === 1 && !stopped) void worker().then(resolve);
        else resolve();
      });
    });
  await Promise.all(Array.from({ length: options.processes }, worker));
  const minutes = (performance.now() - began) / 60_000;
  print(`${done} seeds, ${violations} violations, ${Math.round(done / minutes)} seeds per minute`);
  if (unstarted) print("a worker could not start: what it says is above");
  return unstarted ? 2 : violations === 0 ? 0 : 1;
}

if (process.env["SIMULATE_WORKER"] === "1") {
  await work(process.argv[2]);
} else {
  const options = program.parse().opts<Options>();
  const { commands, replay: seed } = options;
  const code =
    commands !== undefined
      ? await command({ ...options, commands })
      : seed === undefined
        ? await runAll(options)
        : await replay({ ...options, replay: seed });
  // SDKs leave timers of their own behind.
  process.exit(code);
}
