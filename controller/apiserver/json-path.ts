/**
 * The JSONPath of printer columns: dotted fields, `['quoted']` fields, `[n]`, `[*]`, and filters by equality such as
 * `.status.conditions[?(@.type=="Ready")].status` (client-go `util/jsonpath`, the part that columns use).
 */

type Step =
  | { kind: "field"; name: string }
  | { kind: "index"; index: number }
  | { kind: "all" }
  | { kind: "filter"; path: readonly string[]; operator: "==" | "!="; value: unknown };

export type JsonPath = (value: unknown) => unknown[];

const FIELD = /^\.([A-Za-z0-9_$-]+(?:\\\.[A-Za-z0-9_/-]+)*)/;
const QUOTED = /^\[\s*'((?:[^'\\]|\\.)*)'\s*\]/;
const INDEX = /^\[\s*(-?\d+)\s*\]/;
const ALL = /^(?:\[\s*\*\s*\]|\.\*)/;
const FILTER =
  /^\[\?\(\s*@((?:\.[A-Za-z0-9_-]+)+)\s*(==|!=)\s*("(?:[^"\\]|\\.)*"|'[^']*'|-?\d+(?:\.\d+)?|true|false)\s*\)\]/;

function literal(text: string): unknown {
  return text.startsWith("'") ? text.slice(1, -1) : (JSON.parse(text) as unknown);
}

function nextStep(rest: string): { step: Step; length: number } | undefined {
  let match = FIELD.exec(rest);
  if (match !== null)
    return {
      step: { kind: "field", name: (match[1] ?? "").replaceAll("\\.", ".") },
      length: match[0].length,
    };
  match = QUOTED.exec(rest);
  if (match !== null)
    return { step: { kind: "field", name: (match[1] ?? "").replaceAll("\\", "") }, length: match[0].length };
  match = INDEX.exec(rest);
  if (match !== null) return { step: { kind: "index", index: Number(match[1]) }, length: match[0].length };
  match = ALL.exec(rest);
  if (match !== null) return { step: { kind: "all" }, length: match[0].length };
  match = FILTER.exec(rest);
  if (match === null) return undefined;
  const [whole, path = "", operator, value = "null"] = match;
  return {
    step: {
      kind: "filter",
      path: path.slice(1).split("."),
      operator: operator === "!=" ? "!=" : "==",
      value: literal(value),
    },
    length: whole.length,
  };
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

function walk(value: unknown, step: Step): unknown[] {
  switch (step.kind) {
    case "field": {
      const field = fieldOf(value, step.name);
      return field === undefined ? [] : [field];
    }
    case "index": {
      const item: unknown = Array.isArray(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case "all":
      if (Array.isArray(value)) return value as unknown[];
      return typeof value === "object" && value !== null ? Object.values(value) : [];
    case "filter":
      if (!Array.isArray(value)) return [];
      return (value as unknown[]).filter((item) => {
        const found = step.path.reduce<unknown>(fieldOf, item);
        return found !== undefined && (found === step.value) === (step.operator === "==");
      });
  }
}

/**
 * Compiles a path; the function answers every value that it names, none when a part is absent.
 * @param text with the leading dot, as in a CustomResourceDefinition
 * @throws Error for syntax that columns do not have
 */
export function compileJsonPath(text: string): JsonPath {
  const steps: Step[] = [];
  let rest = text;
  while (rest !== "") {
    const next = nextStep(rest);
    if (next === undefined)
      throw new Error(`unsupported JSONPath ${JSON.stringify(text)} at ${JSON.stringify(rest)}`);
    steps.push(next.step);
    rest = rest.slice(next.length);
  }
  return (value) =>
    steps.reduce<unknown[]>((found, step) => found.flatMap((item) => walk(item, step)), [value]);
}
