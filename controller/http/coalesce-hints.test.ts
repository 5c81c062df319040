import { describe, expect, it } from "vitest";
import { virtualClock } from "../runtime/adapters/virtual.ts";
import { coalesceHints } from "./coalesce-hints.ts";
import type { WebhookHint } from "./webhook-app.ts";

const hint = (delivery: string, repositoryId?: number): WebhookHint => ({
  event: "push",
  delivery,
  repositoryId,
});

function setUp() {
  const clock = virtualClock();
  const passed: string[] = [];
  const failures: unknown[] = [];
  let fails = false;
  const send = coalesceHints({
    clock,
    onHint: ({ delivery }) => {
      if (fails) throw new Error("not ready");
      passed.push(delivery);
    },
    failed: (error) => failures.push(error),
  });
  return { clock, passed, failures, send, fail: (value: boolean) => (fails = value) };
}

describe("hints about a repository", () => {
  it("pass at once, and a thousand more within the second as one", async () => {
    const { clock, passed, send } = setUp();
    for (let index = 0; index < 1000; index += 1) send(hint(`d-${index}`, 1));
    expect(passed).toEqual(["d-0"]);
    await clock.advance(1000);
    expect(passed).toEqual(["d-0", "d-999"]);
    await clock.advance(10_000);
    send(hint("later", 1));
    expect(passed).toEqual(["d-0", "d-999", "later"]);
  });

  it("come through once a second at most, however long they go on", async () => {
    const { clock, passed, send } = setUp();
    for (let index = 0; index < 600; index += 1) {
      send(hint(`d-${index}`, 1));
      await clock.advance(100);
    }
    expect(passed.length).toBeGreaterThanOrEqual(59);
    expect(passed.length).toBeLessThanOrEqual(62);
  });

  it("do not wait for those about others", () => {
    const { passed, send } = setUp();
    send(hint("one", 1));
    send(hint("two", 2));
    send(hint("none"));
    expect(passed).toEqual(["one", "two", "none"]);
  });

  it("that cannot be taken over are the sender's to send again; a late one is told of", async () => {
    const { clock, passed, failures, send, fail } = setUp();
    fail(true);
    expect(() => send(hint("first", 1))).toThrow("not ready");
    fail(false);
    send(hint("again", 1));
    send(hint("late", 1));
    fail(true);
    await clock.advance(1000);
    expect(passed).toEqual(["again"]);
    expect(failures).toHaveLength(1);
  });
});
