import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { seededRandom, virtualClock } from "../runtime/adapters/virtual.ts";
import { createTracker } from "../runtime/tracker.ts";
import { createWebhookApp } from "./webhook-app.ts";
import type { WebhookHint } from "./webhook-app.ts";

const push = JSON.stringify({ ref: "refs/heads/main", repository: { id: 42, full_name: "acme/shop" } });
const sign = (body: string, secret = "first-secret"): string =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

const setUp = (
  onHint?: (hint: WebhookHint) => void | Promise<void>,
  secrets: () => Promise<string[]> = async () => ["first-secret", "", "second-secret"],
) => {
  const clock = virtualClock();
  const lines: string[] = [];
  const tracker = createTracker({
    clock,
    level: "debug",
    destination: { write: (line) => void lines.push(line) },
  });
  const hints: WebhookHint[] = [];
  const app = createWebhookApp({
    clock,
    random: seededRandom(),
    tracker,
    secrets,
    onHint: async (hint) => {
      await onHint?.(hint);
      hints.push(hint);
    },
  });
  const deliver = (body: string | ReadableStream, headers: Record<string, string | undefined> = {}) => {
    const all: Record<string, string | undefined> = {
      "content-type": "application/json",
      "x-github-event": "push",
      "x-github-delivery": "d-1",
      "x-hub-signature-256": typeof body === "string" ? sign(body) : sign(""),
      ...headers,
    };
    const sent = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const stream = typeof body === "string" ? {} : { duplex: "half" as const };
    return app.request("/webhooks/github", { method: "POST", body, headers: sent, ...stream });
  };
  const status = async (...delivery: Parameters<typeof deliver>) => (await deliver(...delivery)).status;
  return { app, clock, deliver, status, hints, lines, tracker };
};

describe("a delivery", () => {
  it("that is signed becomes a hint about its repository", async () => {
    const { deliver, hints } = setUp();
    const response = await deliver(push);
    expect(response.status).toBe(202);
    expect(hints).toEqual([
      {
        event: "push",
        action: undefined,
        delivery: "d-1",
        repositoryId: 42,
        fullName: "acme/shop",
        ref: "refs/heads/main",
      },
    ]);
  });

  it("may come to an address with a query, as ours have one", async () => {
    const { app, hints } = setUp();
    const headers = {
      "content-type": "application/json",
      "x-github-event": "push",
      "x-github-delivery": "d-1",
      "x-hub-signature-256": sign(push),
    };
    const address = `/webhooks/github?flaresmith=${"0".repeat(32)}`;
    expect((await app.request(address, { method: "POST", body: push, headers })).status).toBe(202);
    expect(hints).toHaveLength(1);
  });

  it("may be signed with any of several secrets, and may be a form", async () => {
    const { status, hints } = setUp();
    expect(await status(push, { "x-hub-signature-256": sign(push, "second-secret") })).toBe(202);
    const form = new URLSearchParams({
      payload: JSON.stringify({
        action: "opened",
        pull_request: { head: { ref: "fix" } },
        repository: { id: 1, full_name: "a/b" },
      }),
    }).toString();
    const headers = {
      "content-type": "application/x-www-form-urlencoded",
      "x-github-event": "pull_request",
      "x-github-delivery": "d-2",
    };
    expect(await status(form, headers)).toBe(202);
    expect(hints[1]).toMatchObject({ event: "pull_request", action: "opened", fullName: "a/b", ref: "fix" });
  });

  it.each<[string, string | undefined]>([
    ["no signature", undefined],
    ["a signature with another secret", sign(push, "wrong")],
    ["a signature of another body", sign("{}")],
    ["SHA-1", "sha1=00"],
    ["a short signature", "sha256=00"],
    ["an empty secret's signature", sign(push, "")],
  ])("with %s is refused without being parsed", async (_name, signature) => {
    const { deliver, hints, lines } = setUp();
    // Were it parsed, it would be a 400.
    const body = signature === sign(push, "wrong") ? "{ not json" : push;
    const response = await deliver(body, { "x-hub-signature-256": signature });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: "REQUEST_UNAUTHENTICATED" } });
    expect(hints).toEqual([]);
    expect(lines.join("")).not.toContain("acme/shop");
  });

  it("larger than 1 MiB is refused before anything else, whatever it says about its length", async () => {
    const { status, hints } = setUp();
    const large = "x".repeat(1024 * 1024 + 1);
    expect(await status(large)).toBe(413);
    expect(await status(push, { "content-length": "99999999" })).toBe(413);
    let sent = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        sent++;
        controller.enqueue(new Uint8Array(64 * 1024));
      },
    });
    expect(await status(endless)).toBe(413);
    expect(sent).toBeLessThan(40);
    expect(hints).toEqual([]);
  });

  it("that comes twice is taken once, for three days, and again if taking it over failed", async () => {
    let fail = true;
    const { clock, status, hints } = setUp(() => {
      if (fail) throw new Error("store down");
    });
    expect(await status(push)).toBe(500);
    fail = false;
    expect(await status(push)).toBe(202);
    expect(await status(push)).toBe(202);
    expect(hints).toHaveLength(1);
    await clock.advance(2 * 24 * 3_600_000);
    await status(push);
    expect(hints).toHaveLength(1);
    await clock.advance(2 * 24 * 3_600_000);
    await status(push);
    expect(hints).toHaveLength(2);
  });

  it("that comes twice at the same moment is taken once", async () => {
    const gate = Promise.withResolvers<void>();
    const { status, hints } = setUp(() => gate.promise);
    const both = [status(push), status(push)];
    gate.resolve();
    expect(await Promise.all(both)).toEqual([202, 202]);
    expect(hints).toHaveLength(1);
  });

  it("that is not understood is a 400; about no repository it is still a hint", async () => {
    const { status, hints } = setUp();
    expect(await status("no json")).toBe(400);
    expect(await status(push, { "x-github-event": undefined })).toBe(400);
    expect(await status(push, { "x-github-delivery": "a b\u0001".replace("\u0001", "!") })).toBe(400);
    for (const [index, body] of [
      "null",
      "[]",
      '{"repository":{"id":"x"}}',
      '{"__proto__":{"ref":"evil"}}',
    ].entries()) {
      expect(await status(body, { "x-github-delivery": `d-${index}` })).toBe(202);
    }
    expect(hints.every(({ repositoryId, ref }) => repositoryId === undefined && ref === undefined)).toBe(
      true,
    );
  });

  it("is counted by what became of it, and nothing else is served", async () => {
    const { app, status, tracker } = setUp();
    await status(push);
    await status(push);
    await status(push, { "x-hub-signature-256": undefined });
    const { body } = await tracker.exposition();
    for (const result of ["accepted", "duplicate", "refused"]) {
      expect(body).toContain(`flaresmith_webhook_deliveries_total{provider="github",result="${result}"} 1`);
    }
    for (const path of ["/", "/metrics", "/healthz"]) expect((await app.request(path)).status).toBe(404);
    expect((await app.request("/webhooks/github")).status).toBe(404);
  });
});

describe("the secrets that deliveries are held against", () => {
  const unsigned = { "x-hub-signature-256": undefined };
  const forged = { "x-hub-signature-256": sign(push, "guessed") };
  const counted = () => {
    const asked = { times: 0, secrets: ["first-secret"] };
    const read = async (): Promise<string[]> => {
      asked.times += 1;
      return asked.secrets;
    };
    return { asked, ...setUp(undefined, read) };
  };

  it("are not looked for when nothing is signed", async () => {
    const { asked, status } = counted();
    for (let sent = 0; sent < 200; sent += 1) expect(await status(push, unsigned)).toBe(401);
    expect(await status(push, { "x-hub-signature-256": "sha256=no" })).toBe(401);
    expect(asked.times).toBe(0);
  });

  it("are read twice at most for a second of deliveries that none of them signed", async () => {
    const { asked, clock, status } = counted();
    const flood = async (): Promise<void> => {
      const answers = await Promise.all(Array.from({ length: 200 }, () => status(push, forged)));
      expect(new Set(answers)).toEqual(new Set([401]));
    };
    await flood();
    await flood();
    expect(asked.times).toBeLessThanOrEqual(2);
    await clock.advance(1_000);
    await flood();
    expect(asked.times).toBeLessThanOrEqual(3);
  });

  it("may be new: the first delivery that a new one signed is read a second later at most", async () => {
    const { asked, clock, status } = counted();
    expect(await status(push)).toBe(202);
    asked.secrets = ["second-secret"];
    await clock.advance(1_000);
    const rotated = { "x-hub-signature-256": sign(push, "second-secret"), "x-github-delivery": "d-2" };
    expect(await status(push, rotated)).toBe(202);
    expect(await status(push, { "x-github-delivery": "d-3" })).toBe(401);
  });

  it("count for ten seconds at most after they were taken away", async () => {
    const { asked, clock, status } = counted();
    expect(await status(push)).toBe(202);
    asked.secrets = [];
    await clock.advance(10_000);
    expect(await status(push, { "x-github-delivery": "d-2" })).toBe(401);
  });

  it("that cannot be read are no reason to refuse for good: GitHub may send it again", async () => {
    let broken = true;
    const { status } = setUp(undefined, async () => {
      if (broken) throw new Error("the store does not answer");
      return ["first-secret"];
    });
    expect(await status(push)).toBe(500);
    broken = false;
    expect(await status(push)).toBe(202);
  });
});
