/** What the image holds: one bundle with all that it needs, which starts where nothing was installed. */
import { execFile, execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const app = mkdtempSync(join(tmpdir(), "flaresmith-image-"));
const bundle = join(app, "dist", "flaresmith.js");

beforeAll(() => {
  execFileSync(process.execPath, [join(root, "toolchain", "build.mjs"), "--image"]);
  cpSync(join(root, "image"), join(app, "dist"), { recursive: true });
  copyFileSync(join(root, "package.json"), join(app, "package.json"));
}, 60_000);
afterAll(() => rmSync(app, { recursive: true, force: true }));

const flaresmith = (...args: string[]) =>
  promisify(execFile)(process.execPath, [bundle, ...args], { cwd: app, env: { PATH: process.env["PATH"] } });

test("started with nothing in its store, it makes keys and certificates, serves, and is Ready", async () => {
  const data = join(app, "data");
  const { stdout } = await flaresmith("up", "--once", "--installation", "image", "--data-dir", data);
  expect(stdout).toContain("Everything is Ready.");
  expect(readFileSync(join(data, "kubeconfig"), "utf8")).toContain("certificate-authority-data");
}, 60_000);

test("started by an older Node, it says which it needs, before anything is loaded that this one has not", async () => {
  const older = `import { registerHooks } from "node:module";
    Object.defineProperty(process.versions, "node", { value: "20.20.2" });
    registerHooks({
      resolve: (name, context, next) => {
        if (name === "node:sqlite") throw new Error("No such built-in module: node:sqlite");
        return next(name, context);
      },
    });`;
  const hooks = `data:text/javascript,${encodeURIComponent(older)}`;
  const asked = promisify(execFile)(process.execPath, ["--import", hooks, bundle, "--version"]);
  await expect(asked).rejects.toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(
      /^error: flaresmith needs Node 24 or newer[^\n]*\nhint: [^\n]+\n$/,
    ) as string,
  });
});

test("asked for the sandbox, it says where that is", async () => {
  const asked = flaresmith("up", "--once", "--sandbox", "--data-dir", join(app, "sandbox"));
  await expect(asked).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("part of the repository, not of the package") as string,
  });
}, 60_000);

test("every package of which something is in the bundle has its licence beside it", () => {
  const notices = readFileSync(join(app, "dist", "third-party-licences.txt"), "utf8");
  const sources = globSync(join(app, "dist", "**", "*.map")).flatMap(
    (file) => (JSON.parse(readFileSync(file, "utf8")) as { sources: string[] }).sources,
  );
  const packages = new Set(
    sources.flatMap((path) => /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []),
  );
  // Some maps name the sources that a package was itself made from.
  const isInstalled = (name: string): boolean => existsSync(join(root, "node_modules", name, "package.json"));
  expect(packages).toContain("yaml");
  expect(packages).toContain("@peculiar/x509");
  for (const name of [...packages].filter(isInstalled))
    expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, "m"));
  expect(notices).toContain("Eemeli Aro <eemeli@gmail.com>");
});
