/** Which directories of this machine may be read at all. */
import { realpath, stat } from "node:fs/promises";
import { isAbsolute, join, normalize, sep } from "node:path";
import { FlaresmithError } from "../runtime/errors.ts";

const notReadable = (field: string, message: string, hint: string): FlaresmithError =>
  new FlaresmithError({ code: "SOURCE_NOT_READABLE", field, message, hint });

/**
 * The real path of a directory, once it is known to lie below an allowed one; links are resolved before the comparison.
 *
 * @param options.field field that named it, for errors
 * @throws FlaresmithError SOURCE_NOT_READABLE when it is relative, missing, no directory, or not allowed
 */
export async function confineDirectory(options: {
  directory: string;
  allowed: readonly string[];
  field: string;
}): Promise<string> {
  const { directory, allowed, field } = options;
  const shown = JSON.stringify(directory);
  if (!isAbsolute(directory)) {
    throw notReadable(
      field,
      `${shown} is not an absolute path`,
      "Write the path from the root, beginning with '/'.",
    );
  }
  const forbidden = notReadable(
    field,
    `${shown} is not below a directory that Sources may read`,
    "Start the controller with --allow-directory naming it or a directory above it.",
  );
  const roots = await Promise.all(allowed.map(async (root) => realpath(root).catch(() => undefined)));
  // Whether a forbidden path exists is nobody's business either.
  const lexical = normalize(directory);
  const named = [...roots.filter((root) => root !== undefined), ...allowed];
  if (!named.some((root) => isBelow(lexical, root))) throw forbidden;
  let real: string;
  try {
    real = await realpath(directory);
  } catch (error) {
    const why =
      error instanceof Error && "code" in error && error.code === "ENOENT"
        ? "does not exist"
        : "cannot be read";
    throw notReadable(field, `${shown} ${why}`, "Correct the path, or create the directory.");
  }
  if (!roots.some((root) => root !== undefined && isBelow(real, root))) throw forbidden;
  const stats = await stat(real).catch(() => undefined);
  if (stats === undefined) {
    throw notReadable(field, `${shown} cannot be read`, "Correct the path, or create the directory.");
  }
  if (!stats.isDirectory()) {
    throw notReadable(field, `${shown} is not a directory`, "Name the directory that holds the manifests.");
  }
  return real;
}

function isBelow(path: string, root: string): boolean {
  const base = normalize(root).replace(/\/+$/, "");
  return path === base || path.replace(/\/+$/, "") === base || path.startsWith(base + sep);
}

/**
 * `spec.path` as a plain relative path: `""` for the root, else `a/b` without a slash at either end.
 *
 * @throws FlaresmithError SOURCE_NOT_READABLE when it leads out of the source
 */
export function relativePath(path: string): string {
  const parts = join("/", path)
    .split("/")
    .filter((part) => part !== "");
  if (path.split("/").includes("..") || path.includes("\0")) {
    throw notReadable(
      "spec.path",
      `${JSON.stringify(path)} may not contain '..'`,
      "Name a folder inside the source, such as ./environments.",
    );
  }
  return parts.join("/");
}
