/**
 * The tables of `specs/006-providers/spec.md` that follow from the definitions: written by
 * `node toolchain/run.mjs node test/specs/resource-tables.ts`, compared by the test beside it and with `--check`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { definitionOf } from "../../reconcilers/providers.ts";
import type { ResourceDefinition } from "../../reconcilers/engine/resource.ts";
import * as cloudflare from "../../reconcilers/cloudflare/index.ts";
import * as github from "../../reconcilers/github/index.ts";
import * as neon from "../../reconcilers/neon/index.ts";

type Definition = ResourceDefinition<unknown, unknown, unknown>;

/** Where the tables stand. */
export const SPEC_FILE = join(import.meta.dirname, "../../specs/006-providers/spec.md");

/** The definitions that a provider's folder exports and the controller knows, in order of their types' names. */
function definitionsOf(folder: Readonly<Record<string, unknown>>): Definition[] {
  return Object.values(folder)
    .filter((value): value is Definition => typeof value === "object" && value !== null && "segment" in value)
    .filter((one) => definitionOf({ slot: "", key: "", state: "ready", ...one }) === one)
    .sort((a, b) => (a.type < b.type ? -1 : 1));
}

function fieldsAt(definition: Definition, depth: string): string {
  const names = Object.entries(definition.fields)
    .filter(([, at]) => at === depth)
    .map(([name]) => `\`${name}\``)
    .sort();
  return names.length === 0 ? "–" : names.join(", ");
}

function table(definitions: readonly Definition[]): string {
  const rows = definitions.map((one) => [
    `\`${one.type}\``,
    one.holds,
    one.content === true ? `${one.ownership}, content` : one.ownership,
    fieldsAt(one, "shallow"),
    fieldsAt(one, "deep"),
    fieldsAt(one, "write-only"),
  ]);
  const head = ["type", "holds", "ownership", "shallow", "deep", "write-only"];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const providers: Readonly<Record<string, Readonly<Record<string, unknown>>>> = { github, neon, cloudflare };

/**
 * A text with its tables as the definitions say.
 * @throws Error when it lacks the place of a provider's table
 */
export function withTables(text: string): string {
  let result = text;
  for (const [provider, folder] of Object.entries(providers)) {
    const begin = `<!-- table: ${provider} -->`;
    const end = `<!-- end: ${provider} -->`;
    const from = result.indexOf(begin);
    const to = result.indexOf(end);
    if (from < 0 || to < from) throw new Error(`the text has no place between ${begin} and ${end}`);
    result = `${result.slice(0, from + begin.length)}\n${table(definitionsOf(folder))}\n${result.slice(to)}`;
  }
  return result;
}

if (import.meta.main) {
  const text = readFileSync(SPEC_FILE, "utf8");
  const wanted = withTables(text);
  if (wanted === text) process.stdout.write("up to date: specs/006-providers/spec.md\n");
  else if (process.argv.includes("--check")) {
    process.stderr.write(
      'out of date: specs/006-providers/spec.md: run "node toolchain/run.mjs node test/specs/resource-tables.ts" and commit the result.\n',
    );
    process.exitCode = 1;
  } else {
    writeFileSync(SPEC_FILE, wanted);
    process.stdout.write("wrote: specs/006-providers/spec.md\n");
  }
}
