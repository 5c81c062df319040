/** A process of its own that serves the embedded API over a store on disk, and nothing else, until it is ended. */
import { join } from "node:path";
import { serveApi } from "../../controller/apiserver/serve-api.ts";
import { keepAlive } from "../../controller/runtime/adapters/keep-alive.ts";
import { systemClock, systemRandom } from "../../controller/runtime/adapters/system.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import { kinds } from "../../crds/index.ts";

const [directory = "", port = ""] = process.argv.slice(2);
// The timers of the clock keep no process alive.
keepAlive();
const clock = systemClock();
const random = systemRandom();
const types = [...builtinTypes, ...kinds.map((kind) => kindType(kind))];
const store = await openEmbeddedStore({ path: join(directory, "store.db"), clock, random, types });
await serveApi({ directory, store, clock, random, port: Number(port) });
