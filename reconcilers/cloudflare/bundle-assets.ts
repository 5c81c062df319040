/** The static assets of a bundle: what is served, as what, under which hash. */
import { posix } from "node:path";
import { sha256 } from "../../controller/runtime/hash.ts";
import { insidePath } from "./bundle-modules.ts";
import { unsupported } from "./bundle-config.ts";
import type { AssetsConfig } from "./bundle-config.ts";
import { contentTypeOf } from "./content-type.ts";
import type { BundleAsset, BundleAssets, BundleFile } from "./types.ts";

/** Cloudflare's limits (docs, "Workers limits", static assets on a paid plan). */
const FILE_LIMIT = 25 * 1024 * 1024;
const COUNT_LIMIT = 100_000;

/** Files that configure serving and are not served (workers-sdk, workers-shared/utils/configuration). */
const configuring = ["_headers", "_redirects"] as const;

/**
 * @returns the assets; and the paths of the bundle's files that belong to them
 * @throws FlaresmithError SPEC_BUNDLE_UNSUPPORTED naming the file and the remedy
 */
export function collectAssets(
  files: readonly BundleFile[],
  options: {
    config: AssetsConfig | undefined;
    directory: string;
    configPath: string;
    configFile: string;
    main: string | undefined;
  },
): { assets: BundleAssets | undefined; paths: ReadonlySet<string> } {
  const { config, configPath } = options;
  if (!config) return { assets: undefined, paths: new Set() };
  const root = insidePath(config.directory);
  if (root === undefined)
    throw unsupported(
      configPath,
      `assets.directory: ${config.directory} lies outside of the directory`,
      "Commit the assets inside the directory that code.path names.",
    );
  const prefix = root === "." ? "" : `${root}/`;
  const holds = (path: string): boolean =>
    path.startsWith(prefix) && path !== options.configFile && path !== options.main;
  const inside = files.filter((file) => holds(file.path));
  if (inside.length === 0)
    throw unsupported(
      configPath,
      `assets.directory: ${config.directory} holds no files`,
      "Commit the assets, or correct the path.",
    );
  if (config.binding !== undefined && options.main === undefined) {
    throw unsupported(
      configPath,
      "assets.binding: there is no main that could use it",
      "Remove the binding, or name the code in main.",
    );
  }
  const { binding, directory: _directory, ...handling } = config;
  const served: Record<string, BundleAsset> = {};
  const settings: Record<string, unknown> = { ...handling };
  for (const file of inside.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const name = file.path.slice(prefix.length);
    const path = `${options.directory}/${file.path}`;
    if (posix.basename(name) === ".assetsignore")
      throw unsupported(
        path,
        "ignore files are not read",
        "Commit only what is to be served, and remove the file.",
      );
    if (name === "_worker.js" || name.startsWith("_worker.js/"))
      throw unsupported(
        path,
        "code among the assets would be served to everyone",
        "Name the code in main and move it out of assets.directory.",
      );
    const setting = configuring.find((candidate) => candidate === name);
    if (setting) {
      settings[setting] = new TextDecoder().decode(file.content);
      continue;
    }
    if (file.content.byteLength > FILE_LIMIT) {
      throw unsupported(
        path,
        `the file has ${file.content.byteLength} bytes, and Cloudflare serves up to ${FILE_LIMIT}`,
        "Make it smaller, or serve it from an R2 bucket.",
      );
    }
    served[`/${name.split("/").map(encodeURIComponent).join("/")}`] = asset(file.content, name);
  }
  const count = Object.keys(served).length;
  if (count > COUNT_LIMIT)
    throw unsupported(
      configPath,
      `assets.directory: ${count} files, and Cloudflare takes ${COUNT_LIMIT}`,
      "Serve fewer files, or serve them from an R2 bucket.",
    );
  return {
    assets: { files: Object.freeze(served), binding, config: Object.freeze(settings) },
    paths: new Set(inside.map((file) => file.path)),
  };
}

/** The extension is hashed too: blobs are kept by hash, each with the type that it was uploaded with. */
function asset(content: Uint8Array, name: string): BundleAsset {
  const extension = posix.extname(name).slice(1);
  const hash = sha256(Buffer.concat([content, Buffer.from(`\0${extension}`)])).slice(0, 32);
  return Object.freeze({ hash, contentType: contentTypeOf(name), content });
}
