/** Which files of a bundle are modules, of which type, and whether everything they import is there. */
import { builtinModules } from "node:module";
import { posix } from "node:path";
import { parse } from "es-module-lexer/js";
import { unsupported } from "./bundle-config.ts";
import type { BundleConfig, ModuleRule } from "./bundle-config.ts";
import { globPattern } from "./glob.ts";
import type { BundleFile, BundleModule } from "./types.ts";

/** Cloudflare's limit before compression, in bytes (docs, "Workers limits"). */
const UPLOAD_LIMIT = 64 * 1024 * 1024;

const contentTypes: Readonly<Record<ModuleRule["type"], BundleModule["contentType"]>> = Object.freeze({
  ESModule: "application/javascript+module",
  CommonJS: "application/javascript",
  CompiledWasm: "application/wasm",
  Text: "text/plain",
  Data: "application/octet-stream",
});

/** Wrangler's rules, which come after a configuration's own (workers-sdk, deployment-bundle/rules.ts). */
const defaultRules: readonly ModuleRule[] = Object.freeze([
  { type: "ESModule", globs: ["**/*.js", "**/*.mjs"] },
  { type: "CommonJS", globs: ["**/*.cjs"] },
  { type: "Text", globs: ["**/*.txt", "**/*.html", "**/*.sql"] },
  { type: "Data", globs: ["**/*.bin"] },
  { type: "CompiledWasm", globs: ["**/*.wasm"] },
]);

interface Matcher {
  contentType: BundleModule["contentType"];
  patterns: readonly RegExp[];
}

/** A type's first rule without `fallthrough` is its last; wrangler works the same way. */
function matchers(rules: readonly ModuleRule[], path: string): Matcher[] {
  const closed = new Set<string>();
  return [...rules, ...defaultRules].flatMap((rule, index): Matcher[] => {
    if (closed.has(rule.type)) return [];
    if (rule.fallthrough !== true) closed.add(rule.type);
    const patterns = rule.globs.map((glob) => {
      const pattern = globPattern(glob);
      if (!pattern)
        throw unsupported(
          path,
          `rules[${index}].globs: ${glob} uses more than *, ** and ?`,
          "Write one glob for each alternative.",
        );
      return pattern;
    });
    return [{ contentType: contentTypes[rule.type], patterns }];
  });
}

/** A path inside the directory, without leading `./`; undefined when it leads out of it. */
export function insidePath(path: string): string | undefined {
  const normal = posix.normalize(path.replaceAll("\\", "/")).replace(/\/$/, "");
  return normal.startsWith("..") || normal.startsWith("/") ? undefined : normal;
}

/** The type that an entry must have, by its extension. */
function checkEntryType(path: string): void {
  if (/\.(?:[cm]?ts|tsx|jsx)$/.test(path)) {
    throw unsupported(
      path,
      "the entry is not JavaScript",
      "Flaresmith never builds: commit the compiled module and name it in main.",
    );
  }
  if (path.endsWith(".py"))
    throw unsupported(path, "Python Workers are not supported", "Use a JavaScript module.");
  if (!/\.m?js$/.test(path)) {
    throw unsupported(
      path,
      "the entry is not an ES module",
      "Let main name a .js or .mjs file that exports the handlers.",
    );
  }
}

/**
 * The modules of a directory.
 * @param options `skip`: whether a file belongs to something else (static assets); `configPath` and `directory` are for messages
 * @returns main module's name and the modules, sorted by name; undefined when the configuration names no entry
 * @throws FlaresmithError SPEC_BUNDLE_UNSUPPORTED naming the file and the remedy
 */
export function collectModules(
  files: readonly BundleFile[],
  options: { config: BundleConfig; directory: string; configPath: string; skip(path: string): boolean },
): { mainModule: string; modules: BundleModule[] } | undefined {
  const { config, configPath, directory } = options;
  if (config.main === undefined) return undefined;
  const main = insidePath(config.main);
  if (main === undefined)
    throw unsupported(
      configPath,
      `main: ${config.main} lies outside of the directory`,
      "Commit the entry inside the directory that code.path names.",
    );
  checkEntryType(`${directory}/${main}`);
  if (!files.some((file) => file.path === main)) {
    throw unsupported(
      configPath,
      `main: there is no file ${main}`,
      "Commit the output of your build, or correct main.",
    );
  }
  const base = config.base_dir === undefined ? posix.dirname(main) : insidePath(config.base_dir);
  const prefix = base === "." ? "" : `${base ?? ""}/`;
  if (base === undefined || !main.startsWith(prefix)) {
    throw unsupported(
      configPath,
      `base_dir: ${config.base_dir ?? ""} does not hold main`,
      "Name a directory inside the bundle that holds main.",
    );
  }
  const rules = matchers(config.rules ?? [], configPath);
  const modules = files
    .filter(
      (file) =>
        file.path === main ||
        (config.find_additional_modules !== false &&
          file.path.startsWith(prefix) &&
          !options.skip(file.path)),
    )
    .flatMap((file): BundleModule[] => {
      const name = file.path.slice(prefix.length);
      const rule = rules.find((candidate) => candidate.patterns.some((pattern) => pattern.test(name)));
      const contentType = file.path === main ? contentTypes.ESModule : rule?.contentType;
      return contentType === undefined ? [] : [{ name, contentType, content: file.content }];
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  checkModules(modules, {
    flags: config.compatibility_flags ?? [],
    prefix: directory === "." ? prefix : `${directory}/${prefix}`,
  });
  return { mainModule: main.slice(prefix.length), modules };
}

/**
 * Checks sizes and imports of modules.
 * @param options `prefix`: what stands before a module's name in the repository, for messages
 * @throws FlaresmithError SPEC_BUNDLE_UNSUPPORTED
 */
export function checkModules(
  modules: readonly BundleModule[],
  options: { flags: readonly string[]; prefix: string },
): void {
  const total = modules.reduce((sum, module) => sum + module.content.byteLength, 0);
  if (total > UPLOAD_LIMIT) {
    const largest = modules.toSorted((a, b) => b.content.byteLength - a.content.byteLength)[0];
    throw unsupported(
      `${options.prefix}${largest?.name ?? ""}`,
      `the modules have ${total} bytes, and Cloudflare takes ${UPLOAD_LIMIT}; this is the largest`,
      "Make the bundle smaller, or serve large files as static assets.",
    );
  }
  const names = new Set(modules.map((module) => module.name));
  for (const module of modules) {
    if (module.contentType === "application/javascript+module") checkImports(module, names, options);
  }
}

function checkImports(
  module: BundleModule,
  names: ReadonlySet<string>,
  options: { flags: readonly string[]; prefix: string },
): void {
  const path = `${options.prefix}${module.name}`;
  let source: string;
  try {
    source = new TextDecoder("utf-8", { fatal: true }).decode(module.content);
  } catch {
    throw unsupported(path, "the module is not UTF-8", "Save it as UTF-8.");
  }
  const imports = importsOf(source, path);
  for (const specifier of imports) {
    if (/^(?:node|cloudflare|workerd):/.test(specifier)) continue;
    const target = /^\.{1,2}\//.test(specifier)
      ? posix.normalize(posix.join(posix.dirname(module.name), specifier))
      : specifier.replace(/^\//, "");
    if (names.has(target)) continue;
    if (/^\.{1,2}\/|^\//.test(specifier)) {
      const hint = /\.(?:[cm]?ts|tsx|jsx|py)$/.test(specifier)
        ? "Flaresmith never builds: import the compiled module."
        : "Commit the file beside the entry, with an extension that a rule covers, or bundle it into the entry.";
      throw unsupported(path, `imports ${specifier}, which is not in the bundle`, hint);
    }
    if (builtinModules.includes(specifier)) {
      if (options.flags.some((flag) => flag.startsWith("nodejs_"))) continue;
      throw unsupported(
        path,
        `imports Node's ${specifier} without nodejs_compat`,
        'Add "nodejs_compat" to compatibility_flags in wrangler.json.',
      );
    }
    throw unsupported(
      path,
      `imports the package ${specifier}, which is not in the bundle`,
      "Flaresmith never builds: bundle the package into the module before it is committed.",
    );
  }
}

/** Static imports, and dynamic ones whose target is a plain string. */
function importsOf(source: string, path: string): string[] {
  try {
    return parse(source)[0].flatMap((found) => (found.n === undefined || found.t === 3 ? [] : [found.n]));
  } catch (error) {
    const place = /:(\d+):(\d+)$/.exec(error instanceof Error ? error.message : "");
    const where = place ? `line ${place[1]}, column ${place[2]}: ` : "";
    throw unsupported(
      path,
      `${where}the module cannot be parsed as JavaScript`,
      "Commit the output of your build.",
    );
  }
}
