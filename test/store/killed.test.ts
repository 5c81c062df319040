/** Class 26: the process that writes to the store is killed, again and again, at any moment. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { seededRandom } from "../../controller/runtime/adapters/virtual.ts";
import { systemClock, systemRandom } from "../../controller/runtime/adapters/system.ts";
import { hashOf } from "../../controller/runtime/hash.ts";
import type { Random } from "../../controller/runtime/clock.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import type { EmbeddedStore } from "../../controller/store/embedded/index.ts";
import type { WatchEvent } from "../../controller/store/resource-client.ts";
import { kinds } from "../../crds/index.ts";
import { typeOf } from "../support/world.ts";
import { compare, hear, parseLines, settle } from "./writer-lines.ts";
import type { Heard, Line } from "./writer-lines.ts";

const KILLS = 24;
const SEED = 12;
const sources = typeOf("Source");

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "flaresmith-killed-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const open = (path: string): Promise<EmbeddedStore> =>
  openEmbeddedStore({
    path,
    clock: systemClock(),
    random: systemRandom(),
    types: [...builtinTypes, ...kinds.map((kind) => kindType(kind))],
  });

/** Runs a script of this folder until it has said so many lines and a moment more, then kills it. */
async function lifeOf(
  script: string,
  args: readonly string[],
  options: { lines: number; moment: number },
): Promise<string[]> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const heard: string[] = [];
  let killing = options.lines === 0;
  const kill = (): void => void setTimeout(() => child.kill("SIGKILL"), options.moment);
  if (killing) kill();
  for await (const line of createInterface({ input: child.stdout })) {
    heard.push(line);
    if (killing || heard.length < options.lines) continue;
    killing = true;
    kill();
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return heard;
}

/** What SQLite itself says of the file, without anybody of ours in between. */
function sqliteSays(path: string): unknown[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return ["quick_check", "integrity_check"].map(
      (check) => Object.values(db.prepare(`PRAGMA ${check}`).get() ?? {})[0],
    );
  } finally {
    db.close();
  }
}

/** A watch of the reopened store from its revision sees exactly what is written to it. */
async function watchGoesOn(store: EmbeddedStore, round: number): Promise<void> {
  const stop = new AbortController();
  const events: AsyncIterable<WatchEvent> = store.watch(
    sources,
    { resourceVersion: store.revision },
    stop.signal,
  );
  const iterator = events[Symbol.asyncIterator]();
  const next = iterator.next();
  const made = await store.create(sources, {
    apiVersion: "flaresmith.dev/v1alpha1",
    kind: "Source",
    metadata: { name: `round-${round}`, namespace: "default" },
    spec: { directory: "/after" },
  });
  expect((await next).value).toEqual({ type: "ADDED", object: made });
  stop.abort();
  await iterator.return?.();
}

test(
  `after each of ${KILLS} kills all that was acknowledged is there, and nothing that was acknowledged to be gone`,
  { timeout: 180_000 },
  async () => {
    const path = join(temporaryDirectory(), "store.db");
    const random = seededRandom(SEED);
    const heard: Heard = { objects: new Map(), highest: 0, acknowledged: 0 };
    const verbs = new Set<string>();
    for (let round = 1; round <= KILLS; round += 1) {
      const lines = Math.ceil(random.next() * 800);
      const said = await lifeOf("writer-process.ts", [path, String(round)], {
        lines,
        moment: random.next() * 40,
      });
      const parsed = parseLines(said);
      for (const line of parsed) if ("ack" in line) verbs.add(line.verb);
      expect(hear(heard, parsed), `round ${round}`).toEqual([]);
      expect(sqliteSays(path)).toEqual(["ok", "ok"]);
      const store = await open(path);
      const { items } = await store.list(sources);
      expect(compare(heard, items), `round ${round}`).toEqual([]);
      expect(Number(store.revision)).toBeGreaterThanOrEqual(heard.highest);
      await watchGoesOn(store, round);
      settle(heard, (await store.list(sources)).items, Number(store.revision));
      await store.close();
    }
    expect([...verbs].toSorted()).toEqual([
      "apply",
      "create",
      "delete",
      "finalize",
      "hold",
      "status",
      "update",
    ]);
    expect(heard.acknowledged).toBeGreaterThan(KILLS * 50);
  },
);

test("the comparison sees a lost write, a lost deletion and a revision given out twice", () => {
  const object = (revision: number) => ({
    apiVersion: "v1",
    kind: "Source",
    metadata: { name: "a", resourceVersion: String(revision) },
  });
  const fresh = (): Heard => ({ objects: new Map(), highest: 0, acknowledged: 0 });
  const write = (revision: number): Line[] => [
    { try: "a", verb: "update", value: 1 },
    { ack: "a", verb: "update", revision, hash: hashOf(object(revision)) },
  ];
  const lost = fresh();
  expect(hear(lost, write(7))).toEqual([]);
  expect(compare(lost, [object(6)])).toHaveLength(1);
  expect(compare(lost, [])).toHaveLength(1);
  const gone = fresh();
  hear(gone, [
    ...write(7),
    { try: "a", verb: "delete", value: 2 },
    { ack: "a", verb: "delete", revision: 7, hash: null },
  ]);
  expect(compare(gone, [object(7)])).toHaveLength(1);
  expect(compare(gone, [])).toEqual([]);
  const twice = fresh();
  expect(hear(twice, [...write(7), ...write(7)])).toEqual(["revision 7 was given out twice"]);
  expect(hear(twice, write(7))).toHaveLength(1);
  const missed = fresh();
  expect(hear(missed, [...write(7), ...write(8), { seen: "a", event: "MODIFIED", revision: 8 }])).toEqual([
    "the watch missed revision 7 of a",
  ]);
});

/** A store as a killed writer left it, with its log. */
async function leftBehind(): Promise<{ path: string; names: string[] }> {
  const path = join(temporaryDirectory(), "store.db");
  await lifeOf("writer-process.ts", [path, "1"], { lines: 400, moment: 0 });
  const copy = join(temporaryDirectory(), "store.db");
  for (const suffix of ["", "-wal"]) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
  const store = await open(copy);
  const names = (await store.list(sources)).items.map(({ metadata }) => metadata.name);
  await store.close();
  return { path, names };
}

async function dieWhileOpening(
  random: Random,
  prepare: (path: string) => void,
  check: (path: string) => Promise<void>,
): Promise<void> {
  const phases = new Set<number>();
  for (let round = 0; round < 12; round += 1) {
    const path = join(temporaryDirectory(), "store.db");
    prepare(path);
    // Before it says anything, after "opening", after "opened", after "closing".
    const lines = Math.floor(random.next() * 4);
    const said = await lifeOf("opener-process.ts", [path], {
      lines,
      moment: random.next() * (lines === 0 ? 250 : 12),
    });
    phases.add(said.length);
    await check(path);
  }
  expect(phases.size, "killed in different phases").toBeGreaterThan(1);
}

test(
  "killed while it opens, checkpoints or closes: the next one finds the same",
  { timeout: 120_000 },
  async () => {
    const { names, path: original } = await leftBehind();
    await dieWhileOpening(
      seededRandom(SEED + 1),
      (path) => {
        for (const suffix of ["", "-wal"]) copyFileSync(`${original}${suffix}`, `${path}${suffix}`);
      },
      async (path) => {
        const store = await open(path);
        expect((await store.list(sources)).items.map(({ metadata }) => metadata.name)).toEqual(names);
        await store.close();
        expect(sqliteSays(path)).toEqual(["ok", "ok"]);
      },
    );
  },
);

test(
  "killed while it takes over a file of the first format: the next one takes it over",
  { timeout: 120_000 },
  async () => {
    const { names, path: original } = await leftBehind();
    await (await open(original)).close();
    const db = new DatabaseSync(original);
    db.exec("PRAGMA user_version=1; DELETE FROM meta WHERE key<>'revision'");
    db.close();
    await dieWhileOpening(
      seededRandom(SEED + 2),
      (path) => copyFileSync(original, path),
      async (path) => {
        const store = await open(path);
        expect((await store.list(sources)).items.map(({ metadata }) => metadata.name)).toEqual(names);
        await store.close();
        expect(sqliteSays(path)).toEqual(["ok", "ok"]);
      },
    );
  },
);

test("killed while it makes a new store: there is a whole one or none", { timeout: 120_000 }, async () => {
  await dieWhileOpening(
    seededRandom(SEED + 3),
    () => undefined,
    async (path) => {
      if (existsSync(path)) expect(sqliteSays(path)).toEqual(["ok", "ok"]);
      await (await open(path)).close();
      expect(readdirSync(join(path, "..")).filter((name) => name !== "store.db-shm")).toEqual(["store.db"]);
    },
  );
});
