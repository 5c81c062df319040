/**
 * The secret values known at run time. Everything that leaves the process as text passes through `redact`, so that a
 * value that slipped into a provider's error message never reaches a log line, an event, a condition or a label.
 */

/** What stands where a secret was. */
const redacted = "[redacted]";

/** Shorter values would redact ordinary words; no provider issues credentials this short. */
const shortest = 6;
const shortestLine = 20;

export interface SecretRegistry {
  /**
   * Makes a value known, together with its base64, URL-encoded and JSON-escaped forms. Values shorter than 6 characters
   * are not registered.
   */
  add(value: string): void;
  /** The text with every occurrence of a known value replaced. */
  redact(text: string): string;
  /**
   * A copy of a JSON-like value in which strings are redacted and the values of members with telling names (`token`,
   * `password`, `authorization`, …) replaced, whatever they are.
   */
  redactValue(value: unknown): unknown;
}

const tellingName =
  /^(?:.*[-_.])?(?:authorization|proxy-authorization|cookie|set-cookie|password|passwd|passphrase|token|secret|apikey|api[-_]key|apitoken|privatekey|private[-_]key|connectionuri|connection[-_]uri|webhooksecret|credentials?)$|(?:Token|Secret|Password|ApiKey|PrivateKey|ConnectionUri)$/i;

/** Nesting beyond this is cut: logs are no place for documents. */
const deepest = 8;

/** Creates an empty {@link SecretRegistry}. */
export function createSecretRegistry(): SecretRegistry {
  const known = new Set<string>();
  // Longest first, so that a secret that contains another leaves no rest behind.
  let ordered: readonly string[] = [];
  const redact = (text: string): string => {
    let clean = text;
    for (const value of ordered) if (clean.includes(value)) clean = clean.replaceAll(value, redacted);
    return clean;
  };
  const redactAt = (value: unknown, depth: number): unknown => {
    if (typeof value === "string") return redact(value);
    if (typeof value === "bigint") return value.toString();
    if (value === null || typeof value !== "object") return value;
    if (depth >= deepest) return "[nested]";
    if (Array.isArray(value)) return value.map((item) => redactAt(item, depth + 1));
    if ("toJSON" in value && typeof value.toJSON === "function") {
      return redactAt((value.toJSON as () => unknown).call(value), depth + 1);
    }
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        redact(name),
        tellingName.test(name) && member !== undefined && member !== null
          ? redacted
          : redactAt(member, depth + 1),
      ]),
    );
  };
  return {
    add: (value) => {
      if (value.length < shortest || known.has(value)) return;
      const bytes = Buffer.from(value, "utf8");
      const forms = [
        value,
        value.trim(),
        JSON.stringify(value).slice(1, -1),
        encodeURIComponent(value.toWellFormed()),
        bytes.toString("base64"),
        bytes.toString("base64").replace(/=+$/, ""),
        bytes.toString("base64url"),
        // An error may quote one line of a private key.
        ...value.split(/\r?\n/).filter((line) => line.length >= shortestLine && !line.startsWith("-----")),
      ];
      for (const form of forms) if (form.length >= shortest) known.add(form);
      ordered = [...known].toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1));
    },
    redact,
    redactValue: (value) => redactAt(value, 0),
  };
}
