import { beforeEach, describe, expect, it } from "vitest";
import { bench, PUBLIC_URL, TOKEN, type Bench } from "../../sandbox/github/testing.ts";
import { secretValues } from "../../controller/runtime/secret-value.ts";
import { harnessOn, slotOf } from "./test-context.ts";
import type { Harness } from "./test-context.ts";
import { webhook } from "./webhook.ts";

let world: Bench;
let harness: Harness;
let delivered: { url: string; headers: Record<string, string>; body: string }[];
const secret = secretValues("key");

beforeEach(() => {
  delivered = [];
  world = bench({ deliver: (delivery) => void delivered.push(delivery) });
  const { github, context } = world;
  harness = harnessOn({
    fetch: (request) => github.fetch(request),
    endpoint: PUBLIC_URL,
    now: () => context.clock.now(),
    credentials: { token: TOKEN },
  });
  github.seedRepository({ owner: "acme", name: "shop", files: { "README.md": "# Shop" } });
});

const desired = {
  repository: "acme/shop",
  url: "https://hooks.example/webhooks/github",
  secret: secret("s1"),
  events: ["push", "pull_request"],
};
const hooks = async (): Promise<{ id: number; config: Record<string, string>; updated_at: string }[]> =>
  JSON.parse((await world.send("GET", "/repos/acme/shop/hooks")).text);

describe("a webhook", () => {
  it("is made once, signs with the secret, and then nothing differs", async () => {
    const slot = slotOf(harness, webhook);
    expect(await slot.observe(desired)).toEqual({ state: "absent" });
    await slot.create(desired);
    expect(delivered[0]?.headers).toHaveProperty("x-hub-signature-256");
    expect(await slot.diff(desired)).toEqual([]);
    expect(JSON.stringify(slot.entry)).not.toContain("s1");
  });

  it.each<[string, Record<string, unknown>]>([
    ["events", { events: ["push"] }],
    ["active", { active: false }],
    ["contentType", { config: { url: desired.url, content_type: "form", secret: "s1" } }],
    ["insecureSsl", { config: { url: desired.url, content_type: "json", insecure_ssl: "1", secret: "s1" } }],
    ["url", { config: { url: "https://elsewhere.example/", content_type: "json", secret: "s1" } }],
    ["secret", { config: { url: desired.url, content_type: "json" } }],
  ])("%s, changed behind our back, is named and corrected", async (field, change) => {
    const slot = slotOf(harness, webhook);
    const { id } = await slot.create(desired);
    await world.send("PATCH", `/repos/acme/shop/hooks/${id}`, { body: change });
    expect((await slot.diff(desired)).map((item) => item.field)).toEqual([`webhook.${field}`]);
    await slot.correct(desired);
    expect(await slot.diff(desired)).toEqual([]);
    expect(await hooks()).toMatchObject([{ config: { secret: "********" } }]);
  });

  it("follows its secret", async () => {
    const slot = slotOf(harness, webhook);
    await slot.create(desired);
    const rotated = { ...desired, secret: secret("s2") };
    expect(await slot.diff(rotated)).toMatchObject([{ field: "webhook.secret" }]);
    await slot.correct(rotated);
    expect(await slot.diff(rotated)).toEqual([]);
  });

  it("after a lost answer is found by its mark", async () => {
    const slot = slotOf(harness, webhook);
    world.context.faults.add({ method: "POST", when: "after", drop: true });
    await expect(slot.create(desired)).rejects.toMatchObject({ class: "unknownOutcome" });
    await expect(slot.create(desired)).rejects.toMatchObject({ code: "INTEGRATION_CONFLICT" });
    await slot.correct(desired);
    expect(await slot.diff(desired)).toEqual([]);
    expect(await hooks()).toHaveLength(1);
  });

  it("removed, is absent, others stay, also without its id", async () => {
    const slot = slotOf(harness, webhook);
    await world.send("POST", "/repos/acme/shop/hooks", {
      body: { config: { url: "https://theirs.example/" }, events: ["push"] },
    });
    for (const lost of [false, true]) {
      await slot.create(desired);
      if (lost) slot.entry = undefined;
      await slot.remove(desired);
      slot.entry = undefined;
      expect(await slot.observe(desired)).toEqual({ state: "absent" });
      expect(await hooks()).toMatchObject([{ config: { url: "https://theirs.example/" } }]);
    }
  });

  it("that somebody else made to the same address stays as it is, beside ours", async () => {
    for (const query of ["", `?flaresmith=${"0".repeat(32)}`, "?flaresmith=mine"])
      await world.send("POST", "/repos/acme/shop/hooks", {
        body: { config: { url: desired.url + query, content_type: "json" }, events: ["push"] },
      });
    const theirs = await hooks();
    const slot = slotOf(harness, webhook);
    expect(await slot.observe(desired)).toEqual({ state: "absent" });
    await slot.create(desired);
    expect(await slot.diff(desired)).toEqual([]);
    expect((await hooks()).slice(0, 3)).toEqual(theirs);
    const other = slotOf(harness, webhook, { installation: "inst-2" });
    expect(await other.observe(desired)).toEqual({ state: "absent" });
  });

  describe("with the store lost", () => {
    /** Another store has another key for what it remembers. */
    const again = (value = "s1"): typeof desired => ({
      ...desired,
      secret: secretValues("another key")(value),
    });

    it("is recognised and nothing is written", async () => {
      await slotOf(harness, webhook).create(desired);
      const before = await hooks();
      const next = slotOf(harness, webhook);
      expect(await next.observe(again())).toMatchObject({ state: "present", owner: "ours" });
      expect(await next.correct(again())).toBe(false);
      expect(await hooks()).toEqual(before);
    });

    it("and another address, is moved there: there is no second one", async () => {
      const { id } = await slotOf(harness, webhook).create(desired);
      const next = slotOf(harness, webhook);
      const moved = { ...again(), url: "http://127.0.0.1:4711/webhooks/github" };
      expect(await next.diff(moved)).toMatchObject([{ field: "webhook.url", from: desired.url }]);
      await next.correct(moved);
      expect(await next.diff(moved)).toEqual([]);
      const all = await hooks();
      expect(all).toMatchObject([{ id: Number(id) }]);
      expect(all[0]?.config["url"]).toMatch(/^http:\/\/127\.0\.0\.1:4711\/webhooks\/github\?flaresmith=/);
    });

    it("another value of the secret is written, and so is one that nothing vouches for any more", async () => {
      await slotOf(harness, webhook).create(desired);
      expect(await slotOf(harness, webhook).diff(again("s2"))).toMatchObject([{ field: "webhook.secret" }]);
      const rotated = slotOf(harness, webhook, { credential: "another token" });
      expect(await rotated.diff(again())).toMatchObject([{ field: "webhook.secret" }]);
      await rotated.correct(again());
      expect(await rotated.diff(again())).toEqual([]);
      expect(await slotOf(harness, webhook, { credential: "another token" }).diff(again())).toEqual([]);
    });
  });

  it("a missing permission is named, not taken for absence", async () => {
    world.context.faults.add({ path: "/repos/acme/shop/hooks", status: 404, body: { message: "Not Found" } });
    await expect(slotOf(harness, webhook).observe(desired)).rejects.toMatchObject({
      code: "INTEGRATION_PERMISSION_MISSING",
      hint: expect.stringContaining("repository_hooks"),
    });
  });
});
