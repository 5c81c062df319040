/**
 * What a bundle's wrangler.json says, as far as it belongs to code. What belongs to a place (vars, secrets, bindings,
 * routes) is refused with the field of ours that it goes to; what needs a build is refused, because nothing is built here.
 * Keys: https://developers.cloudflare.com/workers/wrangler/configuration/
 */
import { z } from "zod";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import { parseJsonc } from "./jsonc.ts";
import type { BundleFile } from "./types.ts";

/** Names the place and the remedy. `path` as in the repository. */
export function unsupported(path: string, problem: string, hint: string): FlaresmithError {
  return new FlaresmithError({
    code: "SPEC_BUNDLE_UNSUPPORTED",
    message: `${path}: ${problem}`,
    hint,
    context: { provider: "cloudflare", path },
  });
}

const ruleSchema = z.strictObject({
  type: z.enum(["ESModule", "CommonJS", "Text", "Data", "CompiledWasm"]),
  globs: z.array(z.string()).min(1),
  fallthrough: z.boolean().optional(),
});

const assetsSchema = z.strictObject({
  directory: z.string().min(1),
  binding: z
    .string()
    .regex(/^[A-Za-z_$][\w$]*$/, "must be an identifier")
    .optional(),
  html_handling: z
    .enum(["auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"])
    .optional(),
  not_found_handling: z.enum(["single-page-application", "404-page", "none"]).optional(),
  run_worker_first: z.union([z.boolean(), z.array(z.string().min(1)).min(1).max(100)]).optional(),
});

const observabilitySchema = z.looseObject({
  enabled: z.boolean().optional(),
  head_sampling_rate: z.number().min(0).max(1).optional(),
});

const configSchema = z.strictObject({
  $schema: z.string().optional(),
  name: z.string().optional(),
  main: z.string().min(1).optional(),
  no_bundle: z.boolean().optional(),
  find_additional_modules: z.boolean().optional(),
  preserve_file_names: z.boolean().optional(),
  base_dir: z.string().min(1).optional(),
  rules: z.array(ruleSchema).optional(),
  compatibility_date: z.string().regex(/^\d{4}-\d{2}-\d{2}$/, "must be a date like 2026-01-31"),
  compatibility_flags: z.array(z.string().min(1)).optional(),
  assets: assetsSchema.optional(),
  observability: observabilitySchema.optional(),
  send_metrics: z.boolean().optional(),
  dev: z.unknown().optional(),
});

/** The part of wrangler's configuration that is honoured. `name`, `dev`, `send_metrics` and `$schema` are wrangler's own. */
export type BundleConfig = z.output<typeof configSchema>;
export type ModuleRule = z.output<typeof ruleSchema>;
export type AssetsConfig = z.output<typeof assetsSchema>;

const settings = "spec.cloudflare.workers[] of the Environment";
const noBuild = "Flaresmith never builds: commit the output of your build and remove the key";

/** What to do about a key that is refused. */
const remedies: Readonly<Record<string, string>> = Object.freeze({
  vars: `Move them to vars in ${settings}.`,
  secrets: "Declare them in spec.secrets of the Environment.",
  kv_namespaces: `Declare the namespace in spec.cloudflare.kv of the Project and bind it with bindings in ${settings}.`,
  r2_buckets: `Declare the bucket in spec.cloudflare.r2 of the Project and bind it with bindings in ${settings}.`,
  services: `Bind the Worker with bindings in ${settings}.`,
  route: `Move it to routes or domains in ${settings}.`,
  routes: `Move them to routes or domains in ${settings}.`,
  triggers: `Move the schedules to crons in ${settings}.`,
  workers_dev: `Set workersDev in ${settings}.`,
  preview_urls: `Set workersDev in ${settings}.`,
  account_id: "The account is the one of the Connection: remove the key.",
  env: "Environments are Environment objects: remove the sections and set what differs there.",
  previews: "Previews are Preview objects: remove the section.",
  keep_vars:
    "Set spec.cloudflare.bindingsPolicy of the Environment: Preserve keeps what others put on the Worker.",
  build: `${noBuild}.`,
  tsconfig: `${noBuild}.`,
  minify: `${noBuild}.`,
  define: `${noBuild}.`,
  alias: `${noBuild}.`,
  jsx_factory: `${noBuild}.`,
  jsx_fragment: `${noBuild}.`,
  node_compat: 'Set compatibility_flags to ["nodejs_compat"] and remove the key.',
  site: "Use assets instead of Workers Sites.",
});

function explain(issue: z.core.$ZodIssue, path: string): FlaresmithError {
  const place = issue.path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
  if (issue.code === "unrecognized_keys") {
    const key = [...issue.keys].sort()[0] ?? "";
    const full = place === "" ? key : `${place}.${key}`;
    const remedy = place === "" ? remedies[key] : undefined;
    return unsupported(
      path,
      `${full} is not supported in a bundle`,
      remedy ??
        "Remove the key: a bundle holds code, its entry, compatibility date and flags, static assets and observability.",
    );
  }
  if (issue.code === "invalid_type" && place === "compatibility_date") {
    return unsupported(
      path,
      "compatibility_date is missing",
      "Set it to the date that the code was tested with, such as 2026-01-31.",
    );
  }
  return unsupported(
    path,
    `${place === "" ? "the content" : place}: ${issue.message}`,
    "Correct the value as wrangler documents it.",
  );
}

const configNames = ["wrangler.json", "wrangler.jsonc"] as const;

/**
 * Finds and checks the configuration of a bundle's directory.
 * @param directory path of the directory in the repository, for messages
 * @throws FlaresmithError SPEC_BUNDLE_MISSING when there is none, SPEC_BUNDLE_UNSUPPORTED naming file, key and remedy
 */
export function readBundleConfig(
  files: readonly BundleFile[],
  directory: string,
): { config: BundleConfig; file: string } {
  const found = configNames.flatMap((name) => files.find((file) => file.path === name) ?? []);
  const [first, second] = found;
  if (!first) {
    if (files.some((file) => file.path === "wrangler.toml")) {
      throw unsupported(`${directory}/wrangler.toml`, "TOML is not read", "Write the same as wrangler.json.");
    }
    throw new FlaresmithError({
      code: "SPEC_BUNDLE_MISSING",
      message: `${directory}: the directory has no wrangler.json`,
      hint: "Commit a wrangler.json with main and compatibility_date in the directory that code.path names, or let code.path name a module file.",
      field: "spec.cloudflare.workers[].code.path",
      context: { provider: "cloudflare", path: directory },
    });
  }
  const path = `${directory}/${first.path}`;
  if (second) throw unsupported(path, `the directory also has ${second.path}`, "Keep one of the two.");
  let value: unknown;
  try {
    value = parseJsonc(new TextDecoder("utf-8", { fatal: true }).decode(first.content));
  } catch (error) {
    throw unsupported(
      path,
      error instanceof SyntaxError ? error.message : "the file is not UTF-8",
      "Correct the file.",
    );
  }
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw issue
      ? explain(issue, path)
      : unsupported(path, "the content is not a wrangler configuration", "Correct the file.");
  }
  return { config: parsed.data, file: first.path };
}
