// The import arrows and the bans that oxlint cannot express, as data and pure functions. check-boundaries.ts runs them.

import { posix } from "node:path";
import { type EcmaScriptModule, parseSync } from "oxc-parser";

export interface Problem {
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

interface Import {
  readonly offset: number;
  readonly specifier: string;
}

type SyntaxNode = Readonly<Record<string, unknown>> & { readonly type: string; readonly start: number };
type Report = (offset: number, rule: string, message: string) => void;

const storeInterface = "controller/store/resource-client.ts";
const providers = ["github", "neon", "cloudflare", "postman"].map((name) => `reconcilers/${name}`);

/** The part of the tree a file belongs to, most specific first. Kind files lie directly in reconcilers/. */
const areas = [
  "crds",
  "controller/runtime",
  "controller/store",
  "controller/apiserver",
  "controller/sources",
  "controller/http",
  "controller/cli",
  "reconcilers/engine",
  ...providers,
  "reconcilers",
  "sandbox",
  "test",
  "bench",
  "toolchain",
];

const shared = ["controller/runtime", "crds"];
const below = [
  "reconcilers",
  "reconcilers/engine",
  ...providers,
  "controller/store",
  "controller/apiserver",
  ...shared,
];

/** What each area may import besides itself: areas, or single files. Areas without an entry may import anything. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  crds: [],
  // The resource model itself: caches, events and the manager speak it; it imports nothing.
  "controller/runtime": [storeInterface, "crds"],
  "controller/store": shared,
  "controller/apiserver": ["controller/store", ...shared],
  "controller/sources": [storeInterface, ...shared],
  "controller/http": ["controller/sources", ...below],
  "controller/cli": ["controller/sources", "controller/http", "sandbox", ...below],
  "reconcilers/engine": [storeInterface, ...shared],
  ...Object.fromEntries(
    providers.map((provider) => [provider, ["reconcilers/engine", storeInterface, ...shared]]),
  ),
  reconcilers: ["reconcilers/engine", ...providers, storeInterface, ...shared],
  sandbox: ["crds"],
};

/** Real clocks, chance and ids are allowed here; everywhere else in the product they are injected. */
const adapterFolders = ["controller/runtime/adapters/", "sandbox/core/adapters/"];
const productFolders = ["crds/", "controller/", "reconcilers/", "sandbox/"];
const bannedGlobals = new Set([
  "setTimeout",
  "setInterval",
  "setImmediate",
  "performance",
  "fetch",
  "crypto",
]);

const isTest = (file: string): boolean => /\.test\.m?ts$/.test(file);

const areaOf = (file: string): string | undefined => areas.find((area) => file.startsWith(`${area}/`));

/**
 * @param file path from the project's root
 * @param text its source
 */
export function check(file: string, text: string): Problem[] {
  const { program, module, comments, errors } = parseSync(file, text);
  const lineOf = (offset: number): number => text.slice(0, offset).split("\n").length;
  const found: Problem[] = [];
  const report: Report = (offset, rule, message) => {
    found.push({ line: lineOf(offset), rule, message });
  };
  for (const error of errors) report(error.labels[0]?.start ?? 0, "parse", error.message);
  for (const { offset, specifier } of importsOf(module, text)) {
    const problem = importProblem(file, specifier);
    if (problem !== undefined) report(offset, problem.rule, problem.message);
  }
  for (const comment of comments) {
    if (/^\s*(oxlint|eslint)-disable/.test(comment.value) && !/ -- \S/.test(comment.value)) {
      report(comment.start, "disable-reason", 'say why the rule is disabled: "… -- reason"');
    }
  }
  if (isDeterministic(file)) walk(program, (node) => checkDeterminism(node, report));
  return found.toSorted((a, b) => a.line - b.line);
}

function isDeterministic(file: string): boolean {
  return (
    productFolders.some((folder) => file.startsWith(folder)) &&
    !adapterFolders.some((folder) => file.startsWith(folder)) &&
    !isTest(file)
  );
}

function importsOf(module: EcmaScriptModule, text: string): Import[] {
  const found = new Map<number, string>();
  const fixed = [
    ...module.staticImports.map((entry) => entry.moduleRequest),
    ...module.staticExports.flatMap((entry) => entry.entries.map((item) => item.moduleRequest)),
  ];
  // `export * from` and each name of `export { a, b } from` repeat the same request: one place, one report.
  for (const request of fixed) if (request) found.set(request.start, request.value);
  for (const { moduleRequest } of module.dynamicImports) {
    const literal = /^["'`](.*)["'`]$/s.exec(text.slice(moduleRequest.start, moduleRequest.end));
    if (literal?.[1] !== undefined) found.set(moduleRequest.start, literal[1]);
  }
  return [...found].map(([offset, specifier]) => ({ offset, specifier }));
}

function importProblem(file: string, specifier: string): Omit<Problem, "line"> | undefined {
  if (!specifier.startsWith(".")) return undefined;
  if (!/\.(ts|mts|mjs|js|json)$/.test(specifier)) {
    return { rule: "import-extension", message: `"${specifier}" must name the file, with its .ts extension` };
  }
  const target = posix.join(posix.dirname(file), specifier);
  const from = areaOf(file);
  const to = areaOf(target);
  // Tests beside the code may use the shared test helpers and any area: arrows are about what ships.
  if (from === undefined || from === to || isTest(file)) return undefined;
  const allowed = arrows[from];
  if (allowed === undefined || allowed.includes(target)) return undefined;
  if (to !== undefined && allowed.includes(to)) return undefined;
  const list = allowed.length === 0 ? "nothing of ours" : allowed.join(", ");
  return { rule: "import-arrow", message: `${from} may not import ${target}; it may import ${list}` };
}

function checkDeterminism(node: SyntaxNode, report: Report): void {
  const isCall = node.type === "CallExpression";
  const isBareNew =
    node.type === "NewExpression" && Array.isArray(node["arguments"]) && node["arguments"].length === 0;
  if ((isCall || isBareNew) && nameOf(node["callee"]) === "Date") {
    report(node.start, "injected-clock", "this reads the real clock; take the time from the injected clock");
  }
  const member =
    node.type === "MemberExpression" && nameOf(node["object"]) === "globalThis"
      ? nameOf(node["property"])
      : "";
  if (bannedGlobals.has(member)) {
    report(node.start, "injected-world", `globalThis.${member} goes around the lint; inject it`);
  }
}

/** The name an identifier or a string literal spells; empty for anything else. */
function nameOf(node: unknown): string {
  if (typeof node !== "object" || node === null) return "";
  if ("name" in node && typeof node.name === "string") return node.name;
  return "value" in node && typeof node.value === "string" ? node.value : "";
}

function walk(node: unknown, visit: (node: SyntaxNode) => void): void {
  if (typeof node !== "object" || node === null) return;
  if (isSyntaxNode(node)) visit(node);
  for (const value of Object.values(node)) walk(value, visit);
}

function isSyntaxNode(node: object): node is SyntaxNode {
  return "type" in node && typeof node.type === "string" && "start" in node && typeof node.start === "number";
}
