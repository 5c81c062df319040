/** `npm run bench -- NAME`: each measurement prints figures for people; ratios and counts, because machines differ. */
import { providerReads } from "./provider-reads.ts";

const benches: Readonly<Record<string, () => Promise<void>>> = { "provider-reads": providerReads };

const [name = ""] = process.argv.slice(2);
const bench = benches[name];
if (bench) {
  await bench();
} else {
  console.log(`npm run bench -- NAME, where NAME is one of: ${Object.keys(benches).join(", ")}`);
  process.exitCode = name === "" ? 0 : 1;
}
