/** Where a text stops being JSON. The parser of the language does not tell. */

const SPACE = /[ \t\r\n]*/y;
const SCALAR =
  // oxlint-disable-next-line no-control-regex -- JSON strings hold no control characters
  /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null/y;
// oxlint-disable-next-line no-control-regex -- as above
const KEY = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"[ \t\r\n]*:/y;

/**
 * The offset of the first character that JSON does not allow where it stands; the length of the text when it ends too
 * early; undefined when it is JSON.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8259
 */
export function jsonFaultOffset(text: string): number | undefined {
  const open: ("{" | "[")[] = [];
  let at = 0;
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match !== null;
  };
  /** What may come next: a value, a value or the end of a list, a key, a key or the end of a mapping, or what follows a value. */
  let expects: "value" | "firstItem" | "key" | "firstKey" | "rest" = "value";
  for (;;) {
    skip(SPACE);
    const char = text[at];
    if (expects === "rest") {
      const inside = open.at(-1);
      if (inside === undefined) return at === text.length ? undefined : at;
      if (char === ",") {
        at += 1;
        expects = inside === "{" ? "key" : "value";
      } else if (char === (inside === "{" ? "}" : "]")) {
        at += 1;
        open.pop();
      } else return at;
    } else if ((expects === "firstItem" && char === "]") || (expects === "firstKey" && char === "}")) {
      at += 1;
      open.pop();
      expects = "rest";
    } else if (expects === "key" || expects === "firstKey") {
      if (!skip(KEY)) return char === '"' ? stringFault(text, at) : at;
      expects = "value";
    } else if (char === "{" || char === "[") {
      at += 1;
      open.push(char);
      expects = char === "{" ? "firstKey" : "firstItem";
    } else if (skip(SCALAR)) expects = "rest";
    else return char === '"' ? stringFault(text, at) : at;
  }
}

/** Where a text that begins with a quote stops being a string, or a key with its colon. */
function stringFault(text: string, start: number): number {
  let at = start + 1;
  for (; at < text.length && text[at] !== '"'; at += 1) {
    if (text.charCodeAt(at) < 0x20) return at;
    if (text[at] !== "\\") continue;
    at += 1;
    if (text[at] === "u" && !/^[0-9A-Fa-f]{4}/.test(text.slice(at + 1, at + 5)))
      return Math.min(at, text.length);
    if (!'"\\/bfnrtu'.includes(text[at] ?? " ")) return Math.min(at, text.length);
  }
  // A string that is one: it is a key, and what should follow is a colon.
  SPACE.lastIndex = at + 1;
  SPACE.exec(text);
  return Math.min(Math.max(at, SPACE.lastIndex), text.length);
}
