/**
 * Reads a Worker's bundle from committed files: a module file, or a directory with a wrangler.json. Nothing is built;
 * what cannot be uploaded as it is, is refused here, before anything is sent.
 */
import { posix } from "node:path";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import { hashOf, sha256 } from "../../controller/runtime/hash.ts";
import { collectAssets } from "./bundle-assets.ts";
import { readBundleConfig, unsupported } from "./bundle-config.ts";
import { checkModules, collectModules, insidePath } from "./bundle-modules.ts";
import type { Bundle, BundleFile, BundleModule } from "./types.ts";

/** Runs a module file, which can say no compatibility date of its own. Fixed: moving it would change running code. */
export const MODULE_COMPATIBILITY_DATE = "2026-01-01";

export interface BundleSource {
  /** Where it lies in the repository, as `code.path` says; for messages. */
  path: string;
  kind: "file" | "directory";
  /** Paths relative to the directory; the file's own name for a file. */
  files: readonly BundleFile[];
}

/**
 * Pure: equal files give equal digests, in whatever order they come.
 *
 * @throws FlaresmithError SPEC_BUNDLE_MISSING when there is nothing to upload, SPEC_BUNDLE_UNSUPPORTED for content or
 *   configuration that Flaresmith does not upload; both name the file, the key and the remedy
 */
export function readBundle(source: BundleSource): Bundle {
  const path = source.path.replace(/\/+$/, "") || ".";
  if (source.files.length === 0) {
    throw new FlaresmithError({
      code: "SPEC_BUNDLE_MISSING",
      message: `${path}: there are no files`,
      field: "spec.cloudflare.workers[].code.path",
      context: { provider: "cloudflare", path },
    });
  }
  return source.kind === "file" ? moduleBundle(source.files, path) : directoryBundle(source.files, path);
}

function moduleBundle(files: readonly BundleFile[], path: string): Bundle {
  const [file] = files;
  if (!file || !/\.m?js$/.test(path)) {
    throw unsupported(
      path,
      "a bundle that is one file must be a .js or .mjs module",
      "Flaresmith never builds: let code.path name the compiled module, or a directory with a wrangler.json.",
    );
  }
  const modules: BundleModule[] = [
    { name: posix.basename(path), contentType: "application/javascript+module", content: file.content },
  ];
  const parent = posix.dirname(path);
  checkModules(modules, { flags: [], prefix: parent === "." ? "" : `${parent}/` });
  return finish({
    mainModule: modules[0]?.name,
    modules,
    assets: undefined,
    compatibilityDate: MODULE_COMPATIBILITY_DATE,
    compatibilityFlags: [],
    observability: undefined,
  });
}

function directoryBundle(files: readonly BundleFile[], directory: string): Bundle {
  const { config, file } = readBundleConfig(files, directory);
  const configPath = `${directory}/${file}`;
  const main = config.main === undefined ? undefined : insidePath(config.main);
  const { assets, paths } = collectAssets(files, {
    config: config.assets,
    directory,
    configPath,
    configFile: file,
    main,
  });
  const code = collectModules(files, {
    config,
    directory,
    configPath,
    skip: (path) => paths.has(path) || path === file,
  });
  if (!code && !assets)
    throw unsupported(
      configPath,
      "main is missing, and there are no assets",
      "Name the entry module in main.",
    );
  return finish({
    mainModule: code?.mainModule,
    modules: code?.modules ?? [],
    assets,
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: [...new Set(config.compatibility_flags ?? [])].sort(),
    observability: config.observability === undefined ? undefined : Object.freeze(config.observability),
  });
}

function finish(parts: Omit<Bundle, "digest" | "toJSON">): Bundle {
  const digest = hashOf({
    ...parts,
    modules: parts.modules.map((module) => [module.name, module.contentType, sha256(module.content)]),
    assets: parts.assets && {
      ...parts.assets,
      files: Object.fromEntries(
        Object.entries(parts.assets.files).map(([path, asset]) => [path, [asset.hash, asset.contentType]]),
      ),
    },
  });
  return Object.freeze({ ...parts, digest, toJSON: () => digest });
}
