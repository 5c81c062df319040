/** Law 5: an edit deletes nothing that holds data or code without a person's word, whatever the deletion policy. */
import { afterEach, expect, it } from "vitest";
import { seedTemplate, shopEnvironment, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld } from "../support/world.ts";
import type { Manifest, World } from "../support/world.ts";
import { conditionText, identities, names, syncedOf, unready } from "./support.ts";
import type { Provider } from "./support.ts";

const MINUTE = 60_000;
let world: World;
afterEach(() => world.stop());

const cloudflareOf = (scope: string, kv = [{ name: "cache", scope }]): Record<string, unknown> => ({
  connectionRef: { name: "cloudflare" },
  workers: [{ name: "api", code: { path: "dist/worker" } }],
  kv,
});
const project = (spec: Record<string, unknown> = {}): Manifest =>
  shopProject({
    deletionPolicy: "Delete",
    previews: undefined,
    cloudflare: cloudflareOf("Environment"),
    ...spec,
  });
const staging = (spec: Record<string, unknown> = {}): Manifest =>
  shopEnvironment("staging", { deletionPolicy: "Delete", ...spec });

async function settled(): Promise<void> {
  world = await createWorld();
  seedTemplate(world);
  await world.apply(project(), staging());
  await world.settle();
}

interface Edit {
  what: string;
  edit: Manifest[];
  /** Whose condition asks. */
  asks: [kind: string, name: string, provider: Provider];
  /** What would go. */
  thing: string;
}

const edits: Edit[] = [
  {
    what: "another stage, which has another database",
    edit: [project(), staging({ stage: "Production" })],
    asks: ["Environment", "shop-staging", "neon"],
    thing: "neon shop branch staging",
  },
  {
    what: "another scope of a KV namespace",
    edit: [project({ cloudflare: cloudflareOf("Project") }), staging()],
    asks: ["Environment", "shop-staging", "cloudflare"],
    thing: "cloudflare kv shop-cache-staging",
  },
  {
    what: "a KV namespace less",
    edit: [project({ cloudflare: cloudflareOf("Environment", []) }), staging()],
    asks: ["Environment", "shop-staging", "cloudflare"],
    thing: "cloudflare kv shop-cache-staging",
  },
  {
    what: "another branch of the repository",
    edit: [project(), staging({ deploy: { branch: "next" } })],
    asks: ["Environment", "shop-staging", "github"],
    thing: "github acme/shop branch staging",
  },
];

it.each(edits)("$what: it stays until its hash is confirmed", async ({ asks, edit, thing }) => {
  await settled();
  expect(names(world.sandbox)).toContain(thing);
  await world.apply(...edit);
  await world.pass(30 * MINUTE);
  const [kind, name, provider] = asks;
  const waiting = await world.get(kind, name);
  expect(conditionOf(waiting, syncedOf[provider])).toMatchObject({
    status: "False",
    reason: "ConfirmationRequired",
    message: expect.stringContaining("would be deleted") as string,
  });
  expect(conditionOf(waiting, "Stalled")).toMatchObject({ status: "True", reason: "ConfirmationRequired" });
  expect(names(world.sandbox)).toContain(thing);
  const text = conditionText(waiting, syncedOf[provider]);
  const hash = /flaresmith\.dev\/confirm: (p[0-9a-f]{11})/.exec(text)?.[1] ?? "";
  await world.annotate(kind, name, { "flaresmith.dev/confirm": "p00000000000" });
  await world.pass(15 * MINUTE);
  expect(names(world.sandbox)).toContain(thing);
  await world.annotate(kind, name, { "flaresmith.dev/confirm": hash });
  await world.settle(30 * MINUTE);
  expect(await unready(world)).toEqual([]);
  expect(names(world.sandbox)).not.toContain(thing);
});

it.each(edits)("$what, and back again: the same thing serves as before", async ({ edit, thing }) => {
  await settled();
  const before = identities(world.sandbox);
  await world.apply(...edit);
  await world.pass(30 * MINUTE);
  await world.apply(project(), staging());
  await world.settle(30 * MINUTE);
  const of = (list: readonly string[]): string[] => list.filter((one) => one.startsWith(thing));
  expect(of(identities(world.sandbox))).toEqual(of(before));
  expect(of(before)).not.toEqual([]);
});

it("with the policy Orphan in the same edit it is left in place, and nobody is asked", async () => {
  await settled();
  await world.apply(project(), staging({ stage: "Production", deletionPolicy: "Orphan" }));
  await world.settle(30 * MINUTE);
  expect(await unready(world)).toEqual([]);
  expect(names(world.sandbox)).toContain("neon shop branch staging");
});

it("whoever deletes the object is asked nothing", async () => {
  await settled();
  await world.apply(project(), staging({ stage: "Production" }));
  await world.pass(30 * MINUTE);
  await world.delete("Environment", "shop-staging");
  await world.until(async () => (await world.list("Environment")).length === 0, 30 * MINUTE);
  expect(names(world.sandbox)).not.toContain("neon shop branch staging");
});
