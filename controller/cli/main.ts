#!/usr/bin/env node
/** Looks at Node's version before anything is loaded that older ones do not have. */
const OLDEST = 24;

if (Number.parseInt(process.versions.node, 10) < OLDEST) {
  process.stderr.write(
    `error: flaresmith needs Node ${OLDEST} or newer, and this is ${process.version}\nhint: Install a newer one from https://nodejs.org, or put it first on the PATH.\n`,
  );
  process.exitCode = 1;
} else {
  await import("./start.ts");
}
