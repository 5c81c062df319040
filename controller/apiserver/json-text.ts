/** Reading request bodies as JSON or YAML, and writing answers as JSON text. */
import { jsonFaultOffset } from "../runtime/json-fault.ts";
import { parseDocuments, type YamlOptions } from "../runtime/yaml/parse-documents.ts";

/** Deepest nesting of JSON that is read; a body is refused before it can exhaust the stack. */
export const DEPTH_LIMIT = 500;

/** YAML is some hundred times the work of JSON, so less of it is read. */
const YAML: YamlOptions = {
  dialect: "kubernetes",
  maxBytes: 3 * 1024 * 1024,
  maxDepth: 100,
  maxTokens: 50_000,
  maxProblems: 1,
};

/** A body that is no JSON or YAML, or nested too deep; the message says what Go's decoder would. */
export class DecodeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DecodeError";
  }
}

/** A decoded text. */
export interface DecodedText {
  value: unknown;
  /** Paths of fields that stand twice in one object, such as `spec.interval`. */
  duplicates: readonly string[];
}

interface Level {
  /** Names seen in this object; undefined for an array. */
  names: Set<string> | undefined;
  path: string;
  index: number;
  key: string;
}

function childPath(level: Level): string {
  if (level.names === undefined) return `${level.path}[${level.index}]`;
  return level.path === "" ? level.key : `${level.path}.${level.key}`;
}

/** What a walk through a JSON text finds besides its value. */
interface Scan {
  duplicates: readonly string[];
  /** Whether there are numbers with an exponent or of hundreds of digits, which may be too large to hold. */
  hasLargeNumbers: boolean;
}

/** Duplicates that are told; a body of a million of them is as wrong as one of sixteen. */
const MAX_DUPLICATES = 16;
/** Digits of the largest number that can be held, without an exponent. */
const MOST_DIGITS = 309;

/**
 * Walks a JSON text once without building it.
 * @param text valid JSON or not: what is wrong with it is the parser's to say
 * @throws DecodeError when it is nested deeper than {@link DEPTH_LIMIT}
 */
function scan(text: string): Scan {
  const duplicates = new Set<string>();
  const levels: Level[] = [];
  let hasLargeNumbers = false;
  let digits = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character >= 0x30 && character <= 0x39) {
      digits += 1;
      hasLargeNumbers ||= digits >= MOST_DIGITS;
      continue;
    }
    // An exponent; the letter in `true` follows no digit.
    hasLargeNumbers ||= digits > 0 && (character === 0x65 || character === 0x45);
    digits = 0;
    if (character === 0x22) {
      const start = at;
      at += 1;
      while (at < text.length && text.charCodeAt(at) !== 0x22) at += text.charCodeAt(at) === 0x5c ? 2 : 1;
      const level = levels.at(-1);
      if (level?.names !== undefined && level.key === "") noteName(text, start, at, level, duplicates);
    } else if (character === 0x7b || character === 0x5b) {
      if (levels.length >= DEPTH_LIMIT)
        throw new DecodeError(`invalid character '${text[at] ?? ""}' exceeded max depth`);
      const parent = levels.at(-1);
      const path = parent === undefined ? "" : childPath(parent);
      levels.push({ names: character === 0x7b ? new Set() : undefined, path, index: 0, key: "" });
    } else if (character === 0x7d || character === 0x5d) {
      levels.pop();
    } else if (character === 0x2c) {
      const level = levels.at(-1);
      if (level !== undefined) {
        level.index += 1;
        level.key = "";
      }
    }
  }
  return { duplicates: [...duplicates], hasLargeNumbers };
}

function noteName(text: string, start: number, end: number, level: Level, duplicates: Set<string>): void {
  const raw = text.slice(start + 1, end);
  let name = raw;
  if (raw.includes("\\")) {
    try {
      name = JSON.parse(`"${raw}"`) as string;
    } catch {
      // The parser that follows says what is wrong with it.
    }
  }
  level.key = name === "" ? "\0" : name;
  if (level.names?.has(name) === true && duplicates.size < MAX_DUPLICATES) duplicates.add(childPath(level));
  level.names?.add(name);
}

/** @throws DecodeError */
export function parseJsonText(text: string): DecodedText {
  const { duplicates, hasLargeNumbers } = scan(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The engine's own message quotes the text around the mistake, which may be a secret.
    throw new DecodeError(jsonProblem(text));
  }
  const large = hasLargeNumbers ? infinite(value) : undefined;
  if (large !== undefined)
    throw new DecodeError(`json: cannot unmarshal the number at ${large} into Go value of type float64`);
  return { value, duplicates };
}

function jsonProblem(text: string): string {
  const at = jsonFaultOffset(text) ?? text.length;
  if (at >= text.trimEnd().length) return "unexpected end of JSON input";
  return `invalid character '${String.fromCodePoint(text.codePointAt(at) ?? 0)}' at position ${at}`;
}

/** Where the first number stands that JSON can write and nobody can hold; undefined: nowhere. */
function infinite(value: unknown, path = ""): string | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : path === "" ? "the top" : path;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const at = Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    const found = infinite(inner, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * YAML within limits, as Kubernetes reads it; a JSON body is YAML too. Aliases, anchors, tags and merge keys are refused, so
 * that a small body cannot grow.
 * @throws DecodeError
 */
export function parseYamlText(text: string): DecodedText {
  // What clients send as YAML is JSON nearly always.
  if (/^\s*\{/.test(text) && jsonFaultOffset(text) === undefined) return parseJsonText(text);
  const duplicates = new Set<string>();
  const onDuplicate = (field: string): void => {
    if (duplicates.size < MAX_DUPLICATES) duplicates.add(field);
  };
  const reading = parseDocuments(text, { ...YAML, onDuplicate });
  for (;;) {
    const step = reading.next();
    if (step.done !== true) continue;
    const { documents, problems } = step.value;
    const [problem] = problems;
    if (problem !== undefined) throw yamlError(problem.line, problem.message);
    const [document, second] = documents;
    if (second !== undefined)
      throw yamlError(second.place.line, "a second document begins here; send one object in a request");
    return { value: document?.value ?? null, duplicates: [...duplicates] };
  }
}

function yamlError(line: number, message: string): DecodeError {
  return new DecodeError(`error converting YAML to JSON: yaml: line ${line}: ${message}`);
}

/** JSON text as one line of a stream: line separators that JavaScript's readers split at are escaped. */
export function singleLine(text: string): string {
  if (!/[\u2028\u2029]/.test(text)) return text;
  return text.replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
