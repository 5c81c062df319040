/**
 * The embedded API and kube-apiserver on kine, measured in one run by one client: creates, lists, events, memory. Each
 * server is a process of its own (kine another one) with the same kinds and the same Projects; they take turns, so that
 * whatever else the machine does meets both. Linux only: memory and processor time are read from /proc.
 */
import { availableParallelism, loadavg } from "node:os";
import { createClient, type Client } from "./api-servers/client.ts";
import { findBinaries, startEmbedded, startKubeApiserver } from "./api-servers/contenders.ts";
import type { Contender } from "./api-servers/contenders.ts";
import { creates, listing, watchLatencies } from "./api-servers/measure.ts";
import { processorTime, residentMemory } from "./api-servers/process-figures.ts";
import { quantile } from "./api-servers/quantile.ts";
import { report, type Line } from "./api-servers/report.ts";

const FEW = 5_000;
const MANY = 20_000;
const CONNECTIONS = 16;
/** Creates before any is measured: both servers compile or grow in their first moments. */
const WARM_UP = 200;
/** Creates over one connection, one after another. */
const ALONE = 300;
const ROUNDS = 5;
const LISTS = 5;
const EVENTS = 400;
/** Milliseconds between two writes while events are measured: 50 a second. */
const INTERVAL = 20;
/** Milliseconds of rest before memory is read. */
const REST = 5_000;

interface Side extends Contender {
  client: Client;
}

const rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, REST));

/** What happens to both happens in turns; who begins changes with every turn. */
function turns(sides: readonly [Side, Side], turn: number): readonly Side[] {
  return turn % 2 === 0 ? sides : sides.toReversed();
}

type Figures<Value> = Map<Side, Value[]>;

function note<Value>(figures: Figures<Value>, side: Side, ...values: readonly Value[]): void {
  const noted = figures.get(side) ?? [];
  for (const value of values) noted.push(value);
  figures.set(side, noted);
}

function line(
  what: string,
  unit: string,
  sides: readonly [Side, Side],
  figure: (side: Side) => number,
  larger = false,
): Line {
  return {
    what,
    unit,
    embedded: figure(sides[0]),
    other: figure(sides[1]),
    isBetter: larger ? "more" : "less",
  };
}

async function measureCreates(sides: readonly [Side, Side]): Promise<Line[]> {
  const elapsed: Figures<number> = new Map();
  const latencies: Figures<number> = new Map();
  const alone: Figures<number> = new Map();
  const cpu: Figures<number> = new Map();
  for (const { client } of sides) await creates(client, 0, WARM_UP, CONNECTIONS);
  for (const side of sides)
    note(alone, side, ...(await creates(side.client, WARM_UP, WARM_UP + ALONE, 1)).latencies);
  const first = WARM_UP + ALONE;
  const size = (FEW - first) / ROUNDS;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const side of turns(sides, round)) {
      const from = first + round * size;
      const before = processorTime(side.processes);
      const result = await creates(side.client, from, from + size, CONNECTIONS);
      note(cpu, side, processorTime(side.processes) - before);
      note(elapsed, side, result.elapsed);
      note(latencies, side, ...result.latencies);
    }
  }
  const sum = (figures: Figures<number>, side: Side): number =>
    (figures.get(side) ?? []).reduce((total, value) => total + value, 0);
  const median = (figures: Figures<number>) => (side: Side) => quantile(figures.get(side) ?? [], 0.5);
  const many = `${CONNECTIONS} connections`;
  return [
    line(`creates, ${many}`, "/s", sides, (side) => ((size * ROUNDS) / sum(elapsed, side)) * 1000, true),
    line(`create, ${many}, median`, "ms", sides, median(latencies)),
    line("create, one connection, median", "ms", sides, median(alone)),
    line("create, processor time", "ms", sides, (side) => sum(cpu, side) / (size * ROUNDS)),
  ];
}

async function measureLists(sides: readonly [Side, Side], objects: number): Promise<Line[]> {
  const lines: Line[] = [];
  for (const resourceVersion of [undefined, "0"]) {
    const elapsed: Figures<number> = new Map();
    const cpu: Figures<number> = new Map();
    const bytes: Figures<number> = new Map();
    for (const { client } of sides) await listing(client, resourceVersion);
    for (let turn = 0; turn < LISTS; turn += 1) {
      for (const side of turns(sides, turn)) {
        const before = processorTime(side.processes);
        const result = await listing(side.client, resourceVersion);
        note(cpu, side, processorTime(side.processes) - before);
        note(elapsed, side, result.elapsed);
        note(bytes, side, result.bytes);
      }
    }
    const name = `list of ${objects}, resourceVersion ${resourceVersion ?? "unset"}`;
    const median = (figures: Figures<number>) => (side: Side) => quantile(figures.get(side) ?? [], 0.5);
    lines.push(line(`${name}, median`, "ms", sides, median(elapsed)));
    lines.push(line(`${name}, processor time`, "ms", sides, median(cpu)));
    if (resourceVersion === undefined)
      lines.push(line(`list of ${objects}, size`, "MB", sides, (side) => median(bytes)(side) / 1e6));
  }
  return lines;
}

async function measureWatches(sides: readonly [Side, Side], objects: number): Promise<Line[]> {
  const latencies: Figures<number> = new Map();
  // Twice each, the other way around the second time.
  for (const turn of [0, 1]) {
    for (const side of turns(sides, turn)) {
      const options = { value: `team-${objects}-${turn}`, events: EVENTS, interval: INTERVAL };
      note(latencies, side, ...(await watchLatencies(side.client, options)));
    }
  }
  return [0.5, 0.99].map((share) =>
    line(`write sent to event, ${objects} objects, p${share * 100}`, "ms", sides, (side) =>
      quantile(latencies.get(side) ?? [], share),
    ),
  );
}

function measureMemory(sides: readonly [Side, Side], when: string): Line[] {
  const sizes = new Map(sides.map((side) => [side, side.processes.map(residentMemory)]));
  const all = (side: Side): number => (sizes.get(side) ?? []).reduce((sum, size) => sum + size, 0);
  return [
    line(`resident, ${when}, with kine`, "MiB", sides, all),
    line(`resident, ${when}, without kine`, "MiB", sides, (side) => sizes.get(side)?.[0] ?? Number.NaN),
  ];
}

async function fill(sides: readonly [Side, Side]): Promise<void> {
  for (const { client } of sides) await creates(client, FEW, MANY, 2 * CONNECTIONS);
}

async function measureAll(sides: readonly [Side, Side]): Promise<Line[]> {
  const lines: Line[] = [];
  await rest();
  lines.push(...measureMemory(sides, "empty"));
  lines.push(...(await measureCreates(sides)));
  await rest();
  lines.push(...measureMemory(sides, `${FEW} objects`));
  lines.push(...(await measureLists(sides, FEW)));
  lines.push(...(await measureWatches(sides, FEW)));
  await fill(sides);
  await rest();
  lines.push(...measureMemory(sides, `${MANY} objects`));
  lines.push(...(await measureLists(sides, MANY)));
  lines.push(...(await measureWatches(sides, MANY)));
  await rest();
  lines.push(...measureMemory(sides, `${MANY} objects, listed and watched`));
  return lines;
}

/** Prints one table, and for each measure who is ahead. Takes a few minutes. */
export async function apiServers(): Promise<void> {
  const binaries = findBinaries();
  if (binaries === undefined) {
    console.log(
      "there is no kube-apiserver to compare with: install Go and run again, or set FLARESMITH_KUBERNETES to a folder with kube-apiserver and kine",
    );
    process.exitCode = 1;
    return;
  }
  const began = loadavg();
  const started: Contender[] = [];
  const clients: Client[] = [];
  try {
    const side = (contender: Contender): Side => {
      const client = createClient(contender.access);
      started.push(contender);
      clients.push(client);
      return { ...contender, client };
    };
    const server = await startEmbedded();
    const embedded = side(server);
    const kubernetes = await startKubeApiserver(binaries);
    const lines = await measureAll([embedded, side(kubernetes)]);
    const load = [...began.slice(0, 1), ...loadavg().slice(0, 1)]
      .map((value) => value.toFixed(1))
      .join(" to ");
    console.log(
      `${availableParallelism()} cores, load ${load}; kube-apiserver ${kubernetes.version} on kine`,
    );
    report(lines);
    const turns: number[] = [];
    for (let turn = 0; turn < LISTS; turn += 1)
      turns.push(await server.longestTurn(async () => void (await embedded.client.list())));
    console.log(
      `longest turn of the embedded server's loop in a list of ${MANY}: ${quantile(turns, 0.5).toFixed(1)} ms of processor time, ` +
        `${Math.max(...turns).toFixed(1)} at most`,
    );
  } finally {
    for (const client of clients) await client.close();
    for (const contender of started) await contender.stop();
  }
}
