export interface Line {
  what: string;
  unit: string;
  embedded: number;
  /** Of kube-apiserver. */
  other: number;
  isBetter: "more" | "less";
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** How many times better the embedded API is; below 1: how much it is behind. */
function advantage({ embedded, isBetter, other }: Line): number {
  return isBetter === "more" ? embedded / other : other / embedded;
}

/** Prints the figures, the advantage of the embedded API on each line, and who is ahead. */
export function report(lines: readonly Line[]): void {
  const width = Math.max(...lines.map(({ what, unit }) => what.length + unit.length + 3));
  console.log(
    `${"".padEnd(width)} ${"embedded".padStart(10)} ${"kubernetes".padStart(10)} ${"ratio".padStart(7)}  ahead`,
  );
  for (const line of lines) {
    const ratio = advantage(line);
    const figures = [digits(line.embedded), digits(line.other)].map((text) => text.padStart(10)).join(" ");
    const ahead = ratio > 1.05 ? "embedded" : ratio < 0.95 ? "kube-apiserver" : "neither";
    console.log(
      `${`${line.what} (${line.unit})`.padEnd(width)} ${figures} ${digits(ratio).padStart(7)}  ${ahead}`,
    );
  }
}
