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
const hooks = async (): Promise<{ id: number; config: Record<string, string> }[]> =>
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

  it("after a lost answer is found by its URL", async () => {
    const slot = slotOf(harness, webhook);
    world.context.faults.add({ method: "POST", when: "after", drop: true });
    await expect(slot.create(desired)).rejects.toMatchObject({ class: "unknownOutcome" });
    await expect(slot.create(desired)).rejects.toMatchObject({ code: "INTEGRATION_CONFLICT" });
    await slot.correct(desired);
    expect(await slot.diff(desired)).toEqual([]);
    expect(await hooks()).toHaveLength(1);
  });

  it("removed, is absent, others stay", async () => {
    const slot = slotOf(harness, webhook);
    await world.send("POST", "/repos/acme/shop/hooks", {
      body: { config: { url: "https://theirs.example/" }, events: ["push"] },
    });
    await slot.create(desired);
    await slot.remove(desired);
    expect(await slot.observe(desired)).toEqual({ state: "absent" });
    expect(await hooks()).toMatchObject([{ config: { url: "https://theirs.example/" } }]);
  });

  it("a missing permission is named, not taken for absence", async () => {
    world.context.faults.add({ path: "/repos/acme/shop/hooks", status: 404, body: { message: "Not Found" } });
    await expect(slotOf(harness, webhook).observe(desired)).rejects.toMatchObject({
      code: "INTEGRATION_PERMISSION_MISSING",
      hint: expect.stringContaining("repository_hooks"),
    });
  });
});
