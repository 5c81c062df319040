import { describe, expect, it } from "vitest";
import { FlaresmithError } from "./errors.ts";
import { json, outcome, setUp, url } from "./testing/transport-world.ts";
import type { Answer } from "./testing/transport-world.ts";

describe("a rate limit", () => {
  const limited =
    (headers: Record<string, string>, status = 429, body: unknown = {}): Answer =>
    () =>
      json(body, { status, headers });

  it.each<[string, Answer, number]>([
    ["429 with Retry-After", limited({ "retry-after": "120" }), 120_000],
    [
      "403 with a quota that is used up",
      limited(
        {
          "x-ratelimit-limit": "5000",
          "x-ratelimit-remaining": "0",
          "x-ratelimit-reset": String(Date.UTC(2026, 0, 1) / 1000 + 600),
        },
        403,
      ),
      600_000,
    ],
    [
      "GitHub's secondary limit",
      limited({}, 403, { message: "You have exceeded a secondary rate limit." }),
      60_000,
    ],
    [
      "Cloudflare's 429",
      limited({ ratelimit: '"default";r=0;t=30', "ratelimit-policy": '"default";q=1200;w=300' }),
      30_000,
    ],
  ])(
    "by %s closes the gate for every call of the identity until then, without one more request",
    async (_name, answer, wait) => {
      const { clock, seen, identities, identity, send } = setUp(answer);
      const start = clock.now();
      const error = await outcome(clock, send(url));
      expect(error).toMatchObject({
        code: "INTEGRATION_RATE_LIMITED",
        class: "rateLimited",
        until: start + wait,
      });
      expect(identities.of({ provider: "github", identity: "bot", connection: "other/gh" })).toBe(identity);
      await expect(send(`${url}/hooks`)).rejects.toMatchObject({ until: start + wait });
      expect(seen).toHaveLength(1);
      await clock.advance(wait);
      await send(url).catch(() => undefined);
      expect(seen).toHaveLength(2);
    },
  );

  it("without a moment backs off further each time", async () => {
    const { clock, identity, send } = setUp(limited({}));
    const waits: number[] = [];
    for (let round = 0; round < 3; round++) {
      await send(url).catch(() => undefined);
      const wait = (identity.gate.closedUntil ?? 0) - clock.now();
      waits.push(wait);
      await clock.advance(wait);
    }
    expect(waits).toEqual([60_000, 120_000, 240_000]);
  });

  it("without a moment that hits ten calls at once holds back for as long as if it had hit one", async () => {
    const { clock, identity, seen, send } = setUp(limited({}));
    const start = clock.now();
    const sent = await Promise.allSettled(Array.from({ length: 10 }, () => send(url)));
    expect(seen).toHaveLength(10);
    expect(identity.gate.closedUntil).toBe(start + 60_000);
    for (const one of sent) expect(one).toMatchObject({ reason: { until: start + 60_000 } });
    await clock.advance(60_000);
    await send(url).catch(() => undefined);
    expect(identity.gate.closedUntil).toBe(clock.now() + 120_000);
  });

  it("the later of two moments counts", async () => {
    const waits = ["100", "10"];
    const { clock, identity, send } = setUp(() =>
      json({}, { status: 429, headers: { "retry-after": waits.shift() ?? "0" } }),
    );
    const start = clock.now();
    await Promise.allSettled([send(url), send(url)]);
    expect(identity.gate.closedUntil).toBe(start + 100_000);
  });

  it("a plain 403 is no rate limit", async () => {
    const { clock, send } = setUp(limited({}, 403, { message: "Resource not accessible by integration" }));
    expect(await outcome(clock, send(url))).toMatchObject({ status: 403 });
  });

  it("the share of others is left to them", async () => {
    const reset = String(Date.UTC(2026, 0, 1) / 1000 + 900);
    const quota = {
      "x-ratelimit-limit": "5000",
      "x-ratelimit-remaining": "999",
      "x-ratelimit-reset": reset,
      "x-ratelimit-resource": "core",
    };
    const { clock, seen, send, tracker } = setUp(() => json({}, { headers: quota }), {}, { share: 0.8 });
    expect(await outcome(clock, send(url))).toMatchObject({ status: 200 });
    await expect(send(url)).rejects.toMatchObject({
      code: "INTEGRATION_RATE_LIMITED",
      until: Number(reset) * 1000,
    });
    expect(seen).toHaveLength(1);
    expect((await tracker.exposition()).body).toContain("flaresmith_provider_quota_remaining");
  });

  it("published in advance is never reached: calls are paced, then refused with a moment", async () => {
    const { clock, seen, send } = setUp(
      () => json({}),
      {},
      { share: 0.5, limits: [{ requests: 20, per: 10_000 }] },
    );
    const sent = await Promise.all(Array.from({ length: 15 }, () => outcome(clock, send(url))));
    const refused = sent.filter((result) => result instanceof FlaresmithError);
    // Ten at once (half of 20), one more per second; a second of pacing lets one wait.
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ class: "rateLimited" });
    expect(seen.length + refused.length).toBe(15);
    expect(seen.length).toBeGreaterThanOrEqual(10);
    await clock.advance(10_000);
    expect(await outcome(clock, send(url))).toMatchObject({ status: 200 });
  });

  it("is not outlived or cut short by a jump of the wall clock", async () => {
    const { clock, seen, send } = setUp(limited({ "retry-after": "100" }));
    await send(url).catch(() => undefined);
    clock.setWall(clock.now() + 3_600_000);
    await send(url).catch(() => undefined);
    expect(seen).toHaveLength(1);
    clock.setWall(clock.now() - 7_200_000);
    await clock.advance(100_000);
    await send(url).catch(() => undefined);
    expect(seen).toHaveLength(2);
  });
});

describe("the breaker", () => {
  it("stops calls after 10 failures in 60 s, lets one probe through after 30 s, and closes when it succeeds", async () => {
    let down = true;
    const { clock, seen, identity, send } = setUp(() =>
      down ? new Response("", { status: 500 }) : json({}),
    );
    for (let round = 0; round < 2; round++) await outcome(clock, send(url));
    expect(identity.breaker.state).toBe("open");
    expect(seen).toHaveLength(10);
    await expect(send(url)).rejects.toMatchObject({
      code: "INTEGRATION_BREAKER_OPEN",
      class: "transient",
      until: expect.any(Number),
    });
    expect(seen).toHaveLength(10);
    down = false;
    await clock.advance(30_000);
    const [probe, other] = await Promise.allSettled([send(url), send(url)]);
    expect(probe.status).toBe("fulfilled");
    expect(other).toMatchObject({ status: "rejected", reason: { code: "INTEGRATION_BREAKER_OPEN" } });
    expect(identity.breaker.state).toBe("closed");
  });

  it.each(["GET", "POST"])(
    "opens in an outage that answers 503 to %s also where 503 promises that nothing was applied",
    async (method) => {
      const { clock, seen, identity, send, tracker } = setUp(() => json({}, { status: 503 }), {
        safeStatuses: [423, 503],
      });
      for (let round = 0; round < 20; round++) await outcome(clock, send(url, { method }));
      expect(identity.breaker.state).toBe("open");
      expect(seen).toHaveLength(10);
      await clock.advance(30_000);
      await outcome(clock, send(url, { method }));
      await outcome(clock, send(url, { method }));
      expect(seen).toHaveLength(11);
      expect((await tracker.exposition()).body).toContain(
        '\ncircuit_breaker_open_total{provider="github"} 2',
      );
    },
  );

  it("is not opened by a provider that is busy, and closed by it: that is an answer", async () => {
    let answer: Answer = () => json({}, { status: 423 });
    const { clock, identity, send } = setUp((request) => answer(request), { safeStatuses: [423, 503] });
    const write = { method: "POST", body: "{}" };
    for (let round = 0; round < 10; round++) await outcome(clock, send(url, write));
    expect(identity.breaker.state).toBe("closed");
    answer = () => json({}, { status: 503 });
    for (let round = 0; round < 2; round++) await outcome(clock, send(url));
    expect(identity.breaker.state).toBe("open");
    await clock.advance(30_000);
    answer = () => json({}, { status: 423 });
    expect(await outcome(clock, send(url, write))).toMatchObject({ code: "INTEGRATION_BUSY" });
    expect(identity.breaker.state).toBe("closed");
  });

  it("probes again half a minute after whoever probed gave up or was told to wait", async () => {
    let answer: Answer = () => new Response("", { status: 500 });
    const { clock, identity, send } = setUp((request) => answer(request));
    for (let round = 0; round < 2; round++) await outcome(clock, send(url));
    await clock.advance(30_000);
    answer = () => new Promise(() => undefined);
    const stop = new AbortController();
    const given = send(url, { signal: stop.signal });
    await clock.settle();
    stop.abort(new Error("gave up"));
    await expect(given).rejects.toThrow("gave up");
    await expect(send(url)).rejects.toMatchObject({ code: "INTEGRATION_BREAKER_OPEN" });
    await clock.advance(30_000);
    answer = () => json({}, { status: 429, headers: { "retry-after": "5" } });
    expect(await outcome(clock, send(url))).toMatchObject({ code: "INTEGRATION_RATE_LIMITED" });
    await clock.advance(30_000);
    answer = () => json({});
    expect(await outcome(clock, send(url))).toMatchObject({ status: 200 });
    expect(identity.breaker.state).toBe("closed");
  });
});
