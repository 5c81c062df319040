/** Reading request bodies and writing answers as JSON text. */
import { parse as parseYaml, type Tags } from "yaml";

/** Deepest nesting that is read; a body is refused before it can exhaust the stack. */
export const DEPTH_LIMIT = 500;

/** A body that is no JSON or YAML, or nested too deep; the message says what Go's decoder would. */
export class DecodeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DecodeError";
  }
}

/** What a scan of a JSON text finds besides its value. */
interface Scan {
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

/**
 * Walks a JSON text once without building it.
 * @param text valid JSON or not: what is wrong with it is the parser's to say
 * @throws DecodeError when it is nested deeper than {@link DEPTH_LIMIT}
 */
function scan(text: string): Scan {
  const duplicates = new Set<string>();
  const levels: Level[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
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
  return { duplicates: [...duplicates] };
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
  if (level.names?.has(name) === true) duplicates.add(childPath(level));
  level.names?.add(name);
}

/** @throws DecodeError */
export function parseJsonText(text: string): { value: unknown; duplicates: readonly string[] } {
  const { duplicates } = scan(text);
  if (text.trim() === "") throw new DecodeError("unexpected end of JSON input");
  try {
    return { value: JSON.parse(text) as unknown, duplicates };
  } catch (error) {
    throw new DecodeError(jsonProblem(text, error));
  }
}

function jsonProblem(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/Unexpected end|Unterminated|Expected .* at position (\d+)/.test(message)) {
    const position = /at position (\d+)/.exec(message)?.[1];
    if (position === undefined || Number(position) >= text.trimEnd().length)
      return "unexpected end of JSON input";
  }
  const at = /at position (\d+)/.exec(message)?.[1];
  if (at === undefined) return message;
  return `invalid character '${text[Number(at)] ?? ""}' at position ${at}`;
}

/**
 * YAML 1.1 as Kubernetes reads it (sigs.k8s.io/yaml): `yes` and `on` are true, but times and `1:30` stay text.
 */
function kubernetesTags(tags: Tags): Tags {
  return tags.filter((tag) => {
    if (typeof tag === "string") return true;
    return tag.tag !== "tag:yaml.org,2002:timestamp" && tag.format !== "TIME";
  });
}

/**
 * YAML with the limits of JSON bodies; a JSON body is YAML too. Aliases are refused, so that a small body cannot grow.
 * @throws DecodeError
 */
export function parseYamlText(text: string): { value: unknown; duplicates: readonly string[] } {
  try {
    const value: unknown = parseYaml(text, {
      version: "1.1",
      customTags: kubernetesTags,
      maxAliasCount: 0,
      uniqueKeys: true,
      logLevel: "error",
    });
    // Re-read as JSON: kube-apiserver converts first as well, so that dates and keys are plain.
    const json = JSON.stringify(value) as string | undefined;
    return { value: json === undefined ? null : parseJsonText(json).value, duplicates: [] };
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    const message = error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error);
    throw new DecodeError(`error converting YAML to JSON: yaml: ${message}`);
  }
}

/** JSON text as one line of a stream: line separators that JavaScript's readers split at are escaped. */
export function singleLine(text: string): string {
  if (!/[\u2028\u2029]/.test(text)) return text;
  return text.replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
