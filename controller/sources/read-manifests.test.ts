import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { project } from "../../test/support/source-world.ts";
import { virtualClock } from "../runtime/adapters/virtual.ts";
import { createDirectoryReader } from "./directory.ts";
import { readManifests } from "./read-manifests.ts";

let directory: string;
const clock = virtualClock();
const signal = new AbortController().signal;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "manifests-"));
});
afterEach(() => rm(directory, { recursive: true }));

const connection =
  "apiVersion: flaresmith.dev/v1alpha1\nkind: Connection\nmetadata: {name: z}\nspec: {provider: Neon, account: a, credentials: {secretRef: {name: n}}}\n";

test("a directory gives its objects in order of application, with namespace, file and line", async () => {
  await mkdir(join(directory, "sub"));
  await writeFile(join(directory, "a.yaml"), `${project("shop")}---\n${connection}`);
  await writeFile(join(directory, "sub", "b.yaml"), project("blog"));
  await writeFile(join(directory, "kustomization.yaml"), "resources: []");
  const { objects, errors, notes } = await readManifests(directory, { clock, namespace: "team" }, signal);
  expect(errors).toEqual([]);
  expect(notes).toEqual([expect.stringContaining("kustomization.yaml: a kustomization is not interpreted")]);
  expect(
    objects.map(({ object, file, line }) => [
      object.kind,
      object.metadata.namespace,
      object.metadata.name,
      file,
      line,
    ]),
  ).toEqual([
    ["Connection", "team", "z", "a.yaml", 10],
    ["Project", "team", "blog", "sub/b.yaml", 1],
    ["Project", "team", "shop", "a.yaml", 1],
  ]);
});

test("a file that is named outright is read whatever it is called", async () => {
  const path = join(directory, "shop.txt");
  await writeFile(path, project("shop", "    nonsense: 1\n"));
  const { objects, errors } = await readManifests(path, { clock }, signal);
  expect(objects).toEqual([]);
  expect(errors).toEqual([
    expect.objectContaining({ file: "shop.txt", line: 9, column: 5, field: "spec.github.nonsense" }),
  ]);
});

test("a path that does not exist is an error that says so", async () => {
  await expect(readManifests(join(directory, "gone"), { clock }, signal)).rejects.toMatchObject({
    code: "SOURCE_NOT_READABLE",
    message: expect.stringContaining("does not exist"),
  });
});

test("a listing that a folder vanished from while it was read is incomplete", async () => {
  await writeFile(join(directory, "a.yaml"), project("a"));
  await mkdir(join(directory, "sub"));
  await writeFile(join(directory, "sub", "b.yaml"), project("b"));
  let folders = 0;
  // The reader asks before each folder whether it should stop: the moment for the second one to disappear.
  const removing = {
    throwIfAborted: () => {
      folders += 1;
      if (folders === 2) rmSync(join(directory, "sub"), { recursive: true });
    },
  } as AbortSignal;
  const tree = await createDirectoryReader({ clock }).list(directory, removing);
  expect(tree.incomplete).toBe("sub changed while it was read");
  const again = await createDirectoryReader({ clock }).list(directory, signal);
  expect(again.incomplete).toBeUndefined();
  expect(again.files.map(({ path }) => path)).toEqual(["a.yaml"]);
});
