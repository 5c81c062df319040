/** Whether what exists is what people want: nothing missing, nothing different, nothing too much. */
import type { Expected } from "../expected.ts";
import type { Thing } from "../world-state.ts";

/** A name with `*` at its end stands for any name that begins so. */
function find(things: ReadonlyMap<string, Thing>, name: string): Thing | undefined {
  if (!name.endsWith("*")) return things.get(name);
  const prefix = name.slice(0, -1);
  for (const [candidate, thing] of things) if (candidate.startsWith(prefix)) return thing;
  return undefined;
}

function resolve(things: ReadonlyMap<string, Thing>, value: string): string | undefined {
  if (!value.startsWith("@")) return value;
  const [name = "", attribute = ""] = value.slice(1).split("|");
  return find(things, name)?.attributes[attribute];
}

export function byName(things: readonly Thing[]): Map<string, Thing> {
  return new Map(things.map((thing) => [thing.name, thing] as const));
}

/** What is missing or different. */
export function lacking(expected: Expected, things: ReadonlyMap<string, Thing>): string[] {
  const wrong: string[] = [];
  for (const [name, attributes] of expected) {
    const thing = find(things, name);
    if (thing === undefined) {
      wrong.push(`${name} does not exist`);
      continue;
    }
    for (const [attribute, value] of Object.entries(attributes)) {
      const wanted = resolve(things, value);
      const is = thing.attributes[attribute];
      if (is !== wanted) wrong.push(`${name}: ${attribute} is ${String(is)} instead of ${String(wanted)}`);
    }
  }
  return wrong;
}

/** What exists although nobody wants it. */
export function surplus(
  expected: Expected,
  things: ReadonlyMap<string, Thing>,
  left: ReadonlySet<string>,
  foreign: ReadonlyMap<string, string>,
): string[] {
  const wanted = new Set([...expected.keys()].map((name) => find(things, name)?.name ?? name));
  const tooMuch = [...things.keys()].filter(
    (name) => !wanted.has(name) && !left.has(name) && !foreign.has(name),
  );
  const wantedOf = new Map(
    [...expected].map(([name, attributes]) => [find(things, name)?.name, attributes] as const),
  );
  // A Worker that stays for its project's policy keeps what it runs with.
  const kept = (name: string): boolean => foreign.has(name) || (left.has(name) && name.includes(" worker "));
  const attributes = [...things.values()].flatMap((thing) =>
    Object.keys(thing.attributes)
      .filter((attribute) => /^(variable|secret) /.test(attribute))
      .filter((attribute) => !(attribute in (wantedOf.get(thing.name) ?? {})) && !kept(thing.name))
      .map((attribute) => `${thing.name}: ${attribute}`),
  );
  return [...tooMuch, ...attributes];
}
