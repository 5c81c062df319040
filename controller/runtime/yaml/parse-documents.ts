/**
 * YAML text to plain values, for text that nobody vouches for: limits hold before values are built, there are no aliases,
 * no merge keys and no tags beyond YAML's core.
 */
import { Composer, isAlias, isMap, isScalar, isSeq, Lexer, Parser } from "yaml";
import type { CST, Document, Node, ParsedNode, Tags } from "yaml";
import { setField } from "../json.ts";
import { characterFault, oversizedDocument } from "./check-text.ts";
import { createPlaces } from "./places.ts";
import type { Place } from "./places.ts";

/** What may be read, and how plain values are told apart. */
export interface YamlOptions {
  /** 1.2 with the core schema, or 1.1 as Kubernetes reads it (sigs.k8s.io/yaml). */
  readonly dialect: "1.2" | "kubernetes";
  /** Bytes of one document. */
  readonly maxBytes: number;
  /** Collections inside each other. */
  readonly maxDepth: number;
  /** Names, values, signs, spaces and line ends of one document. */
  readonly maxTokens: number;
  /** Problems after which reading ends. */
  readonly maxProblems: number;
  /** Keys that are refused. Default none: `__proto__` is then a key like any other. */
  readonly forbiddenKeys?: ReadonlySet<string>;
  /** Called for a key that stands twice, of which the last counts. Left out: that is a problem. */
  readonly onDuplicate?: (field: string) => void;
}

/** What is wrong, and what to do. */
export interface YamlProblem extends Place {
  /** Field path inside the document, e.g. `spec.neon.region`. */
  readonly field?: string;
  readonly message: string;
}

/** One document with content. */
export interface ParsedDocument {
  readonly value: unknown;
  /** Where the document's content begins. */
  readonly place: Place;
  /** Tokens that it is made of: how much work it is to look at. */
  readonly tokens: number;
  /** Where a field stands, or the nearest thing around it that is written. Field paths as in `spec.secrets[0].name`. */
  locate(field: string): Place;
}

/** Reading in steps: each yields how many tokens it went through, so that others can have their turn in between. */
export type Steps<T> = Generator<number, T, void>;

const CORE_TAGS: ReadonlySet<string> = new Set(
  ["str", "int", "float", "bool", "null", "map", "seq"].map((name) => `tag:yaml.org,2002:${name}`),
);
const TAG = "tags are not supported; remove it, or put the value in quotes if the '!' belongs to it";
/** Tokens between two steps. */
const STEP = 1000;

/**
 * Reads every document of a YAML stream; documents without content are left out.
 *
 * @returns the documents up to the first that cannot be read, and everything that is wrong; never throws
 */
export function* parseDocuments(
  text: string,
  options: YamlOptions,
): Steps<{ documents: ParsedDocument[]; problems: YamlProblem[] }> {
  const refused = characterFault(text) ?? oversizedDocument(text, options.maxBytes);
  if (refused !== undefined) return { documents: [], problems: [refused] };
  const problems: YamlProblem[] = [];
  const documents: ParsedDocument[] = [];
  const builder = new Builder(createPlaces(text), problems, options);
  const composer = new Composer<ParsedNode>({
    ...(options.dialect === "1.2"
      ? { version: "1.2", schema: "core" }
      : { version: "1.1", customTags: kubernetesTags }),
    // Comparing every key with every other is quadratic; `build` looks for duplicates in linear time.
    uniqueKeys: false,
    resolveKnownTags: false,
    merge: false,
    prettyErrors: false,
  });
  let size = 0;
  const take = (composed: Iterable<Document.Parsed>): void => {
    for (const document of withoutStacks(() => [...composed])) {
      builder.faultsOf(document);
      const parsed = problems.length > 0 ? undefined : builder.documentOf(document, size);
      if (parsed !== undefined) documents.push(parsed);
    }
  };
  for (const step of tokensOf(text, options, (offset, message) => builder.refuseAt(offset, message))) {
    if (typeof step === "number") yield step;
    else {
      // The composer holds a document back until it has seen what follows.
      for (const token of step.found) take(composer.next(token));
      size = step.count;
      yield step.count;
    }
    if (problems.length > options.maxProblems) return { documents: [], problems };
  }
  if (problems.length === 0) take(composer.end());
  return { documents, problems };
}

/** The faults of a hostile document come by the thousand, and each would capture a stack that nobody reads. */
function withoutStacks<T>(work: () => T): T {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = before;
  }
}

interface DocumentToken {
  /** A document, with what stands before it. */
  readonly found: readonly CST.Token[];
  /** Tokens that it is made of. */
  readonly count: number;
}

/** The concrete syntax, document by document, with counts of tokens in between; ends at the first that passes a limit. */
function* tokensOf(
  text: string,
  { maxDepth, maxTokens }: YamlOptions,
  refuse: (offset: number, message: string) => void,
): Generator<number | DocumentToken, void, void> {
  const parser = new Parser();
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    count += 1;
    const found = [...parser.next(lexeme)];
    const directive = found.find(({ type }) => type === "directive");
    if (directive !== undefined) {
      return refuse(
        directive.offset,
        "directives (lines that begin with %) are not supported; remove the line",
      );
    }
    if (found.length > 0) yield { found, count };
    if (found.some(({ type }) => type === "document")) count = 0;
    if (parser.stack.length > maxDepth + 2) {
      return refuse(parser.offset, `collections are nested more than ${maxDepth} deep; flatten them`);
    }
    if (count > maxTokens) {
      const most = maxTokens.toLocaleString("en");
      return refuse(parser.offset, `the document has more than ${most} names, values and signs; split it`);
    }
    if (count % STEP === 0) yield STEP;
  }
  yield { found: [...parser.end()], count };
}

/** YAML 1.1 as Kubernetes reads it: `yes` and `on` are true, but times and `1:30` stay text. */
function kubernetesTags(tags: Tags): Tags {
  return tags.filter((tag) => {
    if (typeof tag === "string") return true;
    return tag.tag !== "tag:yaml.org,2002:timestamp" && tag.format !== "TIME";
  });
}

/**
 * What the library says of a syntax error, without what it quotes of the file: what cannot be read may be a password
 * that nobody put in quotes.
 */
function textOf({ code, message }: { code: string; message: string }): string {
  if (code === "TAG_RESOLVE_FAILED") return TAG;
  return (message.split("\n", 1)[0] ?? message).replace(/(?<=\S): .*$/s, "");
}

class Builder {
  readonly #placeAt: (offset: number) => Place;
  readonly #problems: YamlProblem[];
  readonly #options: YamlOptions;

  constructor(placeAt: (offset: number) => Place, problems: YamlProblem[], options: YamlOptions) {
    this.#placeAt = placeAt;
    this.#problems = problems;
    this.#options = options;
  }

  /** Syntax errors; what the library only warns of is an error too. */
  faultsOf(document: Document.Parsed): void {
    for (const fault of [...document.errors, ...document.warnings])
      this.refuseAt(fault.pos[0], textOf(fault));
  }

  refuseAt(offset: number, message: string): void {
    this.#refuse(this.#placeAt(offset), undefined, message);
  }

  /** A document's value, or undefined when it has no content. */
  documentOf({ contents }: Document.Parsed, tokens: number): ParsedDocument | undefined {
    if (contents === null) return undefined;
    const value = this.build(contents, "");
    if (isScalar(contents) && contents.value === null) return undefined;
    return {
      value,
      place: this.place(contents),
      tokens,
      locate: (field) => locate(contents, field, (node) => this.place(node)),
    };
  }

  place(node: Node): Place {
    return this.#placeAt(node.range?.[0] ?? 0);
  }

  #refuse(place: Place, field: string | undefined, message: string): void {
    if (this.#problems.length > this.#options.maxProblems) return;
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
      this.#refuse(this.place(node), field, TAG);
    }
    if (isScalar(node)) return this.#scalar(node.value, node, field);
    if (isSeq<Node>(node)) return node.items.map((item, index) => this.build(item, `${field}[${index}]`));
    if (!isMap<Node, Node | null>(node)) return null;
    const { forbiddenKeys, onDuplicate } = this.#options;
    const value: Record<string, unknown> = {};
    for (const pair of node.items) {
      const key = this.#key(pair.key, field, node);
      if (key === undefined) continue;
      const below = field === "" ? key : `${field}.${key}`;
      if (forbiddenKeys?.has(key) === true) {
        this.#refuse(this.place(pair.key), below, `the key ${key} is not allowed; rename it`);
      } else if (key === "<<") {
        this.#refuse(this.place(pair.key), below, "merge keys (<<) are not supported; write the fields out");
      } else if (Object.hasOwn(value, key) && onDuplicate === undefined) {
        this.#refuse(
          this.place(pair.key),
          below,
          `the key ${JSON.stringify(key)} is given twice; remove one`,
        );
      } else {
        if (Object.hasOwn(value, key)) onDuplicate?.(below);
        setField(value, key, this.build(pair.value, below));
      }
    }
    return value;
  }

  #scalar(value: unknown, node: Node, field: string): unknown {
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "string" && value.isWellFormed()) return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    this.#refuse(
      this.place(node),
      field,
      "the value has no counterpart in JSON; write a plain number or quote it",
    );
    return null;
  }

  /** Keys are text, as in JSON: `1: x` is the key "1". */
  #key(node: Node | null, field: string, map: Node): string | undefined {
    if (node !== null && isScalar(node)) {
      if ("anchor" in node && typeof node.anchor === "string") {
        this.#refuse(
          this.place(node),
          field,
          "anchors (&name) are not supported; write the value where it is needed",
        );
      }
      const { value } = node;
      if (typeof value === "string" && value.isWellFormed()) return value;
      if (typeof value === "symbol") return node.source;
      if (typeof value === "number" || typeof value === "boolean") return node.source ?? String(value);
    }
    this.#refuse(this.place(node ?? map), field, "a key must be text; quote it");
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
