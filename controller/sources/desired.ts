/** From a listing to desired objects: reads what is new, checks what concerns several files. */
import { yieldToEventLoop } from "../runtime/adapters/event-loop.ts";
import { hashOf } from "../runtime/hash.ts";
import type { KubernetesObject } from "../store/resource-client.ts";
import { SOURCE_KINDS } from "./read/check-manifest.ts";
import type { FileContent, Manifest, SourceError } from "./read/manifest-types.ts";
import { readContent } from "./read/read-file.ts";
import type { FileFormat } from "./read/read-file.ts";
import type { SourceTree, TreeFile } from "./source-tree.ts";

/** One object that a source declares. */
export interface DesiredObject {
  /** `<kind>/<name>`; all objects of a Source are in its namespace. */
  readonly key: string;
  /** Without the label that names the Source. */
  readonly object: KubernetesObject;
  /** Equal hashes, equal objects. */
  readonly hash: string;
  readonly file: string;
  readonly line: number;
}

/** Everything that a listing declares. */
export interface DesiredState {
  /** In order of application. */
  readonly objects: readonly DesiredObject[];
  /** Sorted by file and line. */
  readonly errors: readonly SourceError[];
  readonly notes: readonly string[];
}

interface Parsed {
  readonly content: FileContent;
  readonly hashes: readonly string[];
}

/** Results of reading files, by content and format. Keeps what the last listing needed. */
export interface ParsedFiles {
  readonly entries: Map<string, Parsed>;
}

/** Nothing read yet. */
export function createParsedFiles(): ParsedFiles {
  return { entries: new Map() };
}

/** `<kind>/<name>` */
export function objectKey(object: { kind: string; metadata: { name: string } }): string {
  return `${object.kind}/${object.metadata.name}`;
}

/** Files that are loaded at a time, so that their bytes need not be in memory together. */
const BATCH = 1024;
/** Files that are parsed before others have their turn. */
const TURN = 16;

/**
 * Everything a listing declares. A file with any fault declares nothing; objects declared twice are left out and named.
 *
 * @param options.namespace the Source's; objects that name another one are refused
 * @throws FlaresmithError when contents cannot be loaded
 */
export async function collectManifests(
  options: { tree: SourceTree; namespace: string; parsed: ParsedFiles },
  signal: AbortSignal,
): Promise<DesiredState> {
  const { tree, namespace, parsed } = options;
  const errors: SourceError[] = [...tree.errors];
  const notes: string[] = [];
  await readMissing(tree, parsed, signal);
  const found = new Map<string, DesiredObject[]>();
  for (const { path, id, format } of tree.files) {
    const entry = parsed.entries.get(cacheKey(format, id));
    if (entry === undefined) {
      errors.push({ file: path, message: "the file vanished while it was read" });
      continue;
    }
    const { content, hashes } = entry;
    for (const problem of content.problems) errors.push({ file: path, ...problem });
    if (content.note !== undefined) notes.push(`${path}: ${content.note}`);
    const foreign = content.manifests.filter(
      ({ object }) => (object.metadata.namespace ?? namespace) !== namespace,
    );
    for (const manifest of foreign) errors.push(foreignNamespace(path, manifest, namespace));
    if (foreign.length > 0) continue;
    for (const [index, { object, line }] of content.manifests.entries()) {
      const key = objectKey(object);
      const desired = { key, object: placed(object, namespace), hash: hashes[index] ?? "", file: path, line };
      const others = found.get(key);
      if (others === undefined) found.set(key, [desired]);
      else others.push(desired);
    }
  }
  const objects: DesiredObject[] = [];
  for (const declarations of found.values()) {
    const [first] = declarations;
    if (first !== undefined && declarations.length === 1) objects.push(first);
    else errors.push(...declarations.map((one) => duplicate(one, declarations)));
  }
  return { objects: inOrder(objects), errors: sortedErrors(errors), notes };
}

function cacheKey(format: FileFormat, id: string): string {
  return format === "yaml" ? id : `${format}:${id}`;
}

async function readMissing(tree: SourceTree, { entries }: ParsedFiles, signal: AbortSignal): Promise<void> {
  const wanted = new Set<string>();
  const missing = new Map<string, TreeFile>();
  for (const file of tree.files) {
    const key = cacheKey(file.format, file.id);
    wanted.add(key);
    if (!entries.has(key)) missing.set(key, file);
  }
  const all = [...missing];
  for (let start = 0; start < all.length; start += BATCH) {
    const batch = all.slice(start, start + BATCH);
    const contents = await tree.load([...new Set(batch.map(([, { id }]) => id))], signal);
    for (const [index, [key, { id, format }]] of batch.entries()) {
      if (index % TURN === TURN - 1) await yieldToEventLoop();
      const bytes = contents.get(id);
      if (bytes === undefined) continue;
      const content = readContent(format, bytes);
      entries.set(key, { content, hashes: content.manifests.map(({ object }) => hashOf(object)) });
    }
  }
  for (const key of entries.keys()) if (!wanted.has(key)) entries.delete(key);
}

function foreignNamespace(
  file: string,
  { object, namespacePlace }: Manifest,
  namespace: string,
): SourceError {
  return {
    file,
    ...namespacePlace,
    field: "metadata.namespace",
    message: `${object.kind} ${object.metadata.name} names the namespace ${JSON.stringify(object.metadata.namespace)}; a Source applies only into its own, ${JSON.stringify(namespace)}: remove the field, or declare the object in a Source of that namespace`,
  };
}

function duplicate(one: DesiredObject, all: readonly DesiredObject[]): SourceError {
  const places = all.filter((other) => other !== one).map(({ file, line }) => `${file}:${line}`);
  return {
    file: one.file,
    line: one.line,
    column: 1,
    message: `${one.object.kind} ${one.object.metadata.name} is declared in ${places.join(", ")} too; remove all but one`,
  };
}

const placedObjects = new WeakMap<KubernetesObject, KubernetesObject>();

/** The object in its namespace; made once for each parsed object. */
function placed(object: KubernetesObject, namespace: string): KubernetesObject {
  if (object.metadata.namespace === namespace) return object;
  const known = placedObjects.get(object);
  if (known?.metadata.namespace === namespace) return known;
  const made = { ...object, metadata: { ...object.metadata, namespace } };
  placedObjects.set(object, made);
  return made;
}

/** By kind as references ask for it, then by name. */
export function inOrder<T extends { key: string; object: { kind: string } }>(objects: readonly T[]): T[] {
  const byKind = SOURCE_KINDS.map((kind) => objects.filter(({ object }) => object.kind === kind));
  return byKind.flatMap((same) => same.toSorted((a, b) => (a.key < b.key ? -1 : 1)));
}

/** By file, line, column, message; so that equal findings have equal status. */
export function sortedErrors(errors: readonly SourceError[]): SourceError[] {
  return errors.toSorted(
    (a, b) =>
      compare(a.file, b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0) ||
      compare(a.message, b.message),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
