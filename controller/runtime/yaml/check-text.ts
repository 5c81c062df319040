/** What is wrong with a YAML text before anything is parsed: characters that YAML does not have, and sizes. */
import { placeAt } from "./places.ts";
import type { Place } from "./places.ts";

/** What is wrong with a text, and where. */
export interface TextFault extends Place {
  readonly message: string;
}

/**
 * What is not printable to YAML. Carriage returns alone are line ends to YAML and none to most editors; a byte order mark in
 * the middle comes from files put one after the other, and would become part of a key that looks like another.
 * @see https://yaml.org/spec/1.2.2/#51-character-set
 */
const NOT_ALLOWED = /\r(?!\n)|(?![\t\n\r\u0085])[\p{Cc}\p{Cs}\ufeff\ufffe\uffff]/u;

/** The first character that does not belong into YAML, or undefined. */
export function characterFault(text: string): TextFault | undefined {
  const found = NOT_ALLOWED.exec(text);
  if (found === null) return undefined;
  const place = placeAt(text, found.index);
  if (found[0] === "\r")
    return { ...place, message: "a line ends with a carriage return alone; end lines with a line feed" };
  const code = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const message =
    code === "FEFF"
      ? "a byte order mark stands inside the file; remove it"
      : `the character U+${code} is not allowed in YAML; remove it, or write it as an escape in double quotes`;
  return { ...place, message };
}

/**
 * The first document of more bytes than the limit. Document markers stand at the start of a line whatever surrounds them, so lengths
 * are known without parsing.
 */
export function oversizedDocument(text: string, limit: number): TextFault | undefined {
  // No character takes more than three bytes for each of its units.
  if (text.length * 3 <= limit) return undefined;
  let line = 1;
  let start = 0;
  let startLine = 1;
  const fault = (end: number): TextFault | undefined => {
    if (Buffer.byteLength(text.slice(start, end)) <= limit) return undefined;
    return {
      line: startLine,
      column: 1,
      message: `the document is larger than ${limit / 1024} KiB; split it, or move the data out of it`,
    };
  };
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) {
    line += 1;
    if (!isMarker(text, at + 1)) continue;
    const found = fault(at + 1);
    if (found !== undefined) return found;
    start = at + 1;
    startLine = line;
  }
  return fault(text.length);
}

function isMarker(text: string, at: number): boolean {
  if (!text.startsWith("---", at) && !text.startsWith("...", at)) return false;
  const next = text[at + 3];
  return next === undefined || next === " " || next === "\t" || next === "\n" || next === "\r";
}
