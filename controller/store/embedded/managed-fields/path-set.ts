/**
 * Sets of field paths, as a tree. Path elements are the keys of Kubernetes' FieldsV1: `f:<field>`, `k:{"name":"x"}` for an
 * item of a list-map, `v:<value>` for an item of a set. A path in the set does not include the paths below it.
 */
export interface PathSet {
  /** Whether the path that leads here is in the set. */
  readonly member: boolean;
  readonly children: ReadonlyMap<string, PathSet>;
}

export type Path = readonly string[];

/** The set without paths. */
export const EMPTY: PathSet = { member: false, children: new Map() };
const LEAF: PathSet = { member: true, children: new Map() };

/** Whether a set has no paths; trees never keep empty branches. */
export function isEmpty(set: PathSet): boolean {
  return !set.member && set.children.size === 0;
}

function made(member: boolean, children: ReadonlyMap<string, PathSet>): PathSet {
  if (children.size === 0) return member ? LEAF : EMPTY;
  return { member, children };
}

export function union(left: PathSet, right: PathSet): PathSet {
  if (isEmpty(left)) return right;
  if (isEmpty(right)) return left;
  const children = new Map(left.children);
  for (const [element, child] of right.children) {
    const own = children.get(element);
    children.set(element, own === undefined ? child : union(own, child));
  }
  return made(left.member || right.member, children);
}

/** Paths of `left` that are not in `right`. */
export function difference(left: PathSet, right: PathSet): PathSet {
  if (isEmpty(right) || isEmpty(left)) return left;
  const children = new Map<string, PathSet>();
  for (const [element, child] of left.children) {
    const other = right.children.get(element);
    const rest = other === undefined ? child : difference(child, other);
    if (!isEmpty(rest)) children.set(element, rest);
  }
  return made(left.member && !right.member, children);
}

/** Paths of `left` that are neither in `right` nor below a path of it. */
export function recursiveDifference(left: PathSet, right: PathSet): PathSet {
  if (right.member) return EMPTY;
  const children = new Map<string, PathSet>();
  for (const [element, child] of left.children) {
    const other = right.children.get(element);
    const rest = other === undefined ? child : recursiveDifference(child, other);
    if (!isEmpty(rest)) children.set(element, rest);
  }
  return made(left.member, children);
}

export function intersection(left: PathSet, right: PathSet): PathSet {
  const children = new Map<string, PathSet>();
  for (const [element, child] of left.children) {
    const other = right.children.get(element);
    if (other === undefined) continue;
    const both = intersection(child, other);
    if (!isEmpty(both)) children.set(element, both);
  }
  return made(left.member && right.member, children);
}

export function has(set: PathSet, path: Path): boolean {
  let at: PathSet | undefined = set;
  for (const element of path) at = at?.children.get(element);
  return at?.member === true;
}

/** A set under construction. */
export class PathSetBuilder {
  #member = false;
  readonly #children = new Map<string, PathSetBuilder>();

  add(path: Path): void {
    const [element, ...rest] = path;
    if (element === undefined) this.#member = true;
    else this.child(element).add(rest);
  }

  /** The builder of the branch at a path element. */
  child(element: string): PathSetBuilder {
    let found = this.#children.get(element);
    if (found === undefined) {
      found = new PathSetBuilder();
      this.#children.set(element, found);
    }
    return found;
  }

  build(): PathSet {
    const children = new Map<string, PathSet>();
    for (const [element, child] of this.#children) {
      const built = child.build();
      if (!isEmpty(built)) children.set(element, built);
    }
    return made(this.#member, children);
  }
}

/** A set of these paths. */
export function pathSet(...paths: readonly Path[]): PathSet {
  const builder = new PathSetBuilder();
  for (const path of paths) builder.add(path);
  return builder.build();
}

/** All paths, in the order in which Kubernetes lists them: paths of one level before those below, fields by name. */
export function* paths(set: PathSet, prefix: Path = []): Generator<Path> {
  const elements = [...set.children.keys()].toSorted();
  for (const element of elements) if (set.children.get(element)?.member === true) yield [...prefix, element];
  for (const element of elements) {
    const child = set.children.get(element);
    if (child !== undefined) yield* paths(child, [...prefix, element]);
  }
}

/** As `fieldsV1`. */
export function encodeFields(set: PathSet): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const element of [...set.children.keys()].toSorted()) {
    const child = set.children.get(element);
    if (child === undefined) continue;
    const inner = encodeFields(child);
    fields[element] = child.member && child.children.size > 0 ? { ".": {}, ...inner } : inner;
  }
  return fields;
}

/** From `fieldsV1`. @throws Error for what is none */
export function decodeFields(fields: unknown): PathSet {
  if (typeof fields !== "object" || fields === null || Array.isArray(fields))
    throw new Error("fieldsV1 must be an object");
  const children = new Map<string, PathSet>();
  let member = false;
  for (const [element, inner] of Object.entries(fields)) {
    if (element === ".") {
      member = true;
      continue;
    }
    if (!/^[fkvi]:/.test(element)) throw new Error(`fieldsV1 has no path element ${JSON.stringify(element)}`);
    const child = decodeFields(inner);
    children.set(element, child.children.size === 0 ? LEAF : child);
  }
  return made(member, children);
}

/** A path as Kubernetes prints it: `.spec.workers[name="api"].vars`. */
export function printPath(path: Path): string {
  return path
    .map((element) => {
      const rest = element.slice(2);
      switch (element[0]) {
        case "f":
          return `.${rest}`;
        case "k": {
          const keys = JSON.parse(rest) as Record<string, unknown>;
          const parts = Object.keys(keys)
            .toSorted()
            .map((key) => `${key}=${JSON.stringify(keys[key])}`);
          return `[${parts.join(",")}]`;
        }
        case "v":
          return `[=${rest}]`;
        default:
          return `[${rest}]`;
      }
    })
    .join("");
}
