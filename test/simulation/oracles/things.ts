/** Oracles over what exists at the providers: never twice, never lost, nobody else's. */
import type { Intention } from "../intention.ts";
import type { Thing } from "../world-state.ts";
import type { Violation } from "./violation.ts";

/** Two things of one name in one place, or with one marker: something was created twice. */
export function duplicates(things: readonly Thing[]): Violation | undefined {
  const names = new Set<string>();
  const markers = new Map<string, string>();
  for (const { marker, name } of things) {
    if (names.has(name)) return { oracle: "never twice", message: `${name} exists twice` };
    names.add(name);
    if (marker === undefined) continue;
    const other = markers.get(marker);
    if (other !== undefined)
      return { oracle: "never twice", message: `${other} and ${name} carry the same marker ${marker}` };
    markers.set(marker, name);
  }
  return undefined;
}

const holdsDataOrCode = /^github \S+$|^github \S+ branch |^neon |^cloudflare (kv|r2|worker \S+$)/;

/** What held data or code and is gone, or is another one now, although nobody asked for that. */
export function lost(
  before: ReadonlyMap<string, Thing>,
  after: ReadonlyMap<string, Thing>,
  intention: Intention,
): Violation | undefined {
  for (const [name, thing] of before) {
    if (!holdsDataOrCode.test(name) || intention.mayGo(name) || isCopy(name, intention)) continue;
    const now = after.get(name);
    if (now !== undefined && now.id === thing.id) continue;
    const what = now === undefined ? "was deleted" : "was deleted and made anew";
    return { oracle: "never lost", message: `${name} ${what}, and nobody asked for it` };
  }
  return undefined;
}

/** What a Preview holds is a copy; its KV namespaces have names with a hash, which `mayGo` cannot know. */
function isCopy(name: string, intention: Intention): boolean {
  return /-pr-\d+-[0-9a-f]+$/.test(name) && intention.changedSince(0);
}

/** Whether what belongs to somebody else is as he left it. */
export function touched(
  foreign: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, Thing>,
): Violation | undefined {
  for (const [name, text] of foreign) {
    const now = after.get(name);
    if (now !== undefined && JSON.stringify(now) === text) continue;
    const what = now === undefined ? "is gone" : `is ${JSON.stringify(now)} instead of ${text}`;
    return { oracle: "only what is ours", message: `${name} belongs to somebody else and ${what}` };
  }
  return undefined;
}
