import { describe, expect, it } from "vitest";
import { ApiError } from "../store/resource-client.ts";
import { FlaresmithError } from "./errors.ts";
import type { ErrorClass } from "./errors.ts";
import { done, failed, requeueAfter } from "./manager.ts";
import type { ControllerDefinition, ReconcileResult } from "./manager.ts";
import { connections, managedWorld as setUp, object, projects, shop } from "./testing/managed-world.ts";
import { priorities } from "./work-queue.ts";

const failure = (errorClass: ErrorClass, until?: number): ReconcileResult =>
  failed(
    new FlaresmithError({
      code: "INTEGRATION_UNAVAILABLE",
      message: "m",
      class: errorClass,
      ...(until === undefined ? {} : { until }),
    }),
  );

describe("a standby", () => {
  it("fills its caches and is ready, reconciles nothing until it leads, and then does so at once", async () => {
    const lead = Promise.withResolvers<void>();
    const world = setUp(undefined, {}, { leadership: () => lead.promise });
    await world.client.create(projects, object("Project", "shop"));
    await world.start();
    await world.clock.advance(600_000);
    await world.patch({ spec: { x: 1 } });
    expect(world.manager.ready).toBe(true);
    expect(world.runs).toEqual([]);
    lead.resolve();
    await world.clock.settle();
    expect(world.runs).toEqual([{ name: "shop", at: 600_000, priority: priorities.userEdit }]);
  });

  it("ends in order while it waits", async () => {
    const leadership = (signal: AbortSignal): Promise<void> =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      });
    const world = setUp(undefined, {}, { leadership });
    const running = world.manager.start(world.stop.signal);
    await world.clock.settle();
    world.stop.abort(new Error("stop"));
    await running;
    expect(world.client.openWatches).toBe(0);
  });
});

describe("a manager whose caches are not filled", () => {
  it("says what keeps the caches from being filled, until they are", async () => {
    const world = setUp();
    const error = new ApiError({ code: 403, reason: "Forbidden", message: "projects is forbidden" });
    for (let count = 0; count < 3; count++) world.client.failures.push({ on: "watch", error });
    void world.manager.start(world.stop.signal);
    await world.clock.settle();
    expect(world.manager.problem).toBe("Project: projects is forbidden");
    await world.clock.advance(60_000);
    expect(world.manager.problem).toBeUndefined();
  });
});

describe("what brings an object up", () => {
  it("the listing at start, an edit, a consent, a request and a deletion, each with its priority", async () => {
    const { clock, client, runs, start, patch } = setUp();
    await client.create(projects, object("Project", "shop"));
    await start();
    await patch({ spec: { x: 1 } });
    await patch({ metadata: { annotations: { "flaresmith.dev/reconcile-requested-at": "1" } } });
    await patch({ metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } });
    await client.create(projects, object("Project", "new"));
    await clock.settle();
    expect(runs.map(({ name, priority }) => [name, priority])).toEqual([
      ["shop", priorities.resync],
      ["shop", priorities.userEdit],
      ["shop", priorities.userEdit],
      ["shop", priorities.deletion],
      ["new", priorities.userEdit],
    ]);
  });

  it("not its own status, and not an object that is gone", async () => {
    const { clock, client, runs, manager, start } = setUp();
    await client.create(projects, object("Project", "shop"));
    await start();
    await client.patchStatus(projects, shop, { type: "merge", body: { status: { state: "active" } } });
    await clock.settle();
    expect(runs).toHaveLength(1);
    await client.delete(projects, shop);
    manager.enqueue("project", { ...shop, name: "never" }, { priority: priorities.webhook });
    await clock.settle();
    expect(runs).toHaveLength(1);
    expect(() => manager.enqueue("unknown", shop, { priority: priorities.webhook })).toThrow(RangeError);
  });

  it("what it refers to, before and after the change, and webhooks", async () => {
    const { clock, client, runs, manager, start } = setUp(undefined, {
      watches: [
        {
          type: connections,
          toKeys: (connection, caches) =>
            caches
              .of(projects)
              .list()
              .filter(({ spec }) => (spec as { connection?: string }).connection === connection.metadata.name)
              .map(({ metadata }) => ({ namespace: "team", name: metadata.name })),
        },
      ],
    });
    await client.create(projects, object("Project", "shop", { connection: "gh" }));
    await client.create(projects, object("Project", "blog"));
    await client.create(connections, object("Connection", "gh"));
    await start();
    runs.length = 0;
    await client.patchStatus(
      connections,
      { namespace: "team", name: "gh" },
      { type: "merge", body: { status: { ok: true } } },
    );
    await clock.settle();
    manager.enqueue("project", { namespace: "team", name: "blog" }, { priority: priorities.webhook });
    await clock.settle();
    expect(runs.map(({ name, priority }) => [name, priority])).toEqual([
      ["shop", priorities.webhook],
      ["blog", priorities.webhook],
    ]);
  });

  it("the clock: at moments one interval apart, groups together and spread over the interval", async () => {
    const { clock, client, runs, start } = setUp(undefined, {
      resyncInterval: () => 600_000,
      resyncGroup: ({ metadata }) => metadata.name.slice(0, 1),
    });
    for (const name of ["a1", "a2", "b1", "c1"]) await client.create(projects, object("Project", name));
    await start();
    await clock.advance(4 * 600_000);
    const times = new Map<string, number[]>();
    for (const { name, at } of runs) times.set(name, [...(times.get(name) ?? []), at]);
    for (const [first = 0, second = 0, third = 0, fourth = 0] of times.values()) {
      expect(second - first).toBeLessThanOrEqual(660_000);
      expect(third - second).toBe(600_000);
      expect(fourth - third).toBe(600_000);
    }
    expect(times.get("a1")?.slice(1)).toEqual(times.get("a2")?.slice(1));
    expect(new Set([...times.values()].map(([, second]) => second)).size).toBe(3);
  });
});

describe("what a result does", () => {
  const firstThenDone = (first: ReconcileResult, extra: Partial<ControllerDefinition> = {}) => {
    const world = setUp((_context, run) => (run === 1 ? first : done), extra);
    const begin = async (): Promise<void> => {
      await world.client.create(projects, object("Project", "shop"));
      await world.start();
    };
    return { ...world, begin };
  };

  it("requeueAfter brings it up then", async () => {
    const { clock, runs, begin } = firstThenDone(requeueAfter(5000));
    await begin();
    await clock.advance(4999);
    expect(runs).toHaveLength(1);
    await clock.advance(1);
    expect(runs).toHaveLength(2);
    await clock.advance(600_000);
    expect(runs).toHaveLength(2);
  });

  it("a transient error backs off further each time; an edit ends the wait and the back-off", async () => {
    const { clock, client, runs, start, patch } = setUp(() => failure("transient"));
    await client.create(projects, object("Project", "shop"));
    await start();
    await clock.advance(600_000);
    const first = runs.length;
    expect(first).toBeGreaterThan(10);
    expect(first).toBeLessThan(30);
    await patch({ spec: { x: 1 } });
    expect(runs.length).toBe(first + 1);
    await clock.advance(100);
    expect(runs.length).toBeGreaterThan(first + 1);
  });

  it.each([
    [401, "Unauthorized"],
    [403, "Forbidden"],
  ])(
    "a %i of our own API is tried again: tokens and roles may be there a moment later",
    async (code, reason) => {
      const world = setUp((_context, run) => {
        if (run < 4) throw new ApiError({ code, reason, message: "secrets is forbidden" });
        return done;
      });
      await world.client.create(projects, object("Project", "shop"));
      await world.start();
      await world.clock.advance(30_000);
      expect(world.runs).toHaveLength(4);
    },
  );

  it("a rate limit waits for its moment and not for the back-off", async () => {
    const { clock, runs, begin } = firstThenDone(failure("rateLimited", Date.UTC(2026, 0, 1) + 90_000));
    await begin();
    await clock.advance(89_000);
    expect(runs).toHaveLength(1);
    await clock.advance(2000);
    expect(runs).toHaveLength(2);
  });

  it("a conflict is tried again at once and nobody hears of it", async () => {
    const conflict = new ApiError({ code: 409, reason: "Conflict", message: "modified" });
    const world = setUp((_context, run) => {
      if (run === 1) throw conflict;
      return done;
    });
    await world.client.create(projects, object("Project", "shop"));
    await world.start();
    await world.clock.advance(10);
    expect(world.runs).toHaveLength(2);
    expect(world.lines).toEqual([]);
    const { body } = await world.tracker.exposition();
    expect(body).toContain('controller_runtime_reconcile_total{controller="project",result="requeue"} 1');
    expect(body).toContain('controller_runtime_reconcile_total{controller="project",result="error"} 0');
  });

  it.each<ErrorClass>(["terminal", "auth"])(
    "a %s error waits for a change or the next resync, without a hot loop",
    async (errorClass) => {
      const { clock, runs, begin, patch } = firstThenDone(failure(errorClass), {
        resyncInterval: () => 600_000,
      });
      await begin();
      await clock.advance(50_000);
      expect(runs).toHaveLength(1);
      await clock.advance(610_000);
      expect(runs).toHaveLength(2);
      await patch({ spec: { fixed: true } });
      expect(runs).toHaveLength(3);
    },
  );

  it("an unknown outcome backs off", async () => {
    const { clock, runs, begin } = firstThenDone(failure("unknownOutcome"));
    await begin();
    await clock.advance(10);
    expect(runs).toHaveLength(2);
  });

  it("a defect is logged with its stack, counted, and does not stop the worker", async () => {
    const { clock, client, tracker, lines, runs, start } = setUp(
      (_context, run) => {
        if (run === 1) throw new TypeError("x is undefined");
        return done;
      },
      { concurrency: 1 },
    );
    await client.create(projects, object("Project", "shop"));
    await start();
    await clock.advance(10);
    expect(runs).toHaveLength(2);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      level: "error",
      controller: "project",
      kind: "Project",
      namespace: "team",
      name: "shop",
      reconcileID: expect.stringMatching(/^[0-9a-f-]{36}$/),
      error: { code: "INTERNAL_ERROR", cause: { name: "TypeError" } },
    });
    expect((await tracker.exposition()).body).toContain(
      'errors_total{code="INTERNAL_ERROR",severity="critical"} 1',
    );
  });

  it("an interval that cannot be read breaks that object only", async () => {
    const { clock, client, runs, start } = setUp(undefined, {
      resyncInterval: ({ metadata }) => {
        if (metadata.name === "bad") throw new Error("unreadable");
        return undefined;
      },
    });
    for (const name of ["bad", "good"]) await client.create(projects, object("Project", name));
    await start();
    await clock.advance(10);
    expect(runs.map(({ name }) => name)).toEqual(["good"]);
  });
});

describe("an object", () => {
  it("is never reconciled twice at a time, others are, up to the concurrency", async () => {
    let running = 0;
    let most = 0;
    const world = setUp(
      async ({ clock }) => {
        running++;
        most = Math.max(most, running);
        await clock.sleep(1000);
        running--;
        return done;
      },
      { concurrency: 3 },
    );
    for (let index = 0; index < 7; index++)
      await world.client.create(projects, object("Project", `p${index}`));
    await world.start();
    for (let index = 0; index < 3; index++) {
      await world.client.patch(
        projects,
        { namespace: "team", name: "p0" },
        { type: "merge", body: { spec: { index } } },
      );
    }
    await world.clock.advance(10_000);
    expect(most).toBe(3);
    expect(world.runs.filter(({ name }) => name === "p0")).toHaveLength(2);
  });
});
