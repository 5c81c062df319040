/**
 * Writes to a store from many sides at once until it is killed, and tells of each step on standard output, one JSON line
 * each: `try` before a write is asked for, `ack` when it was answered, `seen` for each event of a watch.
 */
import { writeSync } from "node:fs";
import { seededRandom } from "../../controller/runtime/adapters/virtual.ts";
import { keepAlive } from "../../controller/runtime/adapters/keep-alive.ts";
import { systemClock, systemRandom } from "../../controller/runtime/adapters/system.ts";
import { hashOf } from "../../controller/runtime/hash.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import type { KubernetesObject, WatchEvent } from "../../controller/store/resource-client.ts";
import { kinds } from "../../crds/index.ts";
import { typeOf } from "../support/world.ts";
import type { Line } from "./writer-lines.ts";

const [path = "", seed = "0"] = process.argv.slice(2);
const WRITERS = 12;
const type = typeOf("Source");
// Told before it goes on: what a full pipe makes `process.stdout` keep dies with the process.
const tell = (line: Line): void => void writeSync(1, `${JSON.stringify(line)}\n`);

keepAlive();
const store = await openEmbeddedStore({
  path,
  clock: systemClock(),
  random: systemRandom(),
  types: [...builtinTypes, ...kinds.map((kind) => kindType(kind))],
});
tell({ opened: store.revision });

const never = new AbortController();
const watch = async (): Promise<void> => {
  const events: AsyncIterable<WatchEvent> = store.watch(
    type,
    { resourceVersion: store.revision },
    never.signal,
  );
  for await (const event of events) {
    if (event.type === "BOOKMARK") continue;
    const { name, resourceVersion } = event.object.metadata;
    tell({ seen: name, event: event.type, revision: Number(resourceVersion) });
  }
};

/** One name of its own, taken through all that can be done to an object. */
async function write(writer: number): Promise<void> {
  const random = seededRandom(Number(seed) * 100 + writer);
  const name = `w${writer}`;
  const key = { namespace: "default", name };
  // Some are large, so that the log is brought into the file every few transactions.
  const source = (value: number): KubernetesObject => ({
    apiVersion: "flaresmith.dev/v1alpha1",
    kind: "Source",
    metadata: {
      name,
      namespace: "default",
      annotations: { text: "x".repeat(writer % 3 === 0 ? 60_000 : 100) },
    },
    spec: { directory: `/${value}` },
  });
  let current = await store.get(type, key).catch(() => undefined);
  for (let step = 0; ; step += 1) {
    const value = Number(seed) * 1_000_000 + step;
    const act = async (verb: string, run: () => Promise<KubernetesObject>, gone = false): Promise<void> => {
      tell({ try: name, verb, value });
      const object = await run();
      const isGone = gone || (verb === "delete" && (object.metadata.finalizers ?? []).length === 0);
      tell({
        ack: name,
        verb,
        revision: Number(object.metadata.resourceVersion),
        hash: isGone ? null : hashOf(object),
      });
      current = isGone ? undefined : object;
    };
    if (current === undefined) {
      if (random.next() < 0.5) await act("create", () => store.create(type, source(value)));
      else await act("apply", () => store.apply(type, source(value), { fieldManager: "w" }));
      continue;
    }
    const present = current;
    const held = (present.metadata.finalizers ?? []).length > 0;
    const merge = (body: Record<string, unknown>) => ({ type: "merge" as const, body });
    if (present.metadata.deletionTimestamp !== undefined) {
      const body = { metadata: { finalizers: null } };
      await act("finalize", () => store.patch(type, key, merge(body)), true);
      continue;
    }
    const choice = random.next();
    if (choice < 0.35) {
      await act("update", () => store.update(type, { ...present, spec: { directory: `/${value}` } }));
    } else if (choice < 0.6) {
      await act("status", () =>
        store.patchStatus(type, key, merge({ status: { lastHandledReconcileAt: String(value) } })),
      );
    } else if (choice < 0.75) {
      await act("apply", () => store.apply(type, source(value), { fieldManager: "w", force: true }));
    } else if (choice < 0.85) {
      const finalizers = held ? null : ["test.dev/held"];
      await act("hold", () => store.patch(type, key, merge({ metadata: { finalizers } })));
    } else {
      await act("delete", () => store.delete(type, key));
    }
  }
}

await Promise.all([watch(), ...Array.from({ length: WRITERS }, (_, writer) => write(writer))]);
