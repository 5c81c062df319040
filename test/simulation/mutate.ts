/** Puts one deliberate fault into the controller as it is loaded; no file is changed. */
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { mutations } from "./mutations.ts";

/**
 * Call before anything of the controller is imported.
 * @returns to be called when the controller was imported: throws an Error when the mutated file had been loaded before
 * @throws RangeError for a mutation that does not exist; Error, while loading, when its place is not there (any more)
 */
export function applyMutation(name: string): () => void {
  const mutation = mutations.find((one) => one.name === name);
  if (!mutation) throw new RangeError(`there is no mutation ${name}`);
  const root = fileURLToPath(new URL("../../", import.meta.url));
  let applied = false;
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context);
      if (url !== new URL(`../../${mutation.file}`, import.meta.url).href) return loaded;
      const source = Buffer.from(loaded.source as string | Uint8Array).toString();
      const at = source.indexOf(mutation.find);
      if (at < 0 || source.includes(mutation.find, at + 1))
        throw new Error(`${root}${mutation.file} does not have the line of mutation ${name} exactly once`);
      applied = true;
      return { ...loaded, source: source.replace(mutation.find, () => mutation.replace) };
    },
  });
  return () => {
    if (!applied) throw new Error(`${root}${mutation.file} was loaded before mutation ${name} was applied`);
  };
}
