import { describe, expect, it } from "vitest";
import { virtualClock } from "./adapters/virtual.ts";
import { createShutdown } from "./shutdown.ts";
import { createTracker } from "./tracker.ts";

const setUp = () => {
  const clock = virtualClock();
  const stopped: string[] = [];
  const shutdown = createShutdown({ clock, tracker: createTracker({ clock }), grace: 30_000 });
  return { clock, stopped, shutdown };
};

describe("shutting down", () => {
  it("stops what was started last first, once", async () => {
    const { stopped, shutdown } = setUp();
    for (const name of ["store", "api", "controller"]) shutdown.register(name, () => void stopped.push(name));
    const [first, second] = await Promise.all([shutdown.run("SIGTERM"), shutdown.run("SIGINT")]);
    expect(stopped).toEqual(["controller", "api", "store"]);
    expect(first).toEqual({ clean: true });
    expect(second).toBe(first);
    expect(shutdown.signal.aborted).toBe(true);
  });

  it("goes on past what fails or hangs, within one deadline for everything", async () => {
    const { clock, stopped, shutdown } = setUp();
    shutdown.register("store", () => void stopped.push("store"));
    shutdown.register("hangs", () => new Promise(() => undefined));
    shutdown.register("slow", async () => clock.sleep(10_000));
    shutdown.register("fails", () => Promise.reject(new Error("no")));
    const ending = shutdown.run("SIGTERM");
    await clock.advance(30_000);
    expect(await ending).toEqual({ clean: false });
    expect(stopped).toEqual(["store"]);
    expect(clock.monotonic()).toBe(30_000);
  });

  it("stops at once what is started while it ends, and waits for it", async () => {
    const { clock, stopped, shutdown } = setUp();
    shutdown.register("slow", async () => {
      await clock.sleep(1_000);
      stopped.push("slow");
    });
    const ending = shutdown.run("SIGTERM");
    shutdown.register("late", async () => {
      stopped.push("late is told");
      await clock.sleep(2_000);
      stopped.push("late");
    });
    await clock.advance(10_000);
    expect(await ending).toEqual({ clean: true });
    expect(stopped).toEqual(["late is told", "slow", "late"]);
    shutdown.register("fails", () => Promise.reject(new Error("no")));
    shutdown.register("later", () => void stopped.push("later"));
    await clock.settle();
    expect(stopped.at(-1)).toBe("later");
  });

  it("waits for what is still starting, and only then stops what that stands on", async () => {
    const { clock, stopped, shutdown } = setUp();
    shutdown.register("lock", () => void stopped.push("lock"));
    const starting = shutdown.start(
      "database",
      async () => {
        await clock.sleep(5_000);
        return "the database";
      },
      (started) => void stopped.push(started),
    );
    const outcome = expect(starting).rejects.toThrow("SIGINT");
    const ending = shutdown.run("SIGINT");
    await clock.advance(4_000);
    expect(stopped).toEqual([]);
    await clock.advance(1_000);
    await outcome;
    expect(await ending).toEqual({ clean: true });
    expect(stopped).toEqual(["the database", "lock"]);
  });

  it("hands out what has started, and stops it in its turn; what did not start has nothing to stop", async () => {
    const { stopped, shutdown } = setUp();
    shutdown.register("lock", () => void stopped.push("lock"));
    const stop = (name: string): void => void stopped.push(name);
    expect(await shutdown.start("database", () => Promise.resolve("database"), stop)).toBe("database");
    const failing = shutdown.start("api", () => Promise.reject(new Error("the port is taken")), stop);
    await expect(failing).rejects.toThrow("the port is taken");
    expect(await shutdown.run("SIGINT")).toEqual({ clean: true });
    expect(stopped).toEqual(["database", "lock"]);
  });

  it("starts nothing any more once it has begun", async () => {
    const { shutdown } = setUp();
    await shutdown.run("SIGINT");
    let begun = false;
    const begin = (): Promise<void> => {
      begun = true;
      return Promise.resolve();
    };
    await expect(shutdown.start("late", begin, () => undefined)).rejects.toThrow("SIGINT");
    expect(begun).toBe(false);
  });

  it("stops what is started by whoever hears that it ends", async () => {
    const { stopped, shutdown } = setUp();
    shutdown.signal.addEventListener("abort", () => {
      shutdown.register("connection", () => void stopped.push("connection"));
    });
    expect(await shutdown.run("SIGTERM")).toEqual({ clean: true });
    expect(stopped).toEqual(["connection"]);
  });
});
