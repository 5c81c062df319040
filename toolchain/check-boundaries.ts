// Prints every crossed import arrow and every uninjected clock as file:line, and exits 1 when there are any.

import { existsSync, globSync, readFileSync } from "node:fs";
import { check } from "./boundaries.ts";

const folders = ["crds", "controller", "reconcilers", "sandbox", "test", "bench"].filter((folder) =>
  existsSync(folder),
);
const files = globSync(folders.map((folder) => `${folder}/**/*.ts`)).filter(
  (file) => !/(fixtures|testdata|node_modules)\//.test(file),
);
const problems = files
  .toSorted()
  .flatMap((file) => check(file, readFileSync(file, "utf8")).map((problem) => ({ file, ...problem })));
for (const { file, line, rule, message } of problems) {
  process.stdout.write(`${file}:${line}  ${rule}: ${message}\n`);
}
process.exitCode = problems.length === 0 ? 0 : 1;
