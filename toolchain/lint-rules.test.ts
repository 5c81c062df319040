import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** One statement per ban. Each must be an error in the product and none in an adapter. */
const bans: Record<string, string> = {
  "date-now": "export const a = Date.now();",
  "set-timeout": "setTimeout(() => undefined, 1);",
  "set-interval": "setInterval(() => undefined, 1);",
  "set-immediate": "setImmediate(() => undefined);",
  "math-random": "export const a = Math.random();",
  "global-crypto": "export const a = crypto.randomUUID();",
  "abort-timeout": "export const a = AbortSignal.timeout(5);",
  performance: "export const a = performance.now();",
  fetch: 'export const a = fetch("https://example.com");',
  "random-uuid": 'import { randomUUID } from "node:crypto"; export const a = randomUUID();',
  "random-bytes": 'import { randomBytes } from "node:crypto"; export const a = randomBytes(8);',
  "crypto-namespace": 'import * as c from "node:crypto"; export const a = c.randomBytes(8);',
  "crypto-default": 'import crypto from "node:crypto"; export const a = crypto.randomBytes(8);',
  webcrypto: 'import { webcrypto } from "node:crypto"; export const a = webcrypto.subtle;',
  timers: 'import { setTimeout as wait } from "node:timers/promises"; export const a = wait(1);',
  "perf-hooks": 'import { performance as p } from "node:perf_hooks"; export const a = p.now();',
};
/** Quality floor: errors everywhere. */
const faults: Record<string, string> = {
  floating: "export function a(): void { Promise.resolve(1); }",
  misused: "export function a(b: string[]): void { b.forEach(async () => { await Promise.resolve(); }); }",
  switch: 'export function a(b: "x" | "y"): number { switch (b) { case "x": return 1; } return 2; }',
  any: "export const a: any = 1;",
  "non-null": "export const a = (b: string | undefined): string => b!;",
  default: "export default 1;",
  "cycle-one": 'import { b } from "./cycle-two.ts"; export const a = (): number => b();',
  "cycle-two": 'import { a } from "./cycle-one.ts"; export const b = (): number => a();',
  long: "export const a = 1;\n".repeat(1).concat("// line\n".repeat(501)),
};

const root = join(import.meta.dirname, "..");
let folder = "";
let failing: Set<string>;

function put(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), `${text}\n`);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "flaresmith-lint-"));
  for (const name of [".oxlintrc.json", "tsconfig.json", "node_modules"])
    symlinkSync(join(root, name), join(folder, name));
  for (const [name, text] of Object.entries(bans)) {
    for (const place of ["controller/runtime", "reconcilers/github", "controller/cli"])
      put(`${place}/ban-${name}.ts`, text);
    for (const place of ["controller/runtime/adapters", "sandbox/core/adapters", "test"])
      put(`${place}/ban-${name}.ts`, text);
  }
  for (const [name, text] of Object.entries(faults)) put(`crds/${name}.ts`, text);
  put("crds/console.ts", 'console.log("a");');
  put("controller/cli/console.ts", 'console.log("a");');
  const result = spawnSync(
    process.execPath,
    [join(root, "node_modules/oxlint/bin/oxlint"), "--type-aware", "-f", "unix"],
    {
      cwd: folder,
      encoding: "utf8",
    },
  );
  failing = new Set(
    result.stdout
      .split("\n")
      .filter((line) => line.includes("[Error"))
      .map((line) => line.slice(0, line.indexOf(":")).replace(`${folder}/`, "")),
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("determinism", () => {
  it.each(Object.keys(bans))("bans %s in the product", (name) => {
    expect(failing).toContain(`controller/runtime/ban-${name}.ts`);
    expect(failing).toContain(`reconcilers/github/ban-${name}.ts`);
    expect(failing).toContain(`controller/cli/ban-${name}.ts`);
  });

  it("allows the real world in adapters and tests", () => {
    expect([...failing].filter((file) => /adapters\/|^test\//.test(file))).toEqual([]);
  });

  it("lets only the CLI write to the console", () => {
    expect(failing).toContain("crds/console.ts");
    expect(failing).not.toContain("controller/cli/console.ts");
  });
});

describe("quality floor", () => {
  it.each(Object.keys(faults))("refuses %s", (name) => {
    expect(failing).toContain(`crds/${name}.ts`);
  });
});
