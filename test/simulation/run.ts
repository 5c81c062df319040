/** One run of a scenario with a seed: the machine, what people do, what goes wrong, and what the oracles say. */
import { createSandbox } from "../../sandbox/sandbox.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import type { EmbeddedStore } from "../../controller/store/embedded/index.ts";
import type { Random } from "../../controller/runtime/clock.ts";
import {
  askForEverything,
  confirmGone,
  confirmRemovals,
  sayAgain,
  throttledUntil,
  unsaid,
} from "./afterwards.ts";
import { streamOf } from "./chance.ts";
import { manifestsOf } from "./desired.ts";
import type { ProjectShape } from "./desired.ts";
import { createFaults } from "./faults.ts";
import type { CallFate, FaultPlan, WriteFate } from "./faults.ts";
import { createKernel } from "./kernel.ts";
import type { Kernel } from "./kernel.ts";
import type { Call } from "./network.ts";
import { networkOf } from "./network.ts";
import { createOracles } from "./oracles/index.ts";
import type { Violation } from "./oracles/index.ts";
import { objectsOf, openStore, prepare, teamOf } from "./people.ts";
import type { Team } from "./people.ts";
import { startProcess } from "./process.ts";
import type { Process } from "./process.ts";
import type { Write } from "./store-boundary.ts";
import { thingsOf } from "./world-state.ts";
import type { Thing } from "./world-state.ts";
import { storeOf } from "./store-boundary.ts";
import { createIntention } from "./intention.ts";
import type { Intention } from "./intention.ts";

/** Something that people do at a moment. */
export interface Step {
  /** Milliseconds since the start. */
  at: number;
  act(scene: Scene): Promise<void>;
}

/** What a scenario draws from a seed. */
export interface Script {
  steps: readonly Step[];
  faults: FaultPlan;
  /** Objects, as `Kind/name`, that somebody else's things stop: they must say so, and others may wait for them. */
  blocked?: readonly string[];
  /** What people decide, again and again, when all is well and not everything is as they want. */
  decide?(scene: Scene): Promise<void>;
}

export interface Scenario {
  name: string;
  /** One sentence for people. */
  about: string;
  script(random: Random, seed: number): Script;
}

/** What steps work with. */
export interface Scene {
  kernel: Kernel;
  sandbox: Sandbox;
  store: EmbeddedStore;
  team: Team;
  intention: Intention;
  /** Everything that exists at the providers. */
  things(): Thing[];
  /** Makes a project as the shape says, whatever it was before; environments and previews that it lacks are deleted. */
  want(shape: ProjectShape): Promise<void>;
  /** Deletes a project; its environments and previews go with it. */
  abandon(name: string): Promise<void>;
  /** Every process dies at this very moment; another follows. */
  crash(): void;
}

export interface RunOptions {
  scenario: Scenario;
  seed: number;
  /** Keeps what processes log, and tells it. */
  logged?: (line: string) => void;
  /** Told every line of the trace with the milliseconds since the start. */
  listen?: (milliseconds: number, line: string) => void;
  /** Ends with the convergence, without waiting whether it lasts. */
  brief?: boolean;
  /** Decide for single calls and writes more than the plan does. */
  callFate?: (call: Call, drawn: CallFate) => CallFate;
  writeFate?: (write: Write, drawn: WriteFate) => WriteFate;
}

export interface RunResult {
  seed: number;
  hash: string;
  violation: Violation | undefined;
  /** Milliseconds of virtual time. */
  lasted: number;
  /** Requests that providers received. */
  requests: number;
  processes: number;
  faults: FaultPlan;
}

const SECOND = 1_000;
const MINUTE = 60_000;
/** How long after the last fault everything must have converged: the longest back-off of the queue is 1,000 s. */
const PATIENCE = 60 * MINUTE;
/** One resync (`spec.interval` is 10 minutes) and what it writes. */
const RESYNC = 11 * MINUTE;
/** Three resyncs and a little, after which nothing may have moved; one resync in most runs. */
const STABLE = 31 * MINUTE;

// The one module that a reconcile loads when it first needs it: loading takes real time.
await import("cloudflare/tree-shakable");

/** Runs a scenario to its end, or to the first violation. The same options give the same result, hash included. */
export async function run(options: RunOptions): Promise<RunResult> {
  const { scenario, seed } = options;
  const kernel = createKernel({ schedule: streamOf(seed, "schedule"), listen: options.listen });
  const start = kernel.now();
  const elapsed = (): number => kernel.now() - start;
  const sandbox = createSandbox({
    seed,
    context: { clock: { now: kernel.now, sleep: kernel.sleep, advance: () => undefined } },
  });
  const store = await openStore(kernel, seed);
  const team = teamOf(store, kernel);
  await prepare(team, sandbox);
  const script = scenario.script(streamOf(seed, "workload"), seed);
  const faults = createFaults(
    script.faults,
    { latency: streamOf(seed, "latency"), faults: streamOf(seed, "faults") },
    elapsed,
  );
  const intention = createIntention(() => kernel.now());
  const oracles = createOracles({ kernel, sandbox, store, intention, faults: script.faults });
  const processes: Process[] = [];
  const restarts = streamOf(seed, "restarts");
  /** Calls that got no answer yet: whoever waits for one has not come to an end, whatever statuses say. */
  const underWay = new Set<{ caller: Process }>();
  const isWaiting = (): boolean => [...underWay].some(({ caller }) => caller.alive);

  const begin = (): Process => {
    const process = startProcess({
      kernel,
      seed,
      ordinal: processes.length + 1,
      log: seed % 8 === 0,
      logged: options.logged,
      surroundings: {
        network: (caller) => {
          const send = networkOf(caller, {
            kernel,
            sandbox,
            faults,
            fate: options.callFate,
            onSend: oracles.sent,
            onHandled: oracles.handled,
            onAnswer: oracles.answered,
          });
          return async (input, init) => {
            const call = { caller };
            underWay.add(call);
            try {
              return await send(input, init);
            } finally {
              underWay.delete(call);
            }
          };
        },
        store: (caller) =>
          storeOf(caller, {
            kernel,
            store,
            faults,
            fate: options.writeFate,
            onWritten: oracles.written,
          }),
      },
    });
    processes.push(process);
    return process;
  };
  const living = (): Process[] => processes.filter((process) => process.alive);
  /** Whoever dies is followed by another a little later, as systemd and Kubernetes do it. */
  let coming = false;
  const supervise = (): void => {
    if (coming || living().length > 0) return;
    coming = true;
    kernel.after(100 + restarts.next() * 10_000, () => {
      coming = false;
      if (living().length === 0) begin();
    });
  };

  const scene: Scene = {
    kernel,
    sandbox,
    store,
    team,
    intention,
    things: () => thingsOf(sandbox),
    want: async (shape) => {
      const project = objectsOf(store, "Project").find(({ metadata }) => metadata.name === shape.name);
      if (project?.metadata.deletionTimestamp !== undefined) intention.saidTooEarly(shape);
      const gone = intention.want(shape);
      await team.apply(...manifestsOf(shape));
      for (const { kind, name } of gone) await team.delete(kind, name);
    },
    abandon: async (name) => {
      intention.abandon(name);
      await team.delete("Project", name);
    },
    crash: () => {
      for (const process of living()) process.kill("all of a sudden");
    },
  };

  const stepping: Promise<void>[] = [];
  for (const step of script.steps) {
    kernel.after(step.at, () => void stepping.push(step.act(scene)));
  }
  schedulePeriods(script.faults, { kernel, sandbox, living, begin, restarts });
  begin();

  const violated = (): Violation | undefined => oracles.violation() ?? brokenProcess(processes);
  const until = async (moment: number, done: () => boolean = () => false): Promise<boolean> => {
    await kernel.runUntil(moment, () => {
      supervise();
      return violated() !== undefined || done();
    });
    return violated() === undefined;
  };

  const lastStep = Math.max(0, ...script.steps.map((step) => step.at));
  const calmFrom = start + Math.max(script.faults.end, lastStep) + SECOND;
  let violation: Violation | undefined;
  judge: {
    if (!(await until(calmFrom))) break judge;
    await Promise.all(stepping);
    kernel.trace("everything is well from here on");
    for (const process of living().slice(0, -1)) process.kill("as there are two");
    if (intention.meddledWith() || seed % 4 === 0) await askForEverything(scene);
    const blocked = script.blocked ?? [];
    const limit = kernel.now() + PATIENCE;
    let converged = false;
    while (!converged && kernel.now() < limit) {
      await sayAgain(scene);
      await confirmGone(scene);
      await confirmRemovals(scene);
      await script.decide?.(scene);
      if (!(await until(kernel.now() + 5 * SECOND))) break judge;
      converged = unsaid(scene).length === 0 && oracles.restless(blocked).length === 0 && !isWaiting();
    }
    violation = converged
      ? oracles.world(blocked)
      : {
          oracle: "liveness",
          message: `not converged: ${isWaiting() ? "a call is under way; " : ""}${oracles.restless(blocked).join("; ")}`,
        };
    if (violation !== undefined) break judge;
    if (options.brief === true) break judge;
    // One resync finds what was only half known while things went wrong; from then on nothing moves.
    // A provider that asked for no calls until some moment is one of those things.
    if (!(await until(Math.max(kernel.now(), throttledUntil(store) + SECOND) + RESYNC))) break judge;
    const before = oracles.stillness();
    if (!(await until(kernel.now() + (seed % 4 === 0 ? STABLE : RESYNC)))) break judge;
    violation = oracles.moved(before) ?? oracles.world(blocked);
    if (violation !== undefined) break judge;
    violation = await oracles.secrets(processes);
  }
  const lasted = elapsed();
  for (const process of living()) process.kill("as the run ends");
  await kernel.runUntil(kernel.now());
  for (const process of processes) process.release();
  await store.close();
  return {
    seed,
    hash: kernel.hash(),
    violation: violated() ?? violation,
    lasted,
    requests: sandbox.context.journal.last(),
    processes: processes.length,
    faults: script.faults,
  };
}

function brokenProcess(processes: readonly Process[]): Violation | undefined {
  const broken = processes.find((process) => process.broken !== undefined);
  if (broken === undefined) return undefined;
  const text =
    broken.broken instanceof Error ? (broken.broken.stack ?? broken.broken.message) : String(broken.broken);
  return { oracle: "crash-free", message: `${broken.name} ended by itself: ${text}` };
}

/** Switches on and off what lasts for a while and is not decided call by call. */
function schedulePeriods(
  plan: FaultPlan,
  machine: {
    kernel: Kernel;
    sandbox: Sandbox;
    living: () => Process[];
    begin: () => Process;
    restarts: Random;
  },
): void {
  const { begin, kernel, living, restarts, sandbox } = machine;
  const narrow = (repositories: "all" | string[]): void => {
    kernel.trace(`the GitHub token sees ${repositories === "all" ? "all repositories" : "none"}`);
    sandbox.github.changeToken(sandbox.seed.github.token, { repositories });
  };
  for (const { amount, from, kind, provider, to } of plan.periods) {
    const on = (run: () => void): void => void kernel.after(from, run);
    const off = (run: () => void): void => void kernel.after(to, run);
    switch (kind) {
      case "lag":
        on(() => sandbox.context.faults.setLag({ provider, resource: "*", milliseconds: amount }));
        off(() => sandbox.context.faults.setLag({ provider, resource: "*", milliseconds: 0 }));
        break;
      case "token-narrowed":
        on(() => narrow([]));
        off(() => narrow("all"));
        break;
      case "clock-jump":
        on(() => {
          for (const process of living()) {
            kernel.trace(`the clock of ${process.name} jumps by ${amount} ms`);
            process.skew = amount;
          }
        });
        off(() => {
          for (const process of living()) process.skew = 0;
        });
        break;
      case "two-leaders":
        on(() => void begin());
        off(() => {
          const [first, ...others] = living();
          if (others.length > 0) first?.kill("after a while as one of two");
        });
        break;
      case "terminated":
        on(() => {
          for (const process of living()) {
            void process.terminate();
            // What does not end in time is killed, and it may be sooner than it hopes.
            kernel.after(restarts.next() < 0.5 ? 30_000 : restarts.next() * 5_000, () =>
              process.kill("as it did not end in time"),
            );
          }
        });
        break;
      case "outage":
      case "rate-limit":
      case "rate-limit-unannounced":
      case "locked":
      case "token-refused":
        // The network asks for these at each call.
        on(() => kernel.trace(`${kind} of ${provider} until ${Math.round(to)}`));
        break;
    }
  }
}
