import { expect, test } from "vitest";
import { createFaults } from "./faults.ts";
import { createJournal } from "./journal.ts";
import { manualClock } from "./manual-clock.ts";
import { ConnectionDropped, createProvider } from "./provider.ts";
import type { SandboxContext } from "./provider.ts";
import { seededRandom } from "./random.ts";
import { memoryStorage } from "./storage.ts";

function counter() {
  const random = seededRandom(1);
  const context: SandboxContext = {
    clock: manualClock(),
    random,
    journal: createJournal(),
    faults: createFaults(random),
    storage: memoryStorage(),
  };
  let applied = 0;
  const app = {
    fetch: (_request: Request, environment: { changed: boolean }): Response => {
      applied += 1;
      environment.changed = true;
      return Response.json({ applied });
    },
  };
  const provider = createProvider({ name: "neon", app, context, state: () => applied });
  return {
    context,
    provider,
    applied: () => applied,
    call: (path = "/a") => provider.fetch(new Request(`http://x${path}`, { method: "POST" })),
  };
}

test("a fault before the request keeps it from being applied, one after it does not", async () => {
  const { applied, call, context } = counter();
  context.faults.add({ status: 503, body: { message: "later" } });
  context.faults.add({ when: "after", status: 502, body: "<html></html>" });
  const before = await call();
  expect([before.status, await before.json(), applied()]).toEqual([503, { message: "later" }, 0]);
  const after = await call();
  expect([after.status, after.headers.get("content-type"), applied()]).toEqual([
    502,
    "text/html; charset=utf-8",
    1,
  ]);
  expect((await call()).status).toBe(200);
  expect(context.journal.since(0).map(({ status, changed, fault }) => [status, changed, fault])).toEqual([
    [503, false, "fault-1"],
    [502, true, "fault-2"],
    [200, true, undefined],
  ]);
});

test("matchers, skip and times choose what is hit", async () => {
  const { call, context } = counter();
  context.faults.add({ provider: "neon", method: "POST", path: "^/b", skip: 1, times: 2, status: 500 });
  context.faults.add({ provider: "github", status: 501, times: 0 });
  context.faults.add({ method: "GET", status: 501, times: 0 });
  const statuses: number[] = [];
  for (const path of ["/a", "/b", "/b?x=1", "/b", "/b"]) statuses.push((await call(path)).status);
  expect(statuses).toEqual([200, 200, 500, 500, 200]);
});

test("a dropped connection is an error for the client, and the journal knows whether the request was applied", async () => {
  const { applied, call, context } = counter();
  context.faults.add({ when: "after", drop: true });
  await expect(call()).rejects.toThrow(ConnectionDropped);
  expect(applied()).toBe(1);
  expect(context.journal.since(0)).toMatchObject([{ status: 0, changed: true }]);
});

test("a delay lasts as long as the sandbox's clock says", async () => {
  const { applied, call, context } = counter();
  context.faults.add({ delay: 5_000 });
  let done = false;
  const pending = call().then(() => (done = true));
  context.clock.advance(4_999);
  await Promise.resolve();
  expect([done, applied()]).toEqual([false, 0]);
  context.clock.advance(1);
  await pending;
  expect([done, applied()]).toEqual([true, 1]);
});

test("a chance is drawn from the sandbox's randomness: the same seed hits the same requests", async () => {
  const run = async () => {
    const { call, context } = counter();
    context.faults.add({ probability: 0.5, times: 0, status: 500 });
    const statuses: number[] = [];
    for (let index = 0; index < 20; index += 1) statuses.push((await call()).status);
    return statuses;
  };
  const statuses = await run();
  expect(await run()).toEqual(statuses);
  expect(new Set(statuses)).toEqual(new Set([200, 500]));
});
