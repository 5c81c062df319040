/** Opens a store, writes once, and closes it, and says when. */
import { keepAlive } from "../../controller/runtime/adapters/keep-alive.ts";
import { systemClock, systemRandom } from "../../controller/runtime/adapters/system.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import { kinds } from "../../crds/index.ts";

const [path = ""] = process.argv.slice(2);
const say = (word: string): void => void process.stdout.write(`${word}\n`);
const release = keepAlive();
say("opening");
const store = await openEmbeddedStore({
  path,
  clock: systemClock(),
  random: systemRandom(),
  types: [...builtinTypes, ...kinds.map((kind) => kindType(kind))],
});
say("opened");
say("closing");
await store.close();
say("closed");
release();
