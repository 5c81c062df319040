/** JSON with comments and trailing commas, as wrangler.jsonc is written. */

/**
 * Comments and trailing commas become spaces, so that positions stay.
 * @throws SyntaxError for a comment that does not end
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
      if (end === -1) throw new SyntaxError(`comment that does not end at position ${index}`);
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

/**
 * @returns the value
 * @throws SyntaxError naming line and column, counted from 1
 */
export function parseJsonc(text: string): unknown {
  const withoutMark = text.startsWith("\uFEFF") ? text.slice(1) : text;
  let source = withoutMark;
  try {
    source = plain(withoutMark);
    return JSON.parse(source) as unknown;
  } catch (error) {
    const message = error instanceof Error ? error.message : "it cannot be parsed";
    const position = Number(/position (\d+)/.exec(message)?.[1] ?? source.length);
    const before = withoutMark.slice(0, position).split("\n");
    const what = message.replace(/(?: in JSON)? at position \d+.*$/s, "");
    throw new SyntaxError(`line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${what}`, {
      cause: error,
    });
  }
}
