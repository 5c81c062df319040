/** The first ten names for a message, and how many more there are. */
export function firstOf(names: readonly string[]): string {
  return `${names.slice(0, 10).join(", ")}${names.length > 10 ? ` and ${names.length - 10} more` : ""}`;
}
