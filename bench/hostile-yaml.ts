/**
 * How long reading one hostile file keeps everything else waiting, and how long it takes in all.
 *
 *   node bench/hostile-yaml.ts
 *
 * The longest step is what the event loop is held for: between steps others have their turn.
 */
import { readInSteps } from "../controller/sources/read/read-file.ts";

const fill = (piece: string, bytes = 250_000): string => piece.repeat(Math.floor(bytes / piece.length));
const head = "apiVersion: flaresmith.dev/v1alpha1\nkind: Project\nmetadata: {name: shop}\nspec:\n";
const numbered = (count: number): string => Array.from({ length: count }, (_, i) => `  a${i}: 1\n`).join("");

const files: Readonly<Record<string, string>> = {
  "a Project of 2,400 unknown fields": head + numbered(2400),
  "empty lists": `a: [${fill("[],", 19_000)}]`,
  commas: `a: [${fill(",", 19_000)}]`,
  tags: `a: [${fill("!a x,", 24_000)}]`,
  "lines indented with tabs": `a:\n${fill("\t- b\n", 16_000)}`,
  aliases: `a: [${fill("*a,", 28_000)}]`,
  "keys given twice": fill("a: 1\n", 14_000),
  "twenty such documents": fill(`---\na: [${fill("!a x,", 24_000)}]\n`, 500_000),
  "100,000 brackets": fill("[", 100_000),
  "170,000 empty documents": fill("---\n", 510_000),
  "3,000 good documents": fill(`---\n${head}  github: {connectionRef: {name: g}, repository: r}\n`, 500_000),
  "one text of 250 KiB": `a: "${fill("x\\n")}"`,
};

console.log("longest step   in all   file");
for (const [name, text] of Object.entries(files)) {
  const bytes = Buffer.from(text);
  let best = { longest: Infinity, all: Infinity };
  for (let run = 0; run < 5; run += 1) {
    const reading = readInSteps("yaml", bytes);
    const began = performance.now();
    let [longest, last] = [0, began];
    for (let done = false; !done;) {
      done = reading.next().done === true;
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }
    if (longest < best.longest) best = { longest, all: last - began };
  }
  console.log(`${best.longest.toFixed(0).padStart(9)} ms ${best.all.toFixed(0).padStart(6)} ms   ${name}`);
}
