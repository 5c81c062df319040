/** JSON with comments and trailing commas, as wrangler.jsonc is written. */

/**
 * Comments and trailing commas become spaces, so that positions stay.
 * @throws Misplaced for a comment that does not end
 */
function plain(text: string): string {
  let output = "";
  let index = 0;
  const blank = (end: number): void => {
    output += text.slice(index, end).replaceAll(/[^\r\n]/g, " ");
    index = end;
  };
  while (index < text.length) {
    const two = text.slice(index, index + 2);
    if (text[index] === '"') {
      const end = endOfString(text, index);
      output += text.slice(index, end);
      index = end;
    } else if (two === "//") {
      const end = text.indexOf("\n", index);
      blank(end === -1 ? text.length : end);
    } else if (two === "/*") {
      const end = text.indexOf("*/", index + 2);
      if (end === -1) throw new Misplaced(index);
      blank(end + 2);
    } else {
      output += text[index] ?? "";
      index += 1;
    }
  }
  return dropTrailingCommas(output);
}

function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length && text[index] !== '"') index += text[index] === "\\" ? 2 : 1;
  return Math.min(index + 1, text.length);
}

function dropTrailingCommas(text: string): string {
  let output = "";
  let index = 0;
  while (index < text.length) {
    if (text[index] === '"') {
      const end = endOfString(text, index);
      output += text.slice(index, end);
      index = end;
      continue;
    }
    const trailing = text[index] === "," && /^\s*[}\]]/.test(text.slice(index + 1, index + 1 + 4096));
    output += trailing ? " " : (text[index] ?? "");
    index += 1;
  }
  return output;
}

/** Where a text stops being JSON, as an offset. Messages of JSON.parse tell it only sometimes, and quote the text. */
class Misplaced extends Error {
  readonly position: number;
  constructor(position: number) {
    super("misplaced");
    this.position = position;
  }
}

const token =
  // oxlint-disable-next-line no-control-regex -- JSON forbids control characters in strings
  /[ \t\r\n]*(?:("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([{}[\],:]))/y;

/** Throws Misplaced at the first token that may not stand where it stands. */
function checkSyntax(text: string): void {
  let position = 0;
  let start = 0;
  const next = (): string => {
    token.lastIndex = position;
    const match = token.exec(text);
    start = position + (/^[ \t\r\n]*/.exec(text.slice(position))?.[0].length ?? 0);
    if (!match) throw new Misplaced(start);
    position = token.lastIndex;
    return match[1] === undefined ? (match[2] === undefined ? (match[3] ?? "") : "scalar") : "string";
  };
  const expect = (kind: string, ...allowed: string[]): string => {
    if (!allowed.includes(kind)) throw new Misplaced(start);
    return kind;
  };
  const members = (close: string, member: (first: string) => void): void => {
    let kind = next();
    if (kind === close) return;
    for (;;) {
      member(kind);
      if (expect(next(), ",", close) === close) return;
      kind = next();
    }
  };
  const value = (kind: string): void => {
    expect(kind, "string", "scalar", "{", "[");
    if (kind === "[") members("]", value);
    if (kind !== "{") return;
    members("}", (name) => {
      expect(name, "string");
      expect(next(), ":");
      value(next());
    });
  };
  value(next());
  const rest = /^[ \t\r\n]*/.exec(text.slice(position))?.[0].length ?? 0;
  if (position + rest < text.length) throw new Misplaced(position + rest);
}

/**
 * @returns the value
 * @throws SyntaxError naming line and column, counted from 1; never quoting more than one character of the text
 */
export function parseJsonc(text: string): unknown {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  let position: number;
  try {
    const json = plain(source);
    checkSyntax(json);
    return JSON.parse(json) as unknown;
  } catch (error) {
    // Nesting that is too deep for the stack is an error of its own kind.
    if (!(error instanceof Misplaced))
      throw new SyntaxError("the text is nested too deeply", { cause: error });
    position = error.position;
  }
  const before = source.slice(0, position).split("\n");
  const [character] = source.slice(position);
  const what =
    character === undefined ? "the file ends too early" : `unexpected ${JSON.stringify(character)}`;
  throw new SyntaxError(`line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${what}`);
}
