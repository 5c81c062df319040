import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock, systemRandom } from "../../runtime/adapters/system.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createTracker } from "../../runtime/tracker.ts";
import type { Run } from "./run.ts";
import { openStore } from "./store.ts";

it("a write of the running controller is answered without waiting for any timer", async () => {
  const directory = await mkdtemp(join(tmpdir(), "up-store-"));
  let timers = 0;
  const system = systemClock();
  const clock: Clock = {
    ...system,
    setTimer: (milliseconds, callback) => {
      timers += 1;
      return system.setTimer(milliseconds, callback);
    },
  };
  const tracker = createTracker({ clock, destination: { write: () => undefined } });
  const run = { directory, environment: { clock, random: systemRandom() }, tracker } as unknown as Run;
  const { store } = await openStore(run);
  try {
    const type = store.types.find(({ type: { kind } }) => kind === "ConfigMap")?.type;
    if (type === undefined) throw new Error("there is no type ConfigMap");
    const metadata = { name: "settings", namespace: "default" };
    await store.create(type, { apiVersion: "v1", kind: "ConfigMap", metadata });
    expect(store.getText(type, metadata)).toContain('"uid"');
    expect(timers).toBe(0);
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
});
