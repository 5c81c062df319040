import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashOf } from "../../controller/runtime/hash.ts";
import { isFlaresmithError } from "../../controller/runtime/errors.ts";
import { MODULE_COMPATIBILITY_DATE, readBundle } from "./bundle.ts";
import { file } from "./test-context.ts";
import type { Bundle, BundleFile } from "./types.ts";

const worker = "export default { fetch() { return new Response('hello'); } };";
const config = (extra: Record<string, unknown> = {}): BundleFile =>
  file("wrangler.json", JSON.stringify({ main: "index.js", compatibility_date: "2026-01-01", ...extra }));
const directory = (...files: BundleFile[]): Bundle =>
  readBundle({ path: "dist/api", kind: "directory", files });
const names = (bundle: Bundle): string[] =>
  bundle.modules.map((module) => `${module.name} ${module.contentType}`);

function refusal(read: () => Bundle): { code: string; message: string; hint: string } {
  try {
    read();
  } catch (error) {
    if (isFlaresmithError(error)) return { code: error.code, message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error("it was accepted");
}

test("a module file is a bundle of itself", () => {
  const bundle = readBundle({ path: "dist/worker.mjs", kind: "file", files: [file("worker.mjs", worker)] });
  expect(names(bundle)).toEqual(["worker.mjs application/javascript+module"]);
  expect(bundle).toMatchObject({
    mainModule: "worker.mjs",
    compatibilityDate: MODULE_COMPATIBILITY_DATE,
    compatibilityFlags: [],
    assets: undefined,
  });
});

test("a directory's modules are named as the entry imports them and typed by wrangler's rules", () => {
  const bundle = directory(
    config({
      main: "./out/index.js",
      compatibility_flags: ["nodejs_compat"],
      observability: { enabled: true },
    }),
    file(
      "out/index.js",
      'import "./lib/util.mjs"; import page from "./page.html"; import wasm from "./add.wasm"; import fs from "node:fs"; import path from "path"; import data from "./data.bin"; import old from "./old.cjs"; export default {};',
    ),
    file("out/lib/util.mjs", 'export * from "../index.js";'),
    file("out/page.html", "<p>"),
    file("out/add.wasm", "asm"),
    file("out/data.bin", "1"),
    file("out/old.cjs", "module.exports = require('x');"),
    file("out/index.js.map", "{}"),
    file("README.md", "# not code"),
  );
  expect(bundle.mainModule).toBe("index.js");
  expect(names(bundle)).toEqual([
    "add.wasm application/wasm",
    "data.bin application/octet-stream",
    "index.js application/javascript+module",
    "lib/util.mjs application/javascript+module",
    "old.cjs application/javascript",
    "page.html text/plain",
  ]);
  expect(bundle).toMatchObject({ compatibilityFlags: ["nodejs_compat"], observability: { enabled: true } });
});

test("rules of the configuration come first, and find_additional_modules: false takes the entry alone", () => {
  const rules = [{ type: "Text", globs: ["**/*.md"], fallthrough: true }];
  const files = [file("index.js", 'import text from "./a.md";'), file("a.md", "x"), file("b.txt", "y")];
  expect(names(directory(config({ rules }), ...files))).toEqual([
    "a.md text/plain",
    "b.txt text/plain",
    "index.js application/javascript+module",
  ]);
  expect(
    names(
      directory(config({ find_additional_modules: false }), file("index.js", worker), file("b.txt", "y")),
    ),
  ).toEqual(["index.js application/javascript+module"]);
});

test("comments and trailing commas are fine in wrangler.jsonc", () => {
  const text =
    '{\n  // entry\n  "main": "index.js", /* tested with */ "compatibility_date": "2026-01-01",\n  "$schema": "https://x//y",\n  "compatibility_flags": ["nodejs_compat",],\n}';
  expect(directory(file("wrangler.jsonc", text), file("index.js", worker)).compatibilityFlags).toEqual([
    "nodejs_compat",
  ]);
});

test("static assets are served by path, typed, and configured by the directory's own files", () => {
  const bundle = directory(
    config({
      assets: {
        directory: "./public/",
        binding: "ASSETS",
        html_handling: "drop-trailing-slash",
        run_worker_first: ["/api/*"],
      },
    }),
    file("index.js", worker),
    file("public/index.html", "<h1>"),
    file("public/img/a b.png", "png"),
    file("public/app.js", "import 'react';"),
    file("public/_headers", "/*\n  X-A: b"),
    file("public/_redirects", "/a /b 301"),
  );
  expect(names(bundle)).toEqual(["index.js application/javascript+module"]);
  expect(
    Object.entries(bundle.assets?.files ?? {}).map(([path, asset]) => [path, asset.contentType]),
  ).toEqual([
    ["/app.js", "text/javascript; charset=utf-8"],
    ["/img/a%20b.png", "image/png"],
    ["/index.html", "text/html; charset=utf-8"],
  ]);
  expect(bundle.assets).toMatchObject({
    binding: "ASSETS",
    config: {
      html_handling: "drop-trailing-slash",
      run_worker_first: ["/api/*"],
      _headers: "/*\n  X-A: b",
      _redirects: "/a /b 301",
    },
  });
  expect(Object.values(bundle.assets?.files ?? {}).every((asset) => /^[0-9a-f]{32}$/.test(asset.hash))).toBe(
    true,
  );
});

test("a Worker of assets only needs no entry", () => {
  const bundle = readBundle({
    path: "site",
    kind: "directory",
    files: [
      file("wrangler.json", '{"compatibility_date":"2026-01-01","assets":{"directory":"."}}'),
      file("index.html", "<h1>"),
    ],
  });
  expect(bundle).toMatchObject({ mainModule: undefined, modules: [] });
  expect(Object.keys(bundle.assets?.files ?? {})).toEqual(["/index.html"]);
});

describe("refused before anything is sent, with the file, the key and the remedy:", () => {
  test.each<[string, BundleFile[], string, string]>([
    [
      "a TypeScript entry",
      [config({ main: "index.ts" }), file("index.ts", "x")],
      "dist/api/index.ts",
      "never builds",
    ],
    [
      "a Python entry",
      [config({ main: "index.py" }), file("index.py", "x")],
      "dist/api/index.py",
      "JavaScript",
    ],
    [
      "a CommonJS entry",
      [config({ main: "index.cjs" }), file("index.cjs", "x")],
      "dist/api/index.cjs",
      ".mjs",
    ],
    ["an entry that is missing", [config({ main: "dist.js" })], "main: there is no file dist.js", "build"],
    ["an entry outside", [config({ main: "../index.js" })], "main: ../index.js", "inside"],
    ["no entry at all", [config({ main: undefined }), file("index.js", worker)], "main is missing", "main"],
    [
      "a package that is not in the bundle",
      [config(), file("index.js", 'import { Hono } from "hono";')],
      "dist/api/index.js: imports the package hono",
      "bundle the package",
    ],
    [
      "a dynamic import of a package",
      [config(), file("index.js", 'await import("lodash/fp")')],
      "lodash/fp",
      "bundle the package",
    ],
    [
      "a file that is not in the bundle",
      [config(), file("index.js", 'import "./gone.js";')],
      "imports ./gone.js",
      "Commit the file",
    ],
    [
      "an import of TypeScript",
      [config(), file("index.js", 'import "./a.ts";'), file("a.ts", "x")],
      "imports ./a.ts",
      "compiled",
    ],
    [
      "Node's modules without nodejs_compat",
      [config(), file("index.js", 'import "fs";')],
      "imports Node's fs",
      "nodejs_compat",
    ],
    [
      "a module that is no JavaScript",
      [config(), file("index.js", "import x from ;;; {{")],
      "line 1, column",
      "build",
    ],
    [
      "variables",
      [config({ vars: { A: "b" } }), file("index.js", worker)],
      "vars is not supported",
      "spec.cloudflare.workers[]",
    ],
    [
      "bindings",
      [config({ kv_namespaces: [] }), file("index.js", worker)],
      "kv_namespaces is not supported",
      "spec.cloudflare.kv",
    ],
    ["routes", [config({ routes: ["a"] }), file("index.js", worker)], "routes is not supported", "domains"],
    [
      "schedules",
      [config({ triggers: { crons: [] } }), file("index.js", worker)],
      "triggers is not supported",
      "crons",
    ],
    [
      "sections for environments",
      [config({ env: { prod: {} } }), file("index.js", worker)],
      "env is not supported",
      "Environment objects",
    ],
    [
      "a build command",
      [config({ build: { command: "make" } }), file("index.js", worker)],
      "build is not supported",
      "never builds",
    ],
    [
      "migrations of Durable Objects",
      [config({ migrations: [] }), file("index.js", worker)],
      "migrations is not supported",
      "Remove the key",
    ],
    [
      "an unknown key",
      [config({ nonsense: 1 }), file("index.js", worker)],
      "nonsense is not supported",
      "Remove the key",
    ],
    [
      "an unknown key inside assets",
      [config({ assets: { directory: ".", x: 1 } }), file("index.js", worker)],
      "assets.x is not supported",
      "Remove the key",
    ],
    [
      "a date that is none",
      [config({ compatibility_date: "today" }), file("index.js", worker)],
      "compatibility_date",
      "Correct",
    ],
    [
      "a missing date",
      [config({ compatibility_date: undefined }), file("index.js", worker)],
      "compatibility_date is missing",
      "2026-01-31",
    ],
    ["broken JSON", [file("wrangler.json", '{\n  "main": index.js }')], "line 2, column", "Correct"],
    [
      "two configurations",
      [config(), file("wrangler.jsonc", "{}"), file("index.js", worker)],
      "wrangler.jsonc",
      "one of the two",
    ],
    ["TOML", [file("wrangler.toml", "main = 1"), file("index.js", worker)], "wrangler.toml", "wrangler.json"],
    [
      "a glob that is not understood",
      [config({ rules: [{ type: "Text", globs: ["**/*.{md,txt}"] }] }), file("index.js", worker)],
      "rules[0].globs",
      "one glob",
    ],
    [
      "assets that are missing",
      [config({ assets: { directory: "public" } }), file("index.js", worker)],
      "assets.directory",
      "Commit the assets",
    ],
    [
      "assets outside",
      [config({ assets: { directory: "../public" } }), file("index.js", worker)],
      "assets.directory",
      "inside",
    ],
    [
      "an ignore file among the assets",
      [config({ assets: { directory: "p" } }), file("index.js", worker), file("p/.assetsignore", "x")],
      "p/.assetsignore",
      "remove the file",
    ],
    [
      "code among the assets",
      [config({ assets: { directory: "p" } }), file("index.js", worker), file("p/_worker.js", "x")],
      "p/_worker.js",
      "main",
    ],
    [
      "a base directory without the entry",
      [config({ base_dir: "lib" }), file("index.js", worker), file("lib/a.js", "")],
      "base_dir",
      "holds main",
    ],
  ])("%s", (_what, files, problem, remedy) => {
    const { code, hint, message } = refusal(() => directory(...files));
    expect(code).toBe("SPEC_BUNDLE_UNSUPPORTED");
    expect(message).toContain(problem);
    expect(message).toContain("dist/api");
    expect(hint).toContain(remedy);
  });

  test("a file that is no module", () => {
    expect(
      refusal(() => readBundle({ path: "src/worker.ts", kind: "file", files: [file("worker.ts", "x")] })),
    ).toMatchObject({
      code: "SPEC_BUNDLE_UNSUPPORTED",
      message: expect.stringContaining("src/worker.ts") as string,
    });
  });

  test("nothing, or a directory without a configuration", () => {
    expect(refusal(() => readBundle({ path: "dist", kind: "directory", files: [] })).code).toBe(
      "SPEC_BUNDLE_MISSING",
    );
    expect(refusal(() => directory(file("index.js", worker)))).toMatchObject({
      code: "SPEC_BUNDLE_MISSING",
      message: expect.stringContaining("wrangler.json") as string,
    });
  });

  test("modules and assets that Cloudflare would not take for their size", () => {
    const big = (path: string, megabytes: number): BundleFile => ({
      path,
      content: new Uint8Array(megabytes * 1024 * 1024),
    });
    expect(
      refusal(() => directory(config(), file("index.js", worker), big("model.bin", 65))).message,
    ).toContain("dist/api/model.bin");
    expect(
      refusal(() =>
        directory(config({ assets: { directory: "p" } }), file("index.js", worker), big("p/film.mp4", 26)),
      ).message,
    ).toContain("dist/api/p/film.mp4");
  });
});

test("strings and comments that look like imports are not imports", () => {
  const source =
    "// import 'a'\n/* import 'b' */ const c = \"import 'd'\"; const e = `import 'f' ${'g'}`; const h = /import 'i'/; export default {};";
  expect(directory(config(), file("index.js", source)).modules).toHaveLength(1);
});

test("the digest depends on content, names and configuration, never on the order of files", () => {
  const files = [config(), file("index.js", worker), file("a.txt", "a"), file("b.txt", "b")];
  const digest = directory(...files).digest;
  fc.assert(
    fc.property(fc.shuffledSubarray(files, { minLength: files.length }), (shuffled) => {
      expect(directory(...shuffled).digest).toBe(digest);
    }),
  );
  const others = [
    directory(config({ compatibility_flags: ["x"] }), ...files.slice(1)),
    directory(config(), file("index.js", `${worker} `), ...files.slice(2)),
    directory(config(), file("index.js", worker), file("a.txt", "b"), file("b.txt", "a")),
    directory(config(), file("index.js", worker), file("c.txt", "a"), file("b.txt", "b")),
    directory(config({ observability: { enabled: true } }), ...files.slice(1)),
    directory(config({ assets: { directory: "p" } }), ...files.slice(1), file("p/x.html", "x")),
  ];
  expect(new Set([digest, ...others.map((other) => other.digest)]).size).toBe(7);
});

test("a bundle hashes and serialises as its digest", () => {
  const bundle = directory(config(), file("index.js", worker));
  expect(JSON.stringify({ bundle })).toBe(`{"bundle":"${bundle.digest}"}`);
  expect(hashOf({ bundle })).toBe(hashOf({ bundle: bundle.digest }));
});
