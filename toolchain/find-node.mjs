// Where a Node that can run the project comes from: this process, npm's platform package, or the PATH.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const requiredMajor = 24;

/**
 * @param {string} root the project's folder
 * @param {{ current?: string, execPath?: string, path?: string }} [host] what to look at instead of this process
 * @returns {string | undefined} an executable, or undefined when there is none
 */
export function findNode(root, host = {}) {
  const {
    current = process.versions.node,
    execPath = process.execPath,
    path = process.env.PATH ?? "",
  } = host;
  if (isEnough(current)) return execPath;
  const packaged = `node-${process.platform}-${process.arch}`;
  const candidates = [
    join(root, "node_modules", packaged, "bin", "node"),
    join(root, "toolchain", "node_modules", packaged, "bin", "node"),
    ...path.split(delimiter).flatMap((folder) => [join(folder, "node24"), join(folder, "node")]),
  ];
  // Asking is the only proof: the packaged binary needs glibc and does not start on musl.
  return candidates.find((candidate) => existsSync(candidate) && isEnough(versionOf(candidate)));
}

function versionOf(executable) {
  const result = spawnSync(executable, ["--version"], { encoding: "utf8", timeout: 10_000 });
  return result.status === 0 ? result.stdout.trim().replace(/^v/, "") : "0";
}

function isEnough(version) {
  return Number.parseInt(version, 10) >= requiredMajor;
}
