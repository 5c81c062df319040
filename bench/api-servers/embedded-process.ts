/**
 * A process of its own that serves the embedded API over a store on disk, and nothing else, until it is ended. SIGUSR2
 * makes it watch its turns of the event loop, and the next one makes it print what the longest took.
 */
import { join } from "node:path";
import { serveApi } from "../../controller/apiserver/serve-api.ts";
import { inLaterTurn } from "../../controller/runtime/adapters/event-loop.ts";
import { keepAlive } from "../../controller/runtime/adapters/keep-alive.ts";
import { systemClock, systemRandom } from "../../controller/runtime/adapters/system.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import { kinds } from "../../crds/index.ts";
import { watchTurns } from "../turns.ts";

const [directory = "", port = ""] = process.argv.slice(2);
// The timers of the clock keep no process alive.
keepAlive();
const clock = systemClock();
const random = systemRandom();
const types = [...builtinTypes, ...kinds.map((kind) => kindType(kind))];
const store = await openEmbeddedStore({
  path: join(directory, "store.db"),
  clock,
  random,
  types,
  defer: inLaterTurn,
});
await serveApi({ directory, store, clock, random, port: Number(port) });

let turns: ReturnType<typeof watchTurns> | undefined;
process.on("SIGUSR2", () => {
  if (turns === undefined) {
    turns = watchTurns();
    return;
  }
  turns.stop();
  console.log(`longest turn ${turns.longest()} ms`);
  turns = undefined;
});
