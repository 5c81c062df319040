/** From a listing to desired objects: reads what is new, checks what concerns several files. */
import { yieldToEventLoop } from "../runtime/adapters/event-loop.ts";
import type { FlaresmithError } from "../runtime/errors.ts";
import { hashOf } from "../runtime/hash.ts";
import type { KubernetesObject } from "../store/resource-client.ts";
import { createErrorList } from "./error-list.ts";
import { SOURCE_KINDS } from "./read/check-manifest.ts";
import { MAX_ERRORS, MAX_INVENTORY_BYTES } from "./read/limits.ts";
import type { FileContent, Manifest, SourceError } from "./read/manifest-types.ts";
import { readInSteps } from "./read/read-file.ts";
import type { FileFormat } from "./read/read-file.ts";
import type { SourceTree, TreeFile } from "./source-tree.ts";
import { tooMuch } from "./too-much.ts";

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
  readonly byKey: ReadonlyMap<string, DesiredObject>;
  /** Sorted by file and line. */
  readonly errors: readonly SourceError[];
  readonly notes: readonly string[];
}

interface Parsed {
  readonly content: FileContent;
  readonly hashes: readonly string[];
}

/** What one file declares. */
interface Declaration {
  /** What it was made of. */
  readonly parsed: Parsed;
  readonly objects: readonly DesiredObject[];
  readonly errors: readonly SourceError[];
  /** What its objects take in the status. */
  readonly bytes: number;
}

/** Results of reading the files of one Source. Keeps what the last listing needed. */
export interface ParsedFiles {
  /** By content and format. */
  entries: Map<string, Parsed>;
  readonly declarations: WeakMap<TreeFile, Declaration>;
}

/** Nothing read yet. */
export function createParsedFiles(): ParsedFiles {
  return { entries: new Map(), declarations: new WeakMap() };
}

/** `<kind>/<name>` */
export function objectKey(object: { kind: string; metadata: { name: string } }): string {
  return `${object.kind}/${object.metadata.name}`;
}

/** Places that are named where an object is declared several times. */
const PLACES = 10;
/** Bytes that an entry of the status takes besides what it names. */
const INVENTORY_OVERHEAD = 40;
/** Files that are loaded at a time, so that their bytes need not be in memory together. */
const BATCH = 1024;
/** Tokens that are read before others have their turn; some milliseconds. */
const TURN = 5000;

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
  const errors = createErrorList(tree.errors);
  const notes: string[] = [];
  await readMissing(tree, parsed, signal);
  const byKey = new Map<string, DesiredObject>();
  const twice = new Map<string, DesiredObject[]>();
  let inventory = 0;
  for (const file of tree.files) {
    const entry = parsed.entries.get(cacheKey(file));
    if (entry === undefined) {
      errors.add({ file: file.path, message: "the file vanished while it was read" });
      continue;
    }
    const declaration = declarationOf(file, entry, namespace, parsed);
    for (const error of declaration.errors) errors.add(error);
    if (entry.content.note !== undefined) notes.push(`${file.path}: ${entry.content.note}`);
    inventory += declaration.bytes;
    if (inventory > MAX_INVENTORY_BYTES) throw tooLongToList();
    for (const desired of declaration.objects) {
      const { key } = desired;
      const other = byKey.get(key);
      const more = twice.get(key);
      if (other === undefined) byKey.set(key, desired);
      else if (more === undefined) twice.set(key, [other, desired]);
      else more.push(desired);
    }
  }
  for (const [key, all] of twice) {
    byKey.delete(key);
    for (const one of all) errors.add(duplicate(one, all));
  }
  return { objects: inOrder([...byKey.values()]), byKey, errors: sortedErrors(errors.all()), notes };
}

/** Made once for each content at a path. */
function declarationOf(
  file: TreeFile,
  parsed: Parsed,
  namespace: string,
  { declarations }: ParsedFiles,
): Declaration {
  const known = declarations.get(file);
  if (known?.parsed === parsed) return known;
  const { path } = file;
  const { content, hashes } = parsed;
  const foreign = content.manifests.filter(
    ({ object }) => (object.metadata.namespace ?? namespace) !== namespace,
  );
  const errors = [
    ...content.problems.map((problem) => ({ file: path, ...problem })),
    ...foreign.map((manifest) => foreignNamespace(path, manifest, namespace)),
  ];
  const declared = foreign.length > 0 ? [] : content.manifests;
  const objects = declared.map(({ object, line }, index) => ({
    key: objectKey(object),
    object: placed(object, namespace),
    hash: hashes[index] ?? "",
    file: path,
    line,
  }));
  const bytes = objects.reduce(
    (sum, { key }) => sum + Buffer.byteLength(key) + Buffer.byteLength(path) + INVENTORY_OVERHEAD,
    0,
  );
  const declaration = { parsed, objects, errors, bytes };
  declarations.set(file, declaration);
  return declaration;
}

function tooLongToList(): FlaresmithError {
  return tooMuch(
    `the names and files of its objects take more than ${MAX_INVENTORY_BYTES / 1024 / 1024} MiB, which the status cannot list`,
  );
}

function cacheKey({ format, id }: TreeFile): string {
  return format === "yaml" ? id : `${format}:${id}`;
}

async function readMissing(tree: SourceTree, parsed: ParsedFiles, signal: AbortSignal): Promise<void> {
  const entries = new Map<string, Parsed>();
  const missing = new Map<string, TreeFile>();
  let problems = 0;
  for (const file of tree.files) {
    const key = cacheKey(file);
    const known = parsed.entries.get(key);
    if (known === undefined) missing.set(key, file);
    else if (!entries.has(key)) {
      entries.set(key, known);
      problems += known.content.problems.length;
    }
  }
  parsed.entries = entries;
  const files = [...missing];
  const read = turns();
  for (let start = 0; start < files.length; start += BATCH) {
    const batch = files.slice(start, start + BATCH);
    const contents = await tree.load([...new Set(batch.map(([, { id }]) => id))], signal);
    for (const [key, { id, format }] of batch) {
      const bytes = contents.get(id);
      if (bytes === undefined) continue;
      const all = await read(format, bytes);
      problems += all.problems.length;
      // What is kept grows with the tree, not with how wrong it is.
      const content = problems > MAX_ERRORS ? { ...all, problems: all.problems.slice(0, 1) } : all;
      entries.set(key, { content, hashes: content.manifests.map(({ object }) => hashOf(object)) });
    }
  }
}

/** Reads file after file, and lets others have their turn by the work that was done and not by the number of files. */
function turns(): (format: FileFormat, bytes: Uint8Array) => Promise<FileContent> {
  let work = 0;
  return async (format, bytes) => {
    const steps = readInSteps(format, bytes);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      work += step.value;
      if (work < TURN) continue;
      work = 0;
      await yieldToEventLoop();
    }
  };
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
  // Of many, the first say enough; each naming all others would be quadratic.
  const others = all.slice(0, PLACES + 1).filter((other) => other !== one);
  const places = others.slice(0, PLACES).map(({ file, line }) => `${file}:${line}`);
  const more = all.length - 1 - places.length;
  return {
    file: one.file,
    line: one.line,
    column: 1,
    message: `${one.object.kind} ${one.object.metadata.name} is declared in ${places.join(", ")}${more > 0 ? ` and ${more} more places` : ""} too; remove all but one`,
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
  const byKind = Map.groupBy(objects, ({ object }) => object.kind);
  return SOURCE_KINDS.flatMap((kind) =>
    (byKind.get(kind) ?? []).toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  );
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
