// The one way in: `npm start`, `npm test` and the other scripts all pass through here.
// Plain JavaScript that Node 20 can run: it installs what is missing, finds a Node >= 24 and hands over to it.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureInstalled } from "./install.mjs";
import { findNode } from "./find-node.mjs";
import { forwardSignals } from "./signals.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** As in the image: left alone, V8 keeps up to 128 MiB for what was made last. */
const memory = "--max-semi-space-size=16";
/** What each command gives to Node; anything typed after it is appended. */
const commands = {
  start: [memory, "controller/cli/main.ts", "up", "--sandbox", "--source", "examples/quickstart"],
  flaresmith: [memory, "controller/cli/main.ts"],
  test: ["toolchain/gates.mjs"],
  node: [],
};

function fail(message) {
  process.stderr.write(`flaresmith: ${message}\n`);
  process.exit(1);
}

const [name = "", ...rest] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (command === undefined) fail(`unknown command "${name}"; use one of ${Object.keys(commands).join(", ")}`);

try {
  ensureInstalled(root);
} catch (error) {
  fail(error.message);
}
const node = findNode(root);
if (node === undefined) {
  fail(
    `needs Node 24 or newer; this is ${process.version} and npm has no Node 24 package for ${process.platform}-${process.arch}. Install Node 24 and run again.`,
  );
}

const env = {
  ...process.env,
  // Tools and tests that start "node" by name must get the same one.
  PATH: [join(node, ".."), join(root, "node_modules", ".bin"), process.env.PATH].join(":"),
};
// The cache makes starts faster and V8's coverage less exact, so tests go without.
if (name !== "test") env.NODE_COMPILE_CACHE ??= join(root, "node_modules", ".cache", "node");

const child = spawn(node, [...command, ...rest], { cwd: root, env, stdio: "inherit" });
forwardSignals(child);
child.on("error", (error) => fail(`cannot start ${node}: ${error.message}`));
child.on("exit", (code, signal) => {
  process.exitCode = code ?? 128 + (signal === "SIGINT" ? 2 : signal === "SIGTERM" ? 15 : 1);
});
