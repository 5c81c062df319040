/** Field selectors as text; grammar and words of apimachinery `fields/selector.go`. */
import { badRequest } from "./errors.ts";

/** One `path=value` or `path!=value`. */
export interface FieldRequirement {
  path: string;
  value: string;
  equal: boolean;
}

/**
 * Parses a field selector: `path=value`, `path==value`, `path!=value`, joined by commas; in a value, `\` escapes `,`, `=`
 * and `\`.
 * @throws ApiError 400
 */
export function parseFieldSelector(text: string | undefined): FieldRequirement[] {
  const requirements: FieldRequirement[] = [];
  for (const term of termsOf(text ?? "")) {
    if (term === "") continue;
    const match = /!=|==|=/.exec(term);
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const path = term.slice(0, match.index);
    const value = unescaped(term.slice(match.index + match[0].length));
    // Nothing equal to nothing selects everything.
    if (path !== "" || value !== "") requirements.push({ path, equal: match[0] !== "!=", value });
  }
  return requirements;
}

/** What stands between commas that are not escaped. */
function termsOf(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === ",") {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...terms, text.slice(start)];
}

function unescaped(value: string): string {
  return value.replaceAll(/\\(.?)|[,=]/gsu, (found, escaped: string | undefined) => {
    if (escaped === undefined) {
      const code = String(found.codePointAt(0));
      throw badRequest(`invalid field selector: unescaped character in value: ${code}`);
    }
    if (escaped === "\\" || escaped === "," || escaped === "=") return escaped;
    throw badRequest(`invalid field selector: invalid escape sequence: ${found}`);
  });
}
