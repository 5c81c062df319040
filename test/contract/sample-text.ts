import type { StructuralSchema } from "../../crds/schema/structural.ts";

/** Texts that between them fit every pattern of the kinds; the first that fits is taken. */
const TEXTS = [
  "sample",
  "24h",
  "0123456789abcdef0123456789abcdef01234567",
  "2026-01-01T00:00:00Z",
  "https://example.com/x",
  "https://{script}.{subdomain}.example.com",
  "12345678901",
  "./",
];

/**
 * A text that fits a string schema.
 * @param name the field's name, for the error
 * @throws Error when none of the known texts fits: add one
 */
export function sampleText(schema: StructuralSchema, name: string): string {
  const found = TEXTS.find(
    (text) =>
      (schema.pattern === undefined || new RegExp(schema.pattern).test(text)) &&
      (schema.format !== "date-time" || text.endsWith("Z")) &&
      text.length >= (schema.minLength ?? 0) &&
      text.length <= (schema.maxLength ?? Number.POSITIVE_INFINITY),
  );
  if (found === undefined) throw new Error(`no sample text fits ${name} (${schema.pattern ?? "no pattern"})`);
  return found;
}
