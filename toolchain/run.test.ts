import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { findNode } from "./find-node.mjs";
import { ensureInstalled } from "./install.mjs";

const launcher = join(import.meta.dirname, "run.mjs");

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "flaresmith-run-"));
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

describe("the launcher", () => {
  it("passes arguments and the exit code through", () => {
    const script = "console.log(process.argv.slice(1).join()); process.exit(7)";
    const result = spawnSync(process.execPath, [launcher, "node", "-e", script, "--", "--once", "a b"], {
      encoding: "utf8",
    });
    expect(result.stdout).toBe("--once,a b\n");
    expect(result.status).toBe(7);
  });

  it("refuses a command it does not know in one line", () => {
    const result = spawnSync(process.execPath, [launcher, "toString"], { encoding: "utf8" });
    expect(result.stderr).toBe(
      'flaresmith: unknown command "toString"; use one of start, flaresmith, test, node\n',
    );
    expect(result.status).toBe(1);
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "hands %s to the child once and waits for it to end",
    async (signal) => {
      const script = `let seen = 0; process.on("${signal}", () => { seen++; setTimeout(() => process.exit(10 + seen), 100); });
      setInterval(() => undefined, 1000); console.log("up");`;
      const child = spawn(process.execPath, [launcher, "node", "-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await new Promise((resolve) => child.stdout.once("data", resolve));
      child.kill(signal);
      child.kill(signal);
      const code = await new Promise((resolve) => child.once("exit", resolve));
      expect(code).toBe(11);
    },
  );
});

describe("the gates", () => {
  it.each(["tpyes", "--fsat"])("run nothing when one is asked for that is none (%s)", (name) => {
    const gates = join(import.meta.dirname, "gates.mjs");
    const result = spawnSync(process.execPath, [gates, "types", name], { encoding: "utf8" });
    expect(result.stderr).toMatch(`gates: there is no ${name}; name some of types, lint, `);
    expect({ code: result.status, out: result.stdout }).toEqual({ code: 2, out: "" });
  });
});

describe("publishing", () => {
  it("is refused by npm for the clone, in which nothing builds before it", () => {
    const text = readFileSync(join(import.meta.dirname, "..", "package.json"), "utf8");
    expect(JSON.parse(text)).toMatchObject({ private: true });
  });
});

describe("finding Node", () => {
  const old = { current: "20.20.2", execPath: "/old/node" };

  function putNode(folder: string, name: string, version: string): string {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
    return file;
  }

  it("takes this process when it is new enough", () => {
    expect(findNode(root, { current: "26.1.0", execPath: "/new/node" })).toBe("/new/node");
  });

  it("prefers npm's platform package to the PATH", () => {
    const onPath = join(root, "bin");
    putNode(onPath, "node24", "v24.1.0");
    expect(findNode(root, { ...old, path: onPath })).toBe(join(onPath, "node24"));
    const packaged = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin");
    putNode(packaged, "node", "v24.21.0");
    expect(findNode(root, { ...old, path: onPath })).toBe(join(packaged, "node"));
  });

  it("passes over what is too old or does not start", () => {
    const onPath = join(root, "bin");
    putNode(onPath, "node", "v22.22.2");
    const packaged = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin");
    writeFileSync(putNode(packaged, "node", ""), "#!/no/such/loader\n");
    expect(findNode(root, { ...old, path: onPath })).toBeUndefined();
  });
});

describe("installing", () => {
  const installs = (): boolean => {
    rmSync(join(root, "installed"), { force: true });
    ensureInstalled(root);
    return existsSync(join(root, "installed"));
  };
  const lock = (text: string): void => writeFileSync(join(root, "package-lock.json"), text);
  const touch = (file: string, seconds: number): void => utimesSync(join(root, file), seconds, seconds);

  beforeEach(() => {
    const npm = join(root, "npm-cli.js");
    writeFileSync(
      npm,
      `const fs = require("node:fs"); fs.mkdirSync("node_modules", { recursive: true });
      fs.writeFileSync("node_modules/.package-lock.json", "{}"); fs.writeFileSync("installed", process.argv.join(" "));`,
    );
    vi.stubEnv("npm_execpath", npm);
    lock("{}");
  });

  it("installs once, and again when the lock file's content changes", () => {
    expect(installs()).toBe(true);
    expect(installs()).toBe(false);
    touch("package-lock.json", Date.now() / 1000 + 60);
    expect(installs()).toBe(false);
    lock('{"changed":true}');
    touch("package-lock.json", Date.now() / 1000 + 60);
    expect(installs()).toBe(true);
  });

  it("trusts an install made by hand after the lock file was written", () => {
    mkdirSync(join(root, "node_modules"));
    writeFileSync(join(root, "node_modules/.package-lock.json"), "{}");
    touch("package-lock.json", 1000);
    expect(installs()).toBe(false);
    touch("node_modules/.package-lock.json", 500);
    expect(installs()).toBe(true);
  });

  it("says so when there is no npm", () => {
    vi.stubEnv("npm_execpath", "");
    vi.stubEnv("PATH", join(root, "nothing"));
    expect(() => ensureInstalled(root)).toThrow(/^npm cannot be started: spawnSync npm ENOENT\. /);
  });

  it("says so when npm fails", () => {
    writeFileSync(join(root, "npm-cli.js"), "process.exit(1)");
    expect(() => ensureInstalled(root)).toThrow("npm ci failed");
  });
});
