/**
 * How long a sync of a git repository takes: everything new, one file changed, nothing changed.
 *
 *   node bench/git-sync.ts [files, default 10000]
 *
 * Goals for 10,000 files on 2 cores: first 4.5 s, one changed 100 ms, none 30 ms.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kinds } from "../crds/index.ts";
import { systemClock, systemRandom } from "../controller/runtime/adapters/system.ts";
import { createManager } from "../controller/runtime/manager.ts";
import { createTracker } from "../controller/runtime/tracker.ts";
import { priorities } from "../controller/runtime/work-queue.ts";
import { sourceController } from "../controller/sources/source-controller.ts";
import type { SourceObject } from "../controller/sources/source-object.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../controller/store/embedded/index.ts";
import { createRepository } from "../test/support/git-repository.ts";
import { project, typeOf } from "../test/support/source-world.ts";

// The clock's timers do not keep a process alive.
const alive = setInterval(() => {}, 60_000);
const count = Number(process.argv[2] ?? 10_000);
const directory = await mkdtemp(join(tmpdir(), "git-sync-"));
const clock = systemClock();
const random = systemRandom();
const tracker = createTracker({ clock });
const store = await openEmbeddedStore({
  path: join(directory, "store.db"),
  clock,
  random,
  types: [...builtinTypes, ...kinds.map((kind) => kindType(kind))],
});
const repository = createRepository(join(directory, "repo.git"));
const files = Object.fromEntries(
  Array.from({ length: count }, (_, index) => [
    `apps/${index % 100}/p${index}.yaml`,
    project(`p${index}`, "    description: one\n"),
  ]),
);
repository.commit(files);
const stopping = new AbortController();
const controller = sourceController({
  client: store,
  clock,
  tracker,
  allowedDirectories: [directory],
  dataDirectory: directory,
  environment: process.env,
  secret: async () => undefined,
  wake: (key) => manager.enqueue("source", key, { priority: priorities.userEdit }),
});
let reconcileMilliseconds = 0;
let reconciled: () => void = () => {};
const timed = {
  ...controller,
  reconcile: async (...args: Parameters<typeof controller.reconcile>) => {
    const began = performance.now();
    const result = await controller.reconcile(...args);
    reconcileMilliseconds = performance.now() - began;
    reconciled();
    return result;
  },
};
const manager = createManager({ client: store, clock, random, tracker, controllers: [timed] });
const ended = manager.start(stopping.signal);
const key = { namespace: "default", name: "bench" };
let requests = 0;

/** Asks for a sync; milliseconds from the request to the answer in the status, and of the reconciliation alone. */
async function sync(): Promise<string> {
  const token = String((requests += 1));
  const began = performance.now();
  const answered = (async () => {
    for await (const event of store.watch<SourceObject>(typeOf("Source"), {}, stopping.signal)) {
      if (event.type !== "BOOKMARK" && event.object.status?.lastHandledReconcileAt === token) return;
    }
  })();
  const body = { metadata: { annotations: { "flaresmith.dev/reconcile-requested-at": token } } };
  await store.patch(typeOf("Source"), key, { type: "merge", body }, { fieldManager: "bench" });
  await answered;
  return `${(performance.now() - began).toFixed(0)} ms (reconciliation ${reconcileMilliseconds.toFixed(0)} ms)`;
}

const say = (what: string, text: string): void => void process.stdout.write(`${what.padEnd(28)} ${text}\n`);
const began = performance.now();
await store.create(typeOf("Source"), {
  apiVersion: "flaresmith.dev/v1alpha1",
  kind: "Source",
  metadata: { ...key, annotations: { "flaresmith.dev/reconcile-requested-at": "first" } },
  spec: { git: { url: repository.url }, interval: "24h" },
});
for await (const event of store.watch<SourceObject>(typeOf("Source"), {}, stopping.signal)) {
  if (event.type === "BOOKMARK") continue;
  const ready = event.object.status?.conditions?.find(({ type }) => type === "Ready");
  if (ready !== undefined && event.object.status?.lastHandledReconcileAt === "first") {
    say(
      `${count} files, first`,
      `${(performance.now() - began).toFixed(0)} ms (${ready.message.slice(0, 60)})`,
    );
    break;
  }
}
for (let round = 0; round < 3; round += 1) {
  repository.commit({ "apps/7/p7.yaml": project("p7", `    description: round ${round}\n`) });
  say("one file changed", await sync());
}
// As at an interval: nobody waits for an answer in the status.
for (let round = 0; round < 3; round += 1) {
  const { promise, resolve } = Promise.withResolvers<void>();
  reconciled = resolve;
  manager.enqueue("source", key, { priority: priorities.webhook });
  await promise;
  say("nothing changed", `${reconcileMilliseconds.toFixed(0)} ms`);
}
stopping.abort(new Error("the measurement is over"));
await Promise.all([manager.stop(), ended]);
await store.close();
await rm(directory, { recursive: true, force: true });
clearInterval(alive);
