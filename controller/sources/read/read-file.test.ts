import { describe, expect, test } from "vitest";
import { readManifestFile } from "./read-file.ts";

const read = (text: string, path = "a.yaml") => readManifestFile(path, Buffer.from(text));
const faults = (text: string, path?: string): string[] =>
  read(text, path).errors.map(
    ({ line, column, field, message }) => `${line}:${column} ${field ?? ""} ${message}`,
  );

const good = `# comment
apiVersion: flaresmith.dev/v1alpha1
kind: Project
metadata: {name: shop}
spec:
  github: {connectionRef: {name: github}, repository: shop}
`;

describe("a file of manifests", () => {
  test("may hold several documents; each knows where it begins", () => {
    const { objects, errors } = read(`${good}---\n---\n${good.replace("name: shop}", "name: blog}")}...\n`);
    expect(errors).toEqual([]);
    expect(objects.map(({ object, line }) => [object.metadata.name, line])).toEqual([
      ["shop", 2],
      ["blog", 10],
    ]);
    // Defaults are the API's to set: what is not written is not sent.
    expect(objects[0]?.object).toEqual({
      apiVersion: "flaresmith.dev/v1alpha1",
      kind: "Project",
      metadata: { name: "shop" },
      spec: { github: { connectionRef: { name: "github" }, repository: "shop" } },
    });
  });

  test("is taken whole or not at all", () => {
    const { objects, errors } = read(`${good}---\n${good.replace("repository", "repo")}`);
    expect(objects).toEqual([]);
    expect(errors.map(({ line, field }) => [line, field])).toEqual([
      [13, "spec.github.repo"],
      [13, "spec.github.repository"],
    ]);
  });

  test("may be JSON, indented with tabs", () => {
    const object = {
      apiVersion: "flaresmith.dev/v1alpha1",
      kind: "Project",
      metadata: { name: "shop" },
      spec: { github: { connectionRef: { name: "github" }, repository: "s😀hop" } },
    };
    const text = JSON.stringify(object, null, "\t");
    expect(faults(text, "a.json")).toEqual([expect.stringContaining("12:4 spec.github.repository")]);
    expect(read(text.replace("s😀hop", "shop"), "a.json").objects).toHaveLength(1);
  });
});

describe("what is refused names line, column and remedy", () => {
  test.each([
    [
      "an alias",
      "a: &x 1\nb: *x",
      [
        "1:7 a anchors (&name) are not supported; write the value where it is needed",
        "2:4 b aliases (*name) are not supported; write the value out",
      ],
    ],
    [
      "a bomb of aliases",
      "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]",
      [
        expect.stringContaining("anchors"),
        expect.anything(),
        expect.anything(),
        expect.anything(),
        expect.anything(),
        expect.anything(),
      ],
    ],
    ["a tag", "a: !foo x", [expect.stringContaining("1:4  tags are not supported")]],
    ["binary", "a: !!binary aGk=", [expect.stringContaining("1:4  tags are not supported")]],
    ["a directive", "%YAML 1.1\n---\na: yes", [expect.stringContaining("1:1  directives")]],
    [
      "prototype keys",
      "a: {__proto__: {x: 1}}\nconstructor: {prototype: {x: 1}}",
      [
        expect.stringContaining("1:5 a.__proto__ the key __proto__ is not allowed"),
        expect.stringContaining("2:1 constructor"),
      ],
    ],
    ["a key given twice", "a: 1\nb: 2\na: 3", ['3:1 a the key "a" is given twice; remove one']],
    ["deep nesting", `${"[".repeat(100_000)}`, [expect.stringContaining("nested more than 64 deep")]],
    [
      "a large document",
      `a: 1\n---\nb: ${"x".repeat(300_000)}`,
      [expect.stringContaining("2:1  the document is larger than 256 KiB")],
    ],
    ["a large file", "#\n".repeat(300_000), [expect.stringContaining("larger than 512 KiB")]],
    ["infinity", "a: .inf", [expect.stringContaining("1:4 a the value has no counterpart in JSON")]],
    ["a list as a key", "? [1]\n: 2", [expect.stringContaining("a key must be text")]],
    ["an open quote", "a: 'x", [expect.stringMatching(/^1:\d+ {2}Missing closing/)]],
    ["a list", "- 1", [expect.stringContaining("1:1  a manifest is a mapping")]],
    ["no kind", "a: 1", [expect.stringContaining("1:1 kind kind is missing")]],
    ["another version", good.replace("v1alpha1", "v2"), [expect.stringContaining("2:1 apiVersion")]],
    [
      "a Source",
      good.replace("Project", "Source"),
      [expect.stringContaining("a Source cannot apply Sources")],
    ],
    [
      "a bad name",
      good.replace("{name: shop}", "{name: Shop}"),
      [expect.stringContaining("4:12 metadata.name")],
    ],
    [
      "a number as a name",
      good.replace("{name: shop}", "{name: 1}"),
      [expect.stringContaining("4:12 metadata.name")],
    ],
    [
      "metadata of the server",
      good.replace("{name: shop}", "{name: shop, uid: x}"),
      [expect.stringContaining("4:24 metadata.uid")],
    ],
    [
      "a label that is no text",
      good.replace("{name: shop}", "{name: shop, labels: {a/b: 1}}"),
      [expect.stringContaining("4:33 metadata.labels.a/b")],
    ],
    [
      "a wrong type",
      good.replace("repository: shop", "repository: 5"),
      [expect.stringMatching(/^6:43 spec\.github\.repository .*must be of type string/)],
    ],
    [
      "a rule across fields",
      good.replace("shop}\n", "shop}\nstatus: {x: 1}\n").replace("repository: shop", "repository: shop"),
      [expect.stringContaining("status is written by the controller")],
    ],
  ])("%s", (_name, text, expected) => {
    expect(faults(text)).toEqual(expected);
  });

  test("bytes that are no UTF-8", () => {
    expect(readManifestFile("a.yaml", Buffer.from([0x61, 0x3a, 0x20, 0x0a, 0x62, 0xff])).errors).toEqual([
      { file: "a.yaml", line: 2, column: 2, message: "the file is not UTF-8 text; save it as UTF-8" },
    ]);
  });

  test("JSON that is none, without quoting what is in it", () => {
    expect(faults('{"kind": "Project",\n "token": hunter22}', "a.json")).toEqual([
      expect.stringMatching(/^2:11 {2}the file is not JSON: this is not allowed here/),
    ]);
    expect(faults('{"token": hunter22}', "a.json").join()).not.toContain("hunter22");
  });
});
