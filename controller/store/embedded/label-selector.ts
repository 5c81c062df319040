/** Label selectors as text, parsed once into a test; grammar and words of apimachinery `labels/selector.go`. */
import { badRequest } from "./errors.ts";
import { labelValueErrors, qualifiedNameErrors } from "./metadata.ts";

export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

/** A sign stands for itself; `in` and `notin` are words that may be operators. */
interface Token {
  readonly kind: "word" | "sign" | "end";
  readonly text: string;
}

const TOKEN = /[ \t\r\n]*(?:(!=|==|[=!(),<>])|([^ \t\r\n=!(),<>]+))/y;
const END: Token = { kind: "end", text: "" };

function tokensOf(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const [, sign, word = ""] = match;
    found.push(sign === undefined ? { kind: "word", text: word } : { kind: "sign", text: sign });
  }
  return found;
}

function broken(text: string): Error {
  return badRequest(`unable to parse requirement: ${text}`);
}

/** @throws ApiError 400 */
function checkKey(key: string): void {
  const errors = qualifiedNameErrors(key);
  if (errors.length > 0) throw broken(`<nil>: Invalid value: ${JSON.stringify(key)}: ${errors.join("; ")}`);
}

/** @throws ApiError 400 with everything that is wrong with the values */
function checkValues(key: string, values: Iterable<string>, integers: boolean): void {
  const errors: string[] = [];
  const sorted = [...values].toSorted();
  const add = (at: string, value: string, error: string): void =>
    void errors.push(`${at}: Invalid value: ${JSON.stringify(value)}: ${error}`);
  for (const [index, value] of sorted.entries()) {
    if (integers && integerOf(value) === undefined)
      add(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer");
  }
  for (const [index, value] of sorted.entries()) {
    const wrong = labelValueErrors(value);
    if (wrong.length > 0) add(`values[${index}][${key}]`, value, wrong.join("; "));
  }
  if (errors.length > 0) throw broken(errors.length === 1 ? (errors[0] ?? "") : `[${errors.join(", ")}]`);
}

/** A 64-bit integer, or undefined. */
function integerOf(text: string): bigint | undefined {
  if (!/^[+-]?[0-9]{1,63}$/.test(text)) return undefined;
  const value = BigInt(text.replace("+", ""));
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/**
 * Parses a label selector: `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a>1`, `a<1`, joined by commas.
 * `!=` and `notin` also hold where the label is absent. Empty text selects everything (undefined).
 * @throws ApiError 400
 */
export function parseLabelSelector(text: string | undefined): LabelTest | undefined {
  const tokens = tokensOf(text ?? "");
  if (tokens.length === 0) return undefined;
  let position = 0;
  const peek = (): Token => tokens[position] ?? END;
  const next = (): Token => tokens[position++] ?? END;
  const tests: LabelTest[] = [];
  for (;;) {
    const first = peek();
    if (first.kind !== "word" && first.text !== "!")
      throw badRequest(`found '${first.text}', expected: !, identifier, or 'end of string'`);
    tests.push(requirement(next, peek));
    const separator = next();
    if (separator.kind === "end") break;
    if (separator.text !== "," || separator.kind !== "sign")
      throw badRequest(`found '${separator.text}', expected: ',' or 'end of string'`);
    const following = peek();
    if (following.kind !== "word" && following.text !== "!")
      throw badRequest(`found '${following.text}', expected: identifier after ','`);
  }
  return (labels) => tests.every((test) => test(labels));
}

function requirement(next: () => Token, peek: () => Token): LabelTest {
  let first = next();
  const isNegated = first.kind === "sign";
  if (isNegated) first = next();
  if (first.kind !== "word") throw broken(`found '${first.text}', expected: identifier`);
  const key = first.text;
  checkKey(key);
  // A label named like something that every object has is no label until it is one's own.
  const has = (labels: Readonly<Record<string, string>>): boolean => Object.hasOwn(labels, key);
  if (isNegated) return (labels) => !has(labels);
  const following = peek();
  if (following.kind === "end" || following.text === ",") return has;
  const operator = next().text;
  switch (operator) {
    case "=":
    case "==":
    case "!=":
    case "<":
    case ">": {
      const value = exactValue(next, peek);
      checkValues(key, [value], operator === "<" || operator === ">");
      if (operator === "<" || operator === ">") return comparison(key, operator, value);
      if (operator === "!=") return (labels) => !has(labels) || labels[key] !== value;
      return (labels) => has(labels) && labels[key] === value;
    }
    case "in":
    case "notin": {
      const values = valueSet(next, peek);
      checkValues(key, values, false);
      if (operator === "in") return (labels) => has(labels) && values.has(labels[key] ?? "");
      return (labels) => !has(labels) || !values.has(labels[key] ?? "");
    }
    default:
      throw broken(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
  }
}

function comparison(key: string, operator: "<" | ">", value: string): LabelTest {
  const bound = integerOf(value) ?? 0n;
  return (labels) => {
    const label = Object.hasOwn(labels, key) ? integerOf(labels[key] ?? "") : undefined;
    if (label === undefined) return false;
    return operator === ">" ? label > bound : label < bound;
  };
}

function exactValue(next: () => Token, peek: () => Token): string {
  const following = peek();
  if (following.kind === "end" || (following.kind === "sign" && following.text === ",")) return "";
  const token = next();
  if (token.kind !== "word") throw broken(`found '${token.text}', expected: identifier`);
  return token.text;
}

function valueSet(next: () => Token, peek: () => Token): Set<string> {
  const open = next();
  if (open.text !== "(") throw broken(`found '${open.text}' expected: '('`);
  const first = peek();
  if (first.kind === "end" || (first.kind === "sign" && first.text !== "," && first.text !== ")"))
    throw broken(`found '${first.text}', expected: ',', ')' or identifier`);
  const values = new Set<string>();
  for (;;) {
    // Nothing between two commas is the empty value.
    if (peek().kind === "word") values.add(next().text);
    else values.add("");
    const separator = next();
    if (separator.text === ")" && separator.kind === "sign") return values;
    if (separator.text !== "," || separator.kind !== "sign")
      throw broken(`found '${separator.text}', expected: ',' or ')'`);
  }
}
