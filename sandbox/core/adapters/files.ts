import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** The JSON in a file; undefined when there is no such file. @throws Error naming the file when it is not JSON */
export function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`${path} is not JSON: remove it, and it will be made again`, { cause: error });
  }
}

/** Replaces a file in one step, readable and writable for its owner only. */
export function writeJson(path: string, value: unknown): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}
