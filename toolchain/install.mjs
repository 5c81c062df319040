// `npm ci` when node_modules is missing or does not belong to the lock file.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { linkPostgresLibraries } from "./postgres-links.mjs";

/**
 * @param {string} root the project's folder
 */
export function ensureInstalled(root) {
  const lock = join(root, "package-lock.json");
  const cache = join(root, "node_modules", ".cache");
  const stamp = join(cache, "lock.sha256");
  const wanted = createHash("sha256").update(readFileSync(lock)).digest("hex");
  if (!isInstalled({ root, lock, stamp, wanted })) {
    install(root);
    mkdirSync(cache, { recursive: true });
    writeFileSync(stamp, wanted);
  }
  linkPostgresLibraries(root);
}

/** The stamp knows by content; without one (somebody ran npm themselves) npm's own marker is compared by time. */
function isInstalled({ root, lock, stamp, wanted }) {
  const marker = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(marker)) return false;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return true;
  return statSync(marker).mtimeMs >= statSync(lock).mtimeMs;
}

function install(root) {
  process.stderr.write("flaresmith: installing packages (npm ci)\n");
  // Under `npm start` this is the npm that was typed; otherwise the one on the PATH.
  const cli = process.env.npm_execpath;
  const [file, first] = cli?.endsWith("npm-cli.js") ? [process.execPath, [cli]] : ["npm", []];
  // Development packages are what runs here, whatever NODE_ENV says; errors only, since npm itself may run on an
  // older Node and would warn about every package that needs 22.
  const args = [
    ...first,
    "ci",
    "--include=dev",
    "--include=optional",
    "--loglevel=error",
    "--no-audit",
    "--no-fund",
  ];
  const result = spawnSync(file, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (result.error !== undefined)
    throw new Error(`npm cannot be started: ${result.error.message}. Put npm on the PATH and run again.`);
  if (result.status !== 0) throw new Error("npm ci failed; its own message is above");
}
