/** Trees that are wrong everywhere, or larger than one Source may be: memory and time stay bounded, and others have their turn. */
import { describe, expect, test } from "vitest";
import { createTreeParser } from "./git/parse-tree.ts";
import { collectManifests, createParsedFiles } from "./desired.ts";
import { MAX_ERRORS, MAX_FILES, MAX_PROBLEMS, MAX_TOKENS } from "./read/limits.ts";
import type { SourceTree } from "./source-tree.ts";

const { signal } = new AbortController();

/** A listing of files made by a function of their number; contents are made when they are asked for. */
function treeOf(
  count: number,
  content: (index: number) => string,
  path = (index: number) => `${index}.yaml`,
): SourceTree {
  const files = Array.from({ length: count }, (_, index) => ({
    path: path(index),
    id: String(index),
    format: "yaml" as const,
  }));
  return {
    revision: "test",
    files,
    errors: [],
    load: (ids) => Promise.resolve(new Map(ids.map((id) => [id, Buffer.from(content(Number(id)))]))),
  };
}
const manifest = (name: string): string =>
  `apiVersion: flaresmith.dev/v1alpha1\nkind: Project\nmetadata: {name: ${name}}\nspec: {github: {connectionRef: {name: g}, repository: r}}\n`;

/** Runs something and counts how often others had their turn meanwhile. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let handle = setImmediate(function again() {
    turns += 1;
    handle = setImmediate(again);
  });
  try {
    await work();
  } finally {
    clearImmediate(handle);
  }
  return turns;
}

describe("a tree", () => {
  test("that is wrong in every file is told of in part, and the rest is counted", async () => {
    const parsed = createParsedFiles();
    const tree = treeOf(3000, (index) => `x${index}:\n${"- !a x\n".repeat(60)}`);
    const { objects, errors } = await collectManifests({ tree, namespace: "default", parsed }, signal);
    expect(objects).toEqual([]);
    expect(errors).toHaveLength(MAX_ERRORS + 1);
    const kept = [...parsed.entries.values()].reduce((sum, { content }) => sum + content.problems.length, 0);
    expect(kept).toBeLessThanOrEqual(MAX_ERRORS + MAX_PROBLEMS + 3000);
    expect(errors.find(({ message }) => /^and \d+ more from this file on$/.test(message))).toBeDefined();
  });

  test("that declares one object in thousands of files names some of the places", async () => {
    const tree = treeOf(5000, (index) => `${manifest("same")}# ${index}\n`);
    const { objects, errors } = await collectManifests(
      { tree, namespace: "default", parsed: createParsedFiles() },
      signal,
    );
    expect(objects).toEqual([]);
    expect(errors[0]?.message).toMatch(
      /^Project same is declared in 1\.yaml:1, .*10\.yaml:1 and 4989 more places too; remove all but one$/,
    );
  });

  test("whose status would not fit into an object is refused as a whole", async () => {
    const tree = treeOf(
      300,
      (index) => manifest(`a${index}`),
      (index) => `${"long/".repeat(800)}${index}.yaml`,
    );
    await expect(
      collectManifests({ tree, namespace: "default", parsed: createParsedFiles() }, signal),
    ).rejects.toMatchObject({
      code: "SOURCE_NOT_READABLE",
      message: expect.stringContaining("more than 1 MiB, which the status cannot list"),
      hint: expect.stringContaining("several Sources"),
    });
  });

  test("of files that are much work lets others have their turn by the work, not by the file", async () => {
    const heavy = `a:\n${"- 1\n".repeat(6000)}`;
    const tree = treeOf(12, (index) => `${heavy}# ${index}\n`);
    const parsed = createParsedFiles();
    const turns = await turnsDuring(() => collectManifests({ tree, namespace: "default", parsed }, signal));
    // 30,000 tokens in each file; no more than those of one document pass without a turn.
    expect(turns).toBeGreaterThanOrEqual(12);
    expect(MAX_TOKENS).toBeLessThan(30_000);
  });
});

describe("a listing of git", () => {
  const listing = (count: number, entry: (index: number) => string): Buffer =>
    Buffer.from(Array.from({ length: count }, (_, index) => `${entry(index)}\0`).join(""));
  const id = "0123456789012345678901234567890123456789";

  test("of very many files is looked at in turns, and keeps nothing of what it passes over", async () => {
    const parse = createTreeParser();
    const output = listing(300_000, (index) => `100644 blob ${id}\tsrc/${index}.ts`);
    let result: Awaited<ReturnType<typeof parse>> | undefined;
    const turns = await turnsDuring(async () => (result = await parse(output)));
    expect(result).toEqual({ files: [], errors: [] });
    expect(turns).toBeGreaterThanOrEqual(50);
  });

  test("of more manifests than one Source may have is refused as a whole", async () => {
    const output = listing(MAX_FILES + 1, (index) => `100644 blob ${id}\t${index}.yaml`);
    await expect(createTreeParser()(output)).rejects.toMatchObject({
      code: "SOURCE_NOT_READABLE",
      message: `there are more than ${MAX_FILES} manifest files`,
    });
  });

  test("of links alone is told of in part", async () => {
    const output = listing(5000, (index) => `120000 blob ${id}\t${index}.yaml`);
    const { errors } = await createTreeParser()(output);
    expect(errors).toHaveLength(MAX_ERRORS + 1);
    expect(errors.at(-1)?.message).toBe("and 4000 more from this file on");
  });

  test("is read whatever its bytes are", async () => {
    const parse = createTreeParser();
    for (const text of ["", "\0\0\0", "\t\0", "100644 blob\0", "no tab", "100644 blob x\t\0", "\t\t\t\0"]) {
      const { files } = await parse(Buffer.from(text));
      expect(files).toEqual([]);
    }
  });
});
