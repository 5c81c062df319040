import { beforeEach, describe, expect, it } from "vitest";
import { bench, PUBLIC_URL, TOKEN, type Bench } from "../../sandbox/github/testing.ts";
import { secretValues } from "../../controller/runtime/secret-value.ts";
import { secrets } from "./secrets.ts";
import { harnessOn, slotOf } from "./test-context.ts";
import type { Harness } from "./test-context.ts";
import { variables } from "./variables.ts";

let world: Bench;
let harness: Harness;
const secret = secretValues("key");

beforeEach(async () => {
  world = bench();
  const { github, context } = world;
  harness = harnessOn({
    fetch: (request) => github.fetch(request),
    endpoint: PUBLIC_URL,
    now: () => context.clock.now(),
    credentials: { token: TOKEN },
  });
  github.seedRepository({ owner: "acme", name: "shop", files: { "README.md": "# Shop" } });
  await world.send("PUT", "/repos/acme/shop/environments/dev", { body: {} });
});

const places = [
  { name: "the repository", place: { repository: "acme/shop" }, path: "/repos/acme/shop/actions" },
  {
    name: "an environment",
    place: { repository: "acme/shop", environment: "dev" },
    path: "/repos/acme/shop/environments/dev",
  },
];

const writes = (since: number): string[] =>
  world.context.journal
    .since(since)
    .filter((entry) => entry.method !== "GET")
    .map((entry) => `${entry.method} ${entry.path}`);
const plaintexts = (): string => JSON.stringify(world.github.state());

describe.each(places)("variables of $name", ({ place, path }) => {
  const values = Object.fromEntries(
    Array.from({ length: 35 }, (_, index) => [`name_${index}`, `value ${index}`]),
  );
  const read = async (name: string): Promise<unknown> =>
    (await world.send("GET", `${path}/variables/${name}`)).json["value"];

  it("are written once, over more than one page, and then nothing differs", async () => {
    const slot = slotOf(harness, variables);
    const desired = { ...place, values };
    await slot.create(desired);
    expect(await read("NAME_34")).toBe("value 34");
    expect(await slot.diff(desired)).toEqual([]);
    const before = world.context.journal.last();
    expect(await slot.correct(desired)).toBe(false);
    expect(writes(before)).toEqual([]);
  });

  it("changed or deleted behind our back, are named and corrected", async () => {
    const slot = slotOf(harness, variables);
    const desired = { ...place, values: { A: "1", B: "2" } };
    await slot.create(desired);
    await world.send("PATCH", `${path}/variables/A`, { body: { value: "9" } });
    await world.send("DELETE", `${path}/variables/B`);
    expect(await slot.diff(desired)).toMatchObject([
      { field: "variables.A", from: "9", to: "1" },
      { field: "variables.B", to: "2" },
    ]);
    await slot.correct(desired);
    expect([await read("A"), await read("B")]).toEqual(["1", "2"]);
  });

  it("that left the spec go if they are ours, and stay if not", async () => {
    const slot = slotOf(harness, variables);
    await world.send("POST", `${path}/variables`, { body: { name: "THEIRS", value: "x" } });
    await world.send("POST", `${path}/variables`, { body: { name: "EQUAL", value: "same" } });
    await slot.create({ ...place, values: { OURS: "1", EQUAL: "same", KEPT: "2" } });
    await slot.correct({ ...place, values: { KEPT: "2" } });
    expect([await read("OURS"), await read("EQUAL"), await read("THEIRS"), await read("KEPT")]).toEqual([
      undefined,
      "same",
      "x",
      "2",
    ]);
    expect(slot.entry?.data).toEqual({ KEPT: "written" });
  });

  it("removed, take ours along and leave those of others", async () => {
    const slot = slotOf(harness, variables);
    const desired = { ...place, values: { OURS: "1" } };
    await world.send("POST", `${path}/variables`, { body: { name: "THEIRS", value: "x" } });
    await slot.create(desired);
    await slot.remove(desired);
    expect(await read("OURS")).toBeUndefined();
    expect(await read("THEIRS")).toBe("x");
  });

  it("what was written before another write failed is remembered", async () => {
    const slot = slotOf(harness, variables);
    const desired = { ...place, values: { A: "1", B: "2" } };
    world.context.faults.add({ method: "POST", skip: 1, status: 502 });
    expect(await slot.create(desired)).toMatchObject({ pending: expect.stringContaining("502") });
    expect(slot.entry?.data).toEqual({ A: "written" });
    await slot.correct(desired);
    expect(await slot.diff(desired)).toEqual([]);
  });

  it("a lost answer is made good the next time", async () => {
    const slot = slotOf(harness, variables);
    const desired = { ...place, values: { A: "1" } };
    world.context.faults.add({ method: "POST", when: "after", drop: true });
    await expect(slot.create(desired)).rejects.toMatchObject({ class: "unknownOutcome" });
    expect(await slot.diff(desired)).toEqual([]);
  });
});

describe.each(places)("secrets of $name", ({ place, path }) => {
  const updated = async (name: string): Promise<unknown> =>
    (await world.send("GET", `${path}/secrets/${name}`)).json["updated_at"];

  it("arrive sealed, and then nothing differs and nothing is written", async () => {
    const slot = slotOf(harness, secrets);
    const desired = { ...place, values: { database_url: secret("postgres://prod"), B: secret("b") } };
    await slot.create(desired);
    expect(plaintexts()).toContain("postgres://prod");
    expect(JSON.stringify(slot.entry)).not.toContain("postgres://prod");
    world.advance(60_000);
    const before = world.context.journal.last();
    expect(await slot.correct(desired)).toBe(false);
    expect(writes(before)).toEqual([]);
  });

  it("follow their value, and only the one that changed is written", async () => {
    const slot = slotOf(harness, secrets);
    await slot.create({ ...place, values: { A: secret("old"), B: secret("b") } });
    world.advance(5000);
    const before = world.context.journal.last();
    const desired = { ...place, values: { A: secret("rotated"), B: secret("b") } };
    expect(await slot.diff(desired)).toEqual([
      { field: "secrets.A", effect: "in-place", from: "of an older value" },
    ]);
    await slot.correct(desired);
    expect(writes(before)).toEqual([`PUT ${path}/secrets/A`]);
    expect(plaintexts()).toContain("rotated");
    expect(await slot.diff(desired)).toEqual([]);
  });

  it("overwritten or deleted by someone else, are written again", async () => {
    const slot = slotOf(harness, secrets);
    const desired = { ...place, values: { A: secret("ours"), B: secret("b") } };
    await slot.create(desired);
    world.advance(5000);
    const other = slotOf(harness, secrets);
    await other.create({ ...place, values: { A: secret("theirs") } });
    await world.send("DELETE", `${path}/secrets/B`);
    expect((await slot.diff(desired)).map((change) => [change.field, change.from])).toEqual([
      ["secrets.A", "changed by someone else"],
      ["secrets.B", "missing"],
    ]);
    await slot.correct(desired);
    expect(plaintexts()).not.toContain("theirs");
    expect(await slot.diff(desired)).toEqual([]);
  });

  it("that left the spec go if they are ours, and stay if not", async () => {
    const slot = slotOf(harness, secrets);
    await slotOf(harness, secrets).create({ ...place, values: { THEIRS: secret("x") } });
    await slot.create({ ...place, values: { OURS: secret("1"), KEPT: secret("2") } });
    await slot.correct({ ...place, values: { KEPT: secret("2") } });
    expect([await updated("OURS"), await updated("THEIRS")]).toEqual([undefined, expect.any(String)]);
  });

  it("are written once more when the inventory is lost, and quiet after", async () => {
    const desired = { ...place, values: { A: secret("a") } };
    await slotOf(harness, secrets).create(desired);
    world.advance(5000);
    const slot = slotOf(harness, secrets);
    expect((await slot.diff(desired)).map((change) => change.from)).toEqual(["of unknown value"]);
    await slot.correct(desired);
    expect(await slot.diff(desired)).toEqual([]);
  });

  it("stay quiet although reads lag behind writes", async () => {
    world.context.faults.setLag({ provider: "github", resource: "secret", milliseconds: 3000 });
    const slot = slotOf(harness, secrets);
    const desired = { ...place, values: { A: secret("a") } };
    await slot.create(desired);
    world.advance(10_000);
    expect(await slot.diff(desired)).toEqual([]);
  });

  it("are sealed for the new key after GitHub changed it", async () => {
    const slot = slotOf(harness, secrets);
    await slot.create({ ...place, values: { A: secret("a") } });
    world.github.rotateKeys();
    world.advance(2000);
    await slot.correct({ ...place, values: { A: secret("second") } });
    expect(plaintexts()).toContain("second");
  });
});

describe("places that are not there", () => {
  it("an environment that does not exist has no variables; a repository that cannot be seen is an error", async () => {
    const slot = slotOf(harness, variables);
    expect(await slot.observe({ repository: "acme/shop", environment: "nowhere", values: {} })).toEqual({
      state: "absent",
    });
    await expect(slot.observe({ repository: "acme/gone", values: {} })).rejects.toMatchObject({
      code: "INTEGRATION_REPOSITORY_NOT_VISIBLE",
    });
  });

  it("a listing that broke off is an error, never fewer variables", async () => {
    world.context.faults.add({
      path: "/actions/variables",
      status: 200,
      body: { total_count: 3, variables: [] },
    });
    await expect(
      slotOf(harness, variables).observe({ repository: "acme/shop", values: {} }),
    ).rejects.toMatchObject({ code: "INTEGRATION_RESPONSE_INVALID" });
  });

  it.each([
    ["GITHUB_X", { GITHUB_X: "1" }],
    ["two names in one", { a: "1", A: "2" }],
  ])("%s is refused before anything is sent", async (_name, values) => {
    const before = world.context.journal.last();
    await expect(
      slotOf(harness, variables).create({ repository: "acme/shop", values }),
    ).rejects.toMatchObject({ code: "SPEC_INVALID" });
    expect(writes(before)).toEqual([]);
  });
});
