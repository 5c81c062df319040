/** The process that runs one command. */
import { keepAlive } from "../runtime/adapters/keep-alive.ts";
import { systemFetch } from "../runtime/adapters/network.ts";
import { ownedSignals } from "../runtime/adapters/signals.ts";
import { systemClock, systemRandom } from "../runtime/adapters/system.ts";
import { createAsk } from "./ask.ts";
import { endureLosses } from "./lost-output.ts";
import { runCommandLine } from "./program.ts";
import { createTerminal } from "./terminal.ts";
import { VERSION } from "./version.ts";

const { env, stderr, stdin, stdout } = process;
const lostOutput = endureLosses(stdout);
// What is lost here is no result: the exit code still says how it ended.
endureLosses(stderr);
const release = keepAlive();
process.exitCode = await runCommandLine(process.argv.slice(2), {
  terminal: createTerminal({ stdout, stderr, env }),
  clock: systemClock(),
  random: systemRandom(),
  fetch: systemFetch(),
  env,
  signals: ownedSignals(),
  ask: createAsk({ stdin, stderr }),
  exit: (code) => process.exit(code),
  version: VERSION,
  lostOutput,
});
release();
