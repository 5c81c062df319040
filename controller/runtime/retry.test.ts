import { describe, expect, it } from "vitest";
import { seededRandom, virtualClock } from "./adapters/virtual.ts";
import { DeadlineExceeded, withDeadline } from "./deadline.ts";
import { createKeyedSerializer } from "./keyed-serializer.ts";
import { createRequestJournal } from "./request-journal.ts";
import { retryDelay, withRetries } from "./retry.ts";

describe("retries", () => {
  it("wait with full jitter below caps of 100 to 1600 ms", () => {
    const random = { ...seededRandom(), next: () => 0.999_999 };
    expect([1, 2, 3, 4, 5, 6].map((attempt) => retryDelay(attempt, { random }))).toEqual([
      99, 199, 399, 799, 1599, 1599,
    ]);
    expect(retryDelay(5, { random: { ...random, next: () => 0 } })).toBe(0);
  });

  it("end after 5 attempts, at an error that must not be repeated, and at once when aborted", async () => {
    const clock = virtualClock();
    const options = {
      clock,
      random: seededRandom(),
      isRetryable: (error: unknown) => (error as Error).message === "again",
    };
    const attempts: number[] = [];
    const failing = (message: string) => async (attempt: number) => {
      attempts.push(attempt);
      throw new Error(message);
    };
    const all = expect(withRetries(options, failing("again"))).rejects.toThrow("again");
    await clock.advance(5000);
    await all;
    await expect(withRetries(options, failing("never"))).rejects.toThrow("never");
    expect(attempts).toEqual([1, 2, 3, 4, 5, 1]);

    const stop = new AbortController();
    const slow = { ...options, random: { ...seededRandom(), next: () => 0.9 } };
    const waiting = withRetries(slow, failing("again"), stop.signal);
    await clock.settle();
    stop.abort(new Error("stop"));
    await expect(waiting).rejects.toThrow("stop");
    await clock.advance(5000);
    expect(attempts).toHaveLength(7);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("a deadline", () => {
  it("ends what does not listen, tells what does, and leaves no timer", async () => {
    const clock = virtualClock();
    let told: unknown;
    const late = withDeadline({ clock, milliseconds: 100 }, (signal) => {
      signal.addEventListener("abort", () => (told = signal.reason));
      return new Promise(() => undefined);
    });
    const ended = expect(late).rejects.toBeInstanceOf(DeadlineExceeded);
    await clock.advance(100);
    await ended;
    expect(told).toBeInstanceOf(DeadlineExceeded);
    expect(await withDeadline({ clock, milliseconds: 100 }, async () => "in time")).toBe("in time");
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("the serializer", () => {
  it("runs one task of a key at a time, goes on after failures and after waiters that gave up", async () => {
    const serializer = createKeyedSerializer();
    const log: string[] = [];
    const gate = Promise.withResolvers<void>();
    const stop = new AbortController();
    const first = serializer.run("a", async () => {
      await gate.promise;
      log.push("first");
      throw new Error("failed");
    });
    const second = serializer.run("a", async () => void log.push("never"), stop.signal);
    const third = serializer.run("a", async () => void log.push("third"));
    await serializer.run("b", async () => void log.push("other"));
    stop.abort(new Error("gave up"));
    await expect(second).rejects.toThrow("gave up");
    expect(log).toEqual(["other"]);
    gate.resolve();
    await expect(first).rejects.toThrow("failed");
    await third;
    expect(log).toEqual(["other", "first", "third"]);
    expect(serializer.size).toBe(0);
  });
});

describe("the request journal", () => {
  it("keeps the last entries, numbered without gaps", () => {
    const journal = createRequestJournal({ capacity: 3 });
    const call = {
      provider: "neon",
      connection: "c",
      method: "GET",
      path: "/p",
      route: "/p",
      code: "200",
      duration: 1,
    };
    for (let index = 0; index < 5; index++) journal.record(call);
    expect(journal.since().map(({ sequence }) => sequence)).toEqual([3, 4, 5]);
    expect(journal.since(4).map(({ sequence }) => sequence)).toEqual([5]);
    expect(journal.last).toBe(5);
  });
});
