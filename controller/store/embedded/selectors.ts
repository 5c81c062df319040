/** Label and field selectors as text, parsed once into a test (apimachinery `labels` and `fields`). */
import { badRequest } from "./errors.ts";
import { labelValueErrors, qualifiedNameErrors } from "./metadata.ts";

export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

/** One `path=value` or `path!=value`. */
export interface FieldRequirement {
  path: string;
  value: string;
  equal: boolean;
}

const TOKEN = /\s*(?:(notin\b|in\b)|(==|!=|=|!|,|\(|\)|<|>)|([^\s,()=!<>]+))/gy;

interface Token {
  kind: "word" | "symbol" | "end";
  text: string;
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) break;
    at = TOKEN.lastIndex;
    const [, keyword, symbol, word] = match;
    if (symbol !== undefined) found.push({ kind: "symbol", text: symbol });
    else found.push({ kind: "word", text: keyword ?? word ?? "" });
  }
  found.push({ kind: "end", text: "" });
  return found;
}

function broken(text: string): Error {
  return badRequest(`unable to parse requirement: ${text}`);
}

function checkKey(key: string): void {
  const [error] = qualifiedNameErrors(key);
  if (error !== undefined) throw broken(`<nil>: Invalid value: ${JSON.stringify(key)}: ${error}`);
}

function checkValue(key: string, value: string, index: number): void {
  const [error] = labelValueErrors(value);
  if (error !== undefined)
    throw broken(`values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${error}`);
}

/**
 * Parses a label selector: `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a>1`, `a<1`, joined by commas.
 * `!=` and `notin` also hold where the label is absent. Empty text selects everything (undefined).
 * @throws ApiError 400
 */
export function parseLabelSelector(text: string | undefined): LabelTest | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const stream = tokens(text);
  let position = 0;
  const next = (): Token => stream[position++] ?? { kind: "end", text: "" };
  const peek = (): Token => stream[position] ?? { kind: "end", text: "" };
  const tests: LabelTest[] = [];
  for (;;) {
    tests.push(requirement(next, peek));
    const separator = next();
    if (separator.kind === "end") break;
    if (separator.text !== ",") throw broken(`found '${separator.text}', expected: ',' or 'end of string'`);
    if (peek().kind === "end") throw broken("found '', expected: identifier after ','");
  }
  return (labels) => tests.every((test) => test(labels));
}

function requirement(next: () => Token, peek: () => Token): LabelTest {
  let first = next();
  if (first.text === "!" && first.kind === "symbol") {
    first = next();
    const key = first.text;
    if (first.kind !== "word") throw broken(`found '${first.text}', expected: identifier`);
    checkKey(key);
    return (labels) => labels[key] === undefined;
  }
  if (first.kind !== "word")
    throw broken(`found '${first.text}', expected: !, identifier, or 'end of string'`);
  const key = first.text;
  checkKey(key);
  const following = peek();
  if (following.kind === "end" || following.text === ",") return (labels) => labels[key] !== undefined;
  const operator = next();
  switch (operator.text) {
    case "=":
    case "==":
    case "!=": {
      const value = peek().kind === "word" ? next().text : "";
      checkValue(key, value, 0);
      return operator.text === "!=" ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
    }
    case "in":
    case "notin": {
      const values = valueSet(next, peek);
      let index = 0;
      for (const value of values) checkValue(key, value, index++);
      return operator.text === "in"
        ? (labels) => labels[key] !== undefined && values.has(labels[key])
        : (labels) => labels[key] === undefined || !values.has(labels[key]);
    }
    case "<":
    case ">": {
      const value = next().text;
      if (!/^-?[0-9]+$/.test(value)) {
        throw broken(
          `values[0][${key}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
        );
      }
      const bound = BigInt(value);
      const above = operator.text === ">";
      return (labels) => {
        const label = labels[key];
        if (label === undefined || !/^-?[0-9]+$/.test(label)) return false;
        return above ? BigInt(label) > bound : BigInt(label) < bound;
      };
    }
    default:
      throw broken(`found '${operator.text}', expected: in, notin, =, ==, !=, gt, lt`);
  }
}

function valueSet(next: () => Token, peek: () => Token): Set<string> {
  const open = next();
  if (open.text !== "(") throw broken(`found '${open.text}' expected: '('`);
  const values = new Set<string>();
  for (;;) {
    if (peek().kind === "word") values.add(next().text);
    else if (peek().text === "," || peek().text === ")") values.add("");
    const separator = next();
    if (separator.text === ")") return values;
    if (separator.text !== ",") throw broken(`found '${separator.text}', expected: ',' or ')'`);
  }
}

/**
 * Parses a field selector: `path=value`, `path==value`, `path!=value`, joined by commas; `\` escapes `,`, `=` and `\`.
 * @throws ApiError 400
 */
export function parseFieldSelector(text: string | undefined): FieldRequirement[] {
  if (text === undefined || text.trim() === "") return [];
  const requirements: FieldRequirement[] = [];
  for (const term of text.split(/(?<!\\),/)) {
    if (term === "") continue;
    const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, path = "", operator, value = ""] = match;
    requirements.push({ path, equal: operator !== "!=", value: value.replaceAll(/\\([,=\\])/g, "$1") });
  }
  return requirements;
}
