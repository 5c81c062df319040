// Everything that must hold before a change is merged, in order of how fast it tells. Runs every gate even after one
// failed, so that one run shows all there is to mend. The last line is always "N passed, N failed": continuous
// integration reads it. It counts tests, and each gate that failed.
//
//   gates.mjs                 all gates
//   gates.mjs --fast          without coverage, unused exports and package checks
//   gates.mjs types lint      only these, without the closing line

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { testCounts } from "./test-counts.mjs";

const root = join(import.meta.dirname, "..");
const modules = join(root, "node_modules");
const report = join(modules, ".cache", "vitest.json");

const flags = process.argv.slice(2).filter((argument) => argument.startsWith("--"));
const named = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const fast = flags.includes("--fast");

const vitest = [
  join(modules, "vitest", "vitest.mjs"),
  "run",
  "--passWithNoTests",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${report}`,
  ...(fast ? [] : ["--coverage"]),
];

/** `shown` gates print as they go; the others only when they fail. `full` gates are left out of a fast run. */
const gates = [
  { name: "types", title: "types (tsc)", runs: [[join(modules, "typescript", "bin", "tsc"), "-p", root]] },
  {
    name: "lint",
    title: "lint (oxlint, import arrows, injected clocks)",
    runs: [
      [join(modules, "oxlint", "bin", "oxlint"), "--type-aware", "--deny-warnings"],
      [join(root, "toolchain", "check-boundaries.ts")],
    ],
  },
  { name: "format", title: "format (oxfmt)", runs: [[join(modules, "oxfmt", "bin", "oxfmt"), "--check"]] },
  {
    name: "unused",
    title: "unused exports and dependencies (knip)",
    full: true,
    needs: "controller/cli/main.ts",
    runs: [[join(modules, "knip", "bin", "knip.js")]],
  },
  {
    name: "generated",
    title: "generated files are up to date",
    needs: "crds/generate.ts",
    runs: [[join(root, "crds", "generate.ts"), "--check"]],
  },
  { name: "unit", title: "tests (vitest)", shown: true, runs: [vitest] },
  {
    name: "simulation",
    title: "simulation (5,000 seeds, and an accident at every place; more with npm run simulate)",
    full: true,
    shown: true,
    runs: [
      [join(root, "test", "simulation", "simulate.ts"), "--seeds", "5000"],
      [join(root, "test", "simulation", "simulate.ts"), "--sweep"],
    ],
  },
  {
    name: "package",
    title: "package (publint)",
    full: true,
    runs: [
      [join(root, "toolchain", "build.mjs")],
      [join(modules, "publint", "src", "cli.js"), "run", join(root, "dist"), "--strict", "--pack", "npm"],
    ],
    needs: "controller/cli/main.ts",
  },
];

const unknown = [
  ...flags.filter((flag) => flag !== "--fast"),
  ...named.filter((name) => gates.every((gate) => gate.name !== name)),
];
if (unknown.length > 0) {
  const names = gates.map(({ name }) => name).join(", ");
  process.stderr.write(`gates: there is no ${unknown.join(", ")}; name some of ${names}, or --fast\n`);
  process.exit(2);
}

function run(gate) {
  for (const args of gate.runs) {
    const stdio = gate.shown ? "inherit" : "pipe";
    const result = spawnSync(process.execPath, args, {
      cwd: root,
      stdio,
      encoding: "utf8",
      maxBuffer: 64 << 20,
    });
    if (result.status !== 0) return { ok: false, output: `${result.stdout ?? ""}${result.stderr ?? ""}` };
  }
  return { ok: true, output: "" };
}

function selected(gate) {
  if (named.length > 0) return named.includes(gate.name);
  return !(fast && gate.full === true);
}

mkdirSync(join(modules, ".cache"), { recursive: true });
rmSync(report, { force: true });
const failed = [];
for (const gate of gates.filter(selected)) {
  if (gate.needs !== undefined && !existsSync(join(root, gate.needs))) continue;
  if (gate.shown) process.stdout.write(`${gate.title}\n`);
  const began = performance.now();
  const { ok, output } = run(gate);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(`${ok ? "ok    " : "FAILED"}  ${seconds.padStart(6)}s  ${gate.title}\n${output}`);
  if (!ok) failed.push(gate.name);
}

process.exitCode = failed.length === 0 ? 0 : 1;
if (named.length === 0) {
  const counts = testCounts(report) ?? { passed: 0, failed: 0, skipped: 0 };
  // Failing tests already count one by one; a test run that broke in another way counts as a gate.
  const broken = failed.filter((name) => name !== "unit" || counts.failed === 0);
  if (counts.skipped > 0) process.stdout.write(`${counts.skipped} skipped\n`);
  if (failed.length > 0) process.stdout.write(`gates that failed: ${failed.join(", ")}\n`);
  process.stdout.write(`${counts.passed} passed, ${counts.failed + broken.length} failed\n`);
}
