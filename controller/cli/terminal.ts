/** Where commands write: results to standard output, everything that is not a result to standard error. */
export interface Terminal {
  /** A line of the result, or several, {@link printable}. */
  line(text: string): void;
  /** A line about the result, or several, {@link printable}: progress, errors. */
  error(text: string): void;
  /** Text as it stands, control sequences included. */
  raw(text: string): void;
  /** Whether a person watches standard output, so that lines may be redrawn. */
  readonly interactive: boolean;
  /** Characters that fit into a line. */
  readonly columns: number;
}

interface Stream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** Whatever moves a terminal's cursor, names its window, turns text around or hides it; not the end of a line. */
const UNSEEN = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]--[\n]]/gv;

/**
 * Text that does to a terminal what it seems to do: values come from manifests and providers, and whoever writes those
 * must not write to the terminals of others. Escaped as JSON has it, in which it stays the same value.
 */
export function printable(text: string): string {
  return text.replace(UNSEEN, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

/** A terminal over two streams. `TERM=dumb` counts as nobody watching. */
export function createTerminal(options: {
  stdout: Stream;
  stderr: Stream;
  env: Readonly<Record<string, string | undefined>>;
}): Terminal {
  const { stdout, stderr, env } = options;
  return {
    line: (text) => void stdout.write(`${printable(text)}\n`),
    error: (text) => void stderr.write(`${printable(text)}\n`),
    raw: (text) => void stdout.write(text),
    interactive: stdout.isTTY === true && env["TERM"] !== "dumb",
    get columns() {
      return stdout.columns ?? 120;
    },
  };
}

/**
 * A table as kubectl prints one: upper-case headers, columns as wide as their widest cell, three blanks between.
 * Empty and missing cells show as `<none>`. A cell is {@link printable} and of one line.
 */
export function tableText(
  header: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
): string {
  const cells = [
    header,
    ...rows.map((row) =>
      row.map((cell) =>
        cell === undefined || cell === "" ? "<none>" : printable(cell).replaceAll("\n", " "),
      ),
    ),
  ];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}

/** Text cut to a width, with an ellipsis where something was cut. */
export function clipped(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
