/**
 * YAML text to plain values, for text that nobody vouches for: limits hold before values are built, there are no aliases,
 * no tags beyond YAML's core and no keys that reach a prototype.
 */
import { Composer, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, Parser } from "yaml";
import type { CST, Document, Node, ParsedNode } from "yaml";
import { MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_PROBLEMS } from "./limits.ts";
import type { Place, Problem } from "./manifest-types.ts";

/** One document with content. */
export interface ParsedDocument {
  readonly value: unknown;
  /** Where the document's content begins. */
  readonly place: Place;
  /** Where a field stands, or the nearest thing around it that is written. Field paths as in `spec.secrets[0].name`. */
  locate(field: string): Place;
}

/** Keys through which a careless merge reaches a prototype. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);
const CORE_TAGS: ReadonlySet<string> = new Set(
  ["str", "int", "float", "bool", "null", "map", "seq"].map((name) => `tag:yaml.org,2002:${name}`),
);

/**
 * Reads every document of a YAML stream; documents without content are left out.
 *
 * @returns the documents up to the first that cannot be read, and everything that is wrong; never throws
 */
export function parseDocuments(text: string): { documents: ParsedDocument[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const tooLarge = oversized(text);
  if (tooLarge !== undefined) return { documents: [], problems: [tooLarge] };
  const lines = new LineCounter();
  const tokens = tokensOf(text, lines, problems);
  if (tokens === undefined) return { documents: [], problems };
  const documents: ParsedDocument[] = [];
  const composer = new Composer<ParsedNode>({
    version: "1.2",
    schema: "core",
    // Comparing every key with every other is quadratic; `build` looks for duplicates in linear time.
    uniqueKeys: false,
    resolveKnownTags: false,
    merge: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  for (const document of composer.compose(tokens)) {
    const builder = new Builder(lines, problems);
    builder.faultsOf(document);
    if (document.contents === null || problems.length > 0) continue;
    const { contents } = document;
    const value = builder.build(contents, "");
    const place = builder.place(contents);
    if (isScalar(contents) && contents.value === null) continue;
    documents.push({
      value,
      place,
      locate: (field) => locate(contents, field, (node) => builder.place(node)),
    });
  }
  return { documents, problems };
}

/** Document markers stand at the start of a line whatever surrounds them, so lengths are known without parsing. */
function oversized(text: string): Problem | undefined {
  if (text.length * 3 <= MAX_DOCUMENT_BYTES) return undefined;
  let start = 0;
  let line = 1;
  for (const part of text.split(/^(?=(?:---|\.\.\.)(?:\s|$))/m)) {
    if (Buffer.byteLength(part) > MAX_DOCUMENT_BYTES) {
      return {
        line,
        column: 1,
        message: `the document is larger than ${MAX_DOCUMENT_BYTES / 1024} KiB; split it, or move the data out of it`,
      };
    }
    line += countLines(part);
    start += part.length;
  }
  return start === text.length
    ? undefined
    : { line, column: 1, message: "the file cannot be split into documents" };
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

/** The concrete syntax, or undefined when it is nested too deeply or has directives. */
function tokensOf(text: string, lines: LineCounter, problems: Problem[]): CST.Token[] | undefined {
  const tokens: CST.Token[] = [];
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  let depth = 0;
  const refuse = (offset: number, message: string): undefined => {
    const { line, col } = lines.linePos(offset);
    problems.push({ line, column: Math.max(1, col), message });
    return undefined;
  };
  const take = (found: Iterable<CST.Token>): void => {
    for (const token of found) tokens.push(token);
  };
  for (const lexeme of new Lexer().lex(text)) {
    take(parser.next(lexeme));
    depth = parser.stack.length;
    if (depth > MAX_DEPTH + 2) {
      return refuse(parser.offset, `collections are nested more than ${MAX_DEPTH} deep`);
    }
  }
  take(parser.end());
  const directive = tokens.find((token) => token.type === "directive");
  if (directive !== undefined) {
    return refuse(
      directive.offset,
      "directives (lines that begin with %) are not supported; remove the line",
    );
  }
  return tokens;
}

class Builder {
  readonly #lines: LineCounter;
  readonly #problems: Problem[];

  constructor(lines: LineCounter, problems: Problem[]) {
    this.#lines = lines;
    this.#problems = problems;
  }

  /** Syntax errors; what the library only warns of is an error too. */
  faultsOf(document: Document.Parsed): void {
    for (const fault of [...document.errors, ...document.warnings]) {
      this.#refuse(this.#at(fault.pos[0]), undefined, fault.message.split("\n")[0] ?? fault.message);
    }
  }

  place(node: Node): Place {
    return this.#at(node.range?.[0] ?? 0);
  }

  #at(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  #refuse(place: Place, field: string | undefined, message: string): void {
    if (this.#problems.length > MAX_PROBLEMS) return;
    this.#problems.push({ ...place, ...(field === undefined || field === "" ? {} : { field }), message });
  }

  /** The value of a node. Depth is bounded by what the parser let through. */
  build(node: Node | null, field: string): unknown {
    if (node === null) return null;
    if (isAlias(node)) {
      this.#refuse(this.place(node), field, "aliases (*name) are not supported; write the value out");
      return null;
    }
    if ("anchor" in node && typeof node.anchor === "string") {
      this.#refuse(
        this.place(node),
        field,
        "anchors (&name) are not supported; write the value where it is needed",
      );
    }
    if ("tag" in node && typeof node.tag === "string" && !CORE_TAGS.has(node.tag)) {
      this.#refuse(this.place(node), field, `the tag ${node.tag} is not supported; remove it`);
    }
    if (isScalar(node)) return this.#scalar(node.value, node, field);
    if (isSeq<Node>(node)) return node.items.map((item, index) => this.build(item, `${field}[${index}]`));
    if (!isMap<Node, Node | null>(node)) return null;
    const value: Record<string, unknown> = {};
    for (const pair of node.items) {
      const key = this.#key(pair.key, field);
      if (key === undefined) continue;
      const below = field === "" ? key : `${field}.${key}`;
      if (FORBIDDEN_KEYS.has(key)) {
        this.#refuse(this.place(pair.key), below, `the key ${key} is not allowed; rename it`);
      } else if (Object.hasOwn(value, key)) {
        this.#refuse(
          this.place(pair.key),
          below,
          `the key ${JSON.stringify(key)} is given twice; remove one`,
        );
      } else value[key] = this.build(pair.value, below);
    }
    return value;
  }

  #scalar(value: unknown, node: Node, field: string): unknown {
    if (value === null || typeof value === "string" || typeof value === "boolean") return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    this.#refuse(
      this.place(node),
      field,
      "the value has no counterpart in JSON; write a plain number or quote it",
    );
    return null;
  }

  /** Keys are text, as in JSON: `1: x` is the key "1". */
  #key(node: Node | null, field: string): string | undefined {
    if (node !== null && isScalar(node)) {
      if ("anchor" in node && typeof node.anchor === "string") {
        this.#refuse(
          this.place(node),
          field,
          "anchors (&name) are not supported; write the value where it is needed",
        );
      }
      const { value } = node;
      if (typeof value === "string") return value;
      if (typeof value === "number" || typeof value === "boolean") return node.source ?? String(value);
    }
    const place = node === null ? this.#at(0) : this.place(node);
    this.#refuse(place, field, "a key must be text; quote it");
    return undefined;
  }
}

/** Follows a field path as far as it is written. Keys may contain dots, so the longest key that fits is taken. */
function locate(root: Node, path: string, place: (node: Node) => Place): Place {
  let node: Node | null = root;
  let at = place(root);
  let rest = path;
  while (rest !== "" && node !== null) {
    if (isSeq<Node>(node)) {
      const index = /^\[(\d+)\]\.?/.exec(rest);
      const item: Node | undefined = node.items[Number(index?.[1])];
      if (index === null || item === undefined) return at;
      rest = rest.slice(index[0].length);
      node = item;
      at = place(item);
      continue;
    }
    if (!isMap<Node, Node | null>(node)) return at;
    let best: { key: string; keyNode: Node; value: Node | null } | undefined;
    for (const { key: keyNode, value } of node.items) {
      if (!isScalar(keyNode)) continue;
      const key = String(keyNode.value);
      const fits = rest.startsWith(key) && /^(?:$|[.[])/.test(rest.slice(key.length));
      if (fits && key.length > (best?.key.length ?? -1)) best = { key, keyNode, value };
    }
    if (best === undefined) return at;
    at = place(best.keyNode);
    rest = rest.slice(best.key.length).replace(/^\./, "");
    node = best.value;
  }
  return at;
}
