/** `npm run bench -- NAME`: each measurement prints figures for people; ratios and counts, because machines differ. */
import { apiServers } from "./api-servers.ts";
import { clusterCache } from "./cluster-cache.ts";
import { coldStart } from "./cold-start.ts";
import { providerReads } from "./provider-reads.ts";
import { signatureTiming } from "./signature-timing.ts";
import { worlds } from "./world.ts";

const benches: Readonly<Record<string, (argument?: string) => Promise<void> | void>> = {
  "api-servers": apiServers,
  "cluster-cache": clusterCache,
  "cold-start": coldStart,
  "provider-reads": providerReads,
  "signature-timing": signatureTiming,
  world: worlds,
};

const [name = "", argument] = process.argv.slice(2);
const bench = benches[name];
if (bench) {
  await bench(argument);
} else {
  console.log(`npm run bench -- NAME, where NAME is one of: ${Object.keys(benches).join(", ")}`);
  process.exitCode = name === "" ? 0 : 1;
}
