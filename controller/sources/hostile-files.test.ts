/** A hostile file in a Source: its objects keep their last good spec, the others go on, nothing is deleted, the status says where. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { conditionOf, createSourceWorld, project } from "../../test/support/source-world.ts";
import type { SourceWorld } from "../../test/support/source-world.ts";

let world: SourceWorld;
let round = 0;
const folder = (): string => `round-${round}`;

beforeAll(async () => {
  world = await createSourceWorld();
});
afterAll(() => world.stop());
// Three objects, and a Source that has applied them.
beforeEach(async () => {
  round += 1;
  await world.write({
    [`${folder()}/shop.yaml`]: project(`shop-${round}`, "    description: good"),
    [`${folder()}/blog.yaml`]: project(`blog-${round}`, "    description: old"),
    [`${folder()}/gone.yaml`]: project(`gone-${round}`),
  });
  await world.source(`platform-${round}`, { directory: join(world.directory, folder()) });
  await world.sync(`platform-${round}`);
});

const specOf = async (name: string): Promise<string> =>
  JSON.stringify((await world.get("Project", `${name}-${round}`))["spec"]);

const head = "apiVersion: flaresmith.dev/v1alpha1\nkind: Project\n";
const wide = Array.from({ length: 2400 }, (_, index) => `  a${index}: 1\n`).join("");

/** Content of shop.yaml, and where the first fault of it is. */
const hostile: Record<string, [content: string | Buffer, says: string]> = {
  "too large": [`# ${"x".repeat(600 * 1024)}`, "shop.yaml: the file is larger than 512 KiB; split it"],
  "one document too large": [
    `${project("other")}---\na: ${"x".repeat(300 * 1024)}`,
    "shop.yaml:9:1: the document is larger than 256 KiB; split it",
  ],
  "nested without end": [
    `${head}spec: ${"[".repeat(100_000)}`,
    "shop.yaml:3:72: collections are nested more than 64 deep; flatten them",
  ],
  "a bomb of aliases": [
    `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n`,
    "shop.yaml:1:7: anchors (&name) are not supported; write the value where it is needed",
  ],
  "a prototype key": [
    `${head}metadata: {name: shop}\nspec: {__proto__: {suspend: true}}`,
    "shop.yaml:4:8: the key __proto__ is not allowed; rename it",
  ],
  "thousands of unknown fields": [
    `${head}metadata: {name: shop}\nspec:\n${wide}`,
    'shop.yaml:5:3: unknown field "spec.a0"; remove it or correct its name',
  ],
  "a Secret with a password": [
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {token: hunter22}\n",
    "shop.yaml:2:1: a Secret in plain text does not belong into a source; remove it from there",
  ],
  "a password that is no YAML": [
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  token: !hunter22\n",
    "shop.yaml:5:10: tags are not supported; remove it",
  ],
  "NUL bytes": [`${head}# \0\n`, "shop.yaml:3:3: the character U+0000 is not allowed in YAML; remove it"],
  "UTF-16": [Buffer.from(`\ufeff${head}`, "utf16le"), "shop.yaml:1:1: the file is not UTF-8 text; save it"],
  "a terminal's escape sequence": [`${head}metadata: {name: "\\e[2Jshop"}\nspec: {}`, "shop.yaml:3:12: "],
  "faults of any length": [
    `${head}metadata: {name: "${"ä".repeat(100_000)}"}\nspec: {"${"ö".repeat(10_000)}": 1}`,
    "shop.yaml:3:12: ",
  ],
  "wrong in two thousand documents": [
    "---\na: 1\n".repeat(2000),
    "shop.yaml:2:1: kind is missing; write one of",
  ],
};

describe("a file of a Source", () => {
  test.each(Object.entries(hostile))("%s", async (_name, [content, says]) => {
    await writeFile(join(world.directory, folder(), "shop.yaml"), content);
    await world.write({
      [`${folder()}/blog.yaml`]: project(`blog-${round}`, "    description: new"),
      [`${folder()}/gone.yaml`]: null,
    });
    const source = await world.sync(`platform-${round}`);
    expect(conditionOf(source, "Ready")).toMatchObject({ status: "False", reason: "ValidationFailed" });
    const message = conditionOf(source, "Ready")?.message ?? "";
    expect(message).toContain(says);
    expect(message).toContain("keep their last good state, and nothing is pruned until this is corrected");
    expect(await specOf("shop")).toContain('"description":"good"');
    expect(await specOf("blog")).toContain('"description":"new"');
    expect(await world.find("Project", `gone-${round}`)).toBeDefined();
    expect(source.status?.appliedRevision).not.toBe(source.status?.observedRevision);
    const text = JSON.stringify(source);
    expect(text).not.toContain("hunter22");
    expect(Buffer.byteLength(text)).toBeLessThan(300 * 1024);
    expect(source.status?.errors?.map((error) => error.message).join("")).not.toMatch(/\p{Cc}/u);
    expect(({} as Record<string, unknown>)["suspend"]).toBeUndefined();
  });

  test("corrected, is applied, and what left goes", async () => {
    await world.write({ [`${folder()}/shop.yaml`]: "a: [", [`${folder()}/gone.yaml`]: null });
    await world.sync(`platform-${round}`);
    await world.write({ [`${folder()}/shop.yaml`]: project(`shop-${round}`, "    description: better") });
    const source = await world.sync(`platform-${round}`);
    expect(conditionOf(source, "Ready")).toMatchObject({ status: "True" });
    expect(source.status?.errors).toBeUndefined();
    expect(await specOf("shop")).toContain('"description":"better"');
    expect(await world.find("Project", `gone-${round}`)).toBeUndefined();
  });

  test("with a name that is no UTF-8, or would reach a terminal, is an error of its own; the rest is read", async () => {
    const write = (name: Buffer): Promise<void> =>
      writeFile(Buffer.concat([Buffer.from(`${join(world.directory, folder())}/`), name]), project("never"));
    await write(Buffer.from([0x61, 0xff, 0x2e, 0x79, 0x6d, 0x6c]));
    await write(Buffer.from("b\u001b[2J.yaml"));
    await world.write({ [`${folder()}/blog.yaml`]: project(`blog-${round}`, "    description: new") });
    const source = await world.sync(`platform-${round}`);
    expect(source.status?.errors).toEqual([
      { file: "a\u00ff.yml", message: "the path is not UTF-8; rename the file" },
      { file: "b\uFFFD[2J.yaml", message: "the path contains control characters; rename the file" },
    ]);
    expect(await specOf("blog")).toContain('"description":"new"');
    expect(await world.find("Project", "never")).toBeUndefined();
  });
});
