/** `--source` adds Sources and never rewrites one. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { kinds } from "../../../crds/index.ts";
import { systemClock, systemRandom } from "../../runtime/adapters/system.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../store/embedded/index.ts";
import type { EmbeddedStore } from "../../store/embedded/index.ts";
import type { KubernetesObject } from "../../store/resource-client.ts";
import { sourceType } from "../types.ts";
import { ensureSource, readSource } from "./source.ts";

let store: EmbeddedStore;
let root: string;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "flaresmith-source-"));
  store = await openEmbeddedStore({
    path: ":memory:",
    clock: systemClock(),
    random: systemRandom(),
    types: [...builtinTypes, ...kinds.map((kind) => kindType(kind))],
  });
  await store.ensureStandingNamespaces();
});
afterEach(async () => {
  await store.close();
  rmSync(root, { recursive: true });
});

function directory(path: string): string {
  const full = join(root, path);
  mkdirSync(full, { recursive: true });
  return full;
}

const sources = async (): Promise<KubernetesObject[]> => (await store.list(sourceType)).items;

test("a directory becomes a Source with its name; the same one again changes nothing", async () => {
  const wanted = readSource(directory("My Platform"));
  expect(await ensureSource(store, wanted)).toBe("my-platform");
  const before = await sources();
  expect(await ensureSource(store, wanted)).toBe("my-platform");
  expect(await sources()).toEqual(before);
});

test("another directory of the same name gets a name of its own, and the first stays as it was", async () => {
  await ensureSource(store, readSource(directory("a/platform")));
  const [first] = await sources();
  const name = await ensureSource(store, readSource(directory("b/platform")));
  expect(name).toMatch(/^platform-[0-9a-f]{6}$/);
  expect(await ensureSource(store, readSource(directory("b/platform")))).toBe(name);
  expect(await sources()).toHaveLength(2);
  expect((await sources()).find(({ metadata }) => metadata.name === "platform")).toEqual(first);
});

test.each([
  [
    "https://github.com/acme/platform.git",
    "platform",
    { git: { url: "https://github.com/acme/platform.git" } },
  ],
  [
    "https://github.com/acme/platform.git#next",
    "platform",
    { git: { url: "https://github.com/acme/platform.git", branch: "next" } },
  ],
  [
    "git@github.com:acme/Infra_Repo.git",
    "infra-repo",
    { git: { url: "git@github.com:acme/Infra_Repo.git" } },
  ],
  ["ssh://git@host/team/x/", "x", { git: { url: "ssh://git@host/team/x/" } }],
])("%s is the git repository %s", async (text, name, spec) => {
  expect(readSource(text)).toEqual({ name, spec });
  expect(await ensureSource(store, readSource(text))).toBe(name);
});

test.each([
  "https://x:s3cret@github.com/acme/platform.git",
  "https://s3cret@github.com/acme/platform.git#main",
  "https://x:s3#cret@github.com/acme/platform.git",
  "https://x:s3cret@cret@github.com/acme/platform.git",
  "http://x:s3cret@github.com/acme/platform.git",
  "ssh://git:s3cret@github.com/acme/platform.git",
])("%s is refused before it is stored, without being repeated, with the remedy", (text) => {
  let refused: unknown;
  try {
    readSource(text);
  } catch (error) {
    refused = error;
  }
  expect(refused).toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/…@github\.com\/acme\/platform\.git\S* holds credentials$/) as string,
    hint: expect.stringContaining("spec.git.secretRef") as string,
  });
  expect(String(refused)).not.toMatch(/s3|cret@/);
});

test("a password that makes the URL none is not repeated either", () => {
  expect(() => readSource("https://x:s3/cret@github.com/acme/platform.git")).toThrow(
    /^--source names a git repository by what is no URL$/,
  );
});

test("an @ that is no credential is none", () => {
  const url = "https://github.com/acme/platform@next.git";
  expect(readSource(url).spec).toEqual({ git: { url } });
});

test("what is no source is refused before anything starts, with the remedy", () => {
  writeFileSync(join(root, "file.yaml"), "");
  expect(() => readSource(join(root, "missing"))).toThrow("does not exist");
  expect(() => readSource(join(root, "file.yaml"))).toThrow("is no directory");
  expect(() => readSource("http://github.com/acme/platform.git")).toThrow("plain http");
});
