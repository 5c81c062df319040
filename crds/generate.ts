/** `npm run generate [-- --check]`: writes crds/<kind>.yaml from the zod schemas, or says which are out of date. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { crdOf, kinds } from "./index.ts";
import type { KindDefinition } from "./kind.ts";

/** The text of a kind's generated file. */
export function crdText(kind: KindDefinition): string {
  const head = `# Generated from ${kind.singular}.ts by "npm run generate". Do not edit.\n`;
  return head + stringify(crdOf(kind), { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Files of `directory` that differ from what the kinds say; with `write` they are written. */
export function generate(options: { directory: string; write: boolean }): string[] {
  const outdated: string[] = [];
  for (const kind of kinds) {
    const file = join(options.directory, `${kind.singular}.yaml`);
    const text = crdText(kind);
    if (read(file) === text) continue;
    outdated.push(file);
    if (options.write) writeFileSync(file, text);
  }
  return outdated;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

if (import.meta.main) {
  const check = process.argv.includes("--check");
  const outdated = generate({ directory: import.meta.dirname, write: !check });
  for (const file of outdated) process.stdout.write(`${check ? "out of date" : "wrote"}: ${file}\n`);
  if (check && outdated.length > 0) {
    process.stderr.write(
      `${outdated.length} generated files differ from the kinds: run "npm run generate" and commit the result.\n`,
    );
    process.exitCode = 1;
  }
}
