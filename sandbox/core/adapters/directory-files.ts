import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";

const ignored = new Set([".git", "node_modules", ".DS_Store"]);

/**
 * Every regular file below a directory by its path with `/`, leaving out `.git`, `node_modules` and symbolic links.
 * @throws Error when there is no such directory
 */
export function filesBelow(directory: string): Record<string, Uint8Array> {
  if (!existsSync(directory) || !statSync(directory).isDirectory())
    throw new Error(`there is no directory ${directory}`);
  const files: Record<string, Uint8Array> = {};
  const visit = (current: string): void => {
    for (const entry of readdirSync(current, { withFileTypes: true })) {
      if (ignored.has(entry.name)) continue;
      const path = join(current, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile()) files[relative(directory, path).split(sep).join("/")] = readFileSync(path);
    }
  };
  visit(directory);
  return files;
}
