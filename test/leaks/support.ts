/** `flaresmith leaks` in virtual time: the command's own code over a world's store and sandbox. */
import { leaksOf } from "../../controller/cli/commands/leaks.ts";
import type { LeaksOptions } from "../../controller/cli/commands/leaks.ts";
import { ensureHashKey, ensureInstallation } from "../../controller/cli/process/installation.ts";
import { seededRandom } from "../../sandbox/core/random.ts";
import type { ResourceClient } from "../../controller/store/resource-client.ts";
import type { World } from "../support/world.ts";

export interface ListedLeak {
  provider: string;
  type: string;
  id: string;
  name: string;
  scope: string;
  owner: { namespace: string; kind: string; name: string; slot: string } | null;
  ageSeconds: number | null;
  why: string;
  include: string;
}

/** What the command prints with `-o json`. */
export interface LeaksJson {
  installation: string;
  leaks: ListedLeak[];
  undecided: ListedLeak[];
  tombstones: { provider: string; type: string; id: string; name: string; seen: boolean }[];
  missed: { connection: string; provider: string; what: string; code: string }[];
  notes: string[];
  deletion?: {
    results: { include: string; result: string; why?: string; code?: string }[];
    notTaken: { include: string; why: string }[];
  };
}

export interface LeaksRun {
  code: number;
  out: string;
  err: string;
  /** Questions that were asked. */
  asked: string[];
}

export interface RunOptions extends Partial<LeaksOptions> {
  /** What the person at the terminal types, and does before. Default: nobody is there. */
  answer?: string | (() => Promise<string>);
  installation?: string;
  /** In place of the world's store. */
  client?: ResourceClient;
  /** In place of the sandbox's. */
  fetch?: World["sandbox"]["fetch"];
}

/** Runs the command against a world whose controller may run, or not. @throws what the command throws */
export async function runLeaks(world: World, options: RunOptions = {}): Promise<LeaksRun> {
  const {
    answer,
    client = world.store,
    fetch = world.sandbox.fetch,
    installation = "test",
    ...given
  } = options;
  const noise = seededRandom(7);
  const random = {
    next: () => noise.next(),
    hex: (bytes: number) => noise.string(bytes * 2),
    uuid: () => noise.uuid(),
  };
  const dataDirectory = "memory";
  await ensureInstallation({
    place: { client: world.store, name: "the store", other: "another store", container: "store" },
    random,
    world: "sandbox",
    wanted: installation,
  });
  await ensureHashKey({ client: world.store }, random);
  const run: LeaksRun = { code: -1, out: "", err: "", asked: [] };
  const ended = leaksOf(
    client,
    { dataDir: dataDirectory, delete: false, yes: false, include: [], output: "json", ...given },
    {
      terminal: {
        line: (text) => void (run.out += `${text}\n`),
        error: (text) => void (run.err += `${text}\n`),
        raw: (text) => void (run.out += text),
        interactive: false,
        columns: 200,
      },
      clock: world.time.controller,
      random,
      fetch,
      env: {},
      signals: { on: () => undefined, off: () => undefined },
      ask:
        answer === undefined
          ? undefined
          : (question) => {
              run.asked.push(question);
              return typeof answer === "string" ? Promise.resolve(answer) : answer();
            },
      exit: () => undefined,
      version: "0.0.0-test",
    },
  );
  const settled = { done: false };
  const over = (): void => void (settled.done = true);
  ended.then(over, over);
  await world.until(() => settled.done, 3_600_000);
  return { ...run, code: await ended };
}

/** The same, read. */
export async function listLeaks(
  world: World,
  options: RunOptions = {},
): Promise<LeaksJson & { code: number }> {
  const { code, out } = await runLeaks(world, options);
  return { ...(JSON.parse(out) as LeaksJson), code };
}

/** `provider type name` of each, sorted. */
export const namesOf = (leaks: readonly Pick<ListedLeak, "provider" | "type" | "name">[]): string[] =>
  leaks.map(({ name, provider, type }) => `${provider} ${type} ${name}`).toSorted();
