import { expect, it } from "vitest";
import { kinds, resourceType } from "../../crds/index.ts";
import { seededRandom, virtualClock } from "./adapters/virtual.ts";
import type { Clock } from "./clock.ts";
import { createManager, done } from "./manager.ts";
import { memoryResourceClient } from "./testing/memory-resource-client.ts";
import { createTracker } from "./tracker.ts";

const OBJECTS = 500;
/** What may follow one another without a turn of the event loop, at a millisecond each; 20 would be noticed. */
const MOST = 10;

it("requests are answered while many objects are looked at that need nothing", async () => {
  const kind = kinds.find((candidate) => candidate.kind === "Project");
  if (kind === undefined) throw new Error("there is no kind Project");
  const type = resourceType(kind);
  // Of the two things that take time here, one is virtual: each pass takes a millisecond.
  const virtual = virtualClock();
  let passes = 0;
  const clock: Clock = { ...virtual, monotonic: () => virtual.monotonic() + passes };
  const client = memoryResourceClient();
  for (let index = 0; index < OBJECTS; index += 1) {
    const metadata = { name: `project-${index}`, namespace: "team" };
    await client.create(type, { apiVersion: "flaresmith.dev/v1alpha1", kind: "Project", metadata });
  }
  const finished = Promise.withResolvers<void>();
  const manager = createManager({
    client,
    clock,
    random: seededRandom(),
    tracker: createTracker({ clock, destination: { write: () => undefined } }),
    controllers: [
      {
        name: "project",
        type,
        reconcile: () => {
          passes += 1;
          if (passes === OBJECTS) finished.resolve();
          return Promise.resolve(done);
        },
      },
    ],
  });
  let most = 0;
  let before = 0;
  let watching = true;
  const turn = (): void => {
    most = Math.max(most, passes - before);
    before = passes;
    if (watching) setImmediate(turn);
  };
  setImmediate(turn);
  const running = manager.start(new AbortController().signal);
  await finished.promise;
  await new Promise((resolve) => setImmediate(resolve));
  watching = false;
  await manager.stop({ drain: 0 });
  await running;
  expect(most).toBeLessThanOrEqual(MOST);
});
