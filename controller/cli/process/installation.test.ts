/** Who an installation is, is said once and kept. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { kinds } from "../../../crds/index.ts";
import { systemClock, systemRandom } from "../../runtime/adapters/system.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../store/embedded/index.ts";
import type { EmbeddedStore } from "../../store/embedded/index.ts";
import { CommandError } from "../failure.ts";
import { ensureHashKey, ensureInstallation, readInstallation, recordPublicUrl } from "./installation.ts";
import type { InstallationPlace } from "./installation.ts";

const random = systemRandom();
let store: EmbeddedStore;

beforeEach(async () => {
  store = await openEmbeddedStore({
    path: ":memory:",
    clock: systemClock(),
    random,
    types: [...builtinTypes, ...kinds.map((kind) => kindType(kind))],
  });
  await store.ensureStandingNamespaces();
});
afterEach(() => store.close());

const place = (): InstallationPlace => ({
  client: store,
  name: "the store in /data",
  other: "another --data-dir",
  container: "data directory",
});
const ensure = (world: "sandbox" | "providers", wanted?: string): Promise<string> =>
  ensureInstallation({ place: place(), random, world, wanted });

async function refusal(attempt: Promise<unknown>): Promise<CommandError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof CommandError) return error;
  throw new Error("was not refused");
}

test("a new store against real providers starts with --installation only", async () => {
  const { hint, message } = await refusal(ensure("providers"));
  expect(message).toContain("/data is new and has no installation id");
  expect(hint).toContain("--installation <id>");
  expect(await ensure("providers", "acme")).toBe("acme");
  expect(await ensure("providers")).toBe("acme");
});

test("another id than the store's is refused", async () => {
  await ensure("providers", "acme");
  expect((await refusal(ensure("providers", "other"))).message).toContain(
    "belongs to installation acme, not to other",
  );
});

test("the sandbox gets an id of its own, once", async () => {
  const id = await ensure("sandbox");
  expect(id).toMatch(/^local-[0-9a-f]{8}$/);
  expect(await ensure("sandbox")).toBe(id);
});

test("a store does not change sides between the sandbox and real providers", async () => {
  await ensure("sandbox");
  expect((await refusal(ensure("providers", undefined))).hint).toContain("--sandbox");
});

test.each(["", "Acme", "-acme", "acme-", "a/b", "a#b", "x".repeat(41)])("%j is no id", async (wanted) => {
  expect((await refusal(ensure("providers", wanted))).exitCode).toBe(2);
});

test("the key and what is known of the outside survive a restart", async () => {
  await ensure("sandbox");
  const key = await ensureHashKey({ client: store }, random);
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  await recordPublicUrl({ client: store }, "https://hooks.example");
  expect(await readInstallation(store)).toMatchObject({ hashKey: key, publicUrl: "https://hooks.example" });
  await recordPublicUrl({ client: store }, undefined);
  expect(await ensureHashKey({ client: store }, random)).toBe(key);
  expect((await readInstallation(store)).publicUrl).toBeUndefined();
});
