/** The globs that `rules` of a wrangler configuration may use: `*`, `**` and `?`. */

/**
 * @returns a pattern that tests paths with `/`; undefined when the glob uses what is not supported (`{}`, `[]`, `!`, `()`)
 */
export function globPattern(glob: string): RegExp | undefined {
  if (glob === "" || /[{}[\]!()\\]/.test(glob)) return undefined;
  const source = glob
    .replace(/^\.\//, "")
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map((part) => {
      if (part === "**/") return "(?:[^/]+/)*";
      if (part === "**") return ".*";
      if (part === "*") return "[^/]*";
      if (part === "?") return "[^/]";
      return part.replaceAll(/[.+^$|]/g, String.raw`\$&`);
    })
    .join("");
  return new RegExp(`^${source}$`);
}
