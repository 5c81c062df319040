/**
 * The secret values known at run time. Everything that leaves the process as text passes through `redact`, so that a
 * value that slipped into a provider's error message never reaches a log line, an event, a condition or a label.
 */
import type { Clock } from "./clock.ts";
import { LEAST_LENGTH, createPhraseFinder } from "./phrase-finder.ts";

/** What stands where a secret was. */
const redacted = "[redacted]";

/** Shorter values would redact ordinary words; no provider issues credentials this short. */
const shortest = LEAST_LENGTH;
const shortestLine = 20;
/** Milliseconds for which a value that may lapse is known after it was last added: seven days. */
const LAPSE = 604_800_000;
/** Milliseconds between two looks for what has lapsed: an hour. */
const LOOK = 3_600_000;

export interface SecretRegistry {
  /**
   * Makes a value known, together with its base64, URL-encoded and JSON-escaped forms. Values shorter than 6 characters
   * are not registered.
   *
   * @param options.lapses it is added whenever it is read, and forgotten seven days after the last time: things that come
   *   and go have secrets of their own, and a process may run for years. Default: it is known for good
   */
  add(value: string, options?: { lapses?: boolean }): void;
  /** How many forms of values are known. */
  readonly size: number;
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

/** Every form in which a value may stand in a text. */
function formsOf(value: string): Set<string> {
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
  return new Set(forms.filter((form) => form.length >= shortest));
}

/** Creates an empty {@link SecretRegistry}. */
export function createSecretRegistry({ clock }: { clock: Clock }): SecretRegistry {
  const finder = createPhraseFinder();
  /** Monotonic milliseconds at which each value was added last; infinite for those that never lapse. */
  const known = new Map<string, number>();
  /** By how many values each form is one of. */
  const uses = new Map<string, number>();
  let lookedAt = clock.monotonic();
  const forget = (value: string): void => {
    known.delete(value);
    for (const form of formsOf(value)) {
      const left = (uses.get(form) ?? 1) - 1;
      if (left > 0) uses.set(form, left);
      else {
        uses.delete(form);
        finder.delete(form);
      }
    }
  };
  const dropLapsed = (now: number): void => {
    if (now - lookedAt < LOOK) return;
    lookedAt = now;
    for (const [value, at] of known) if (now - at >= LAPSE) forget(value);
  };
  const redact = (text: string): string => finder.replaceAll(text, redacted);
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
    get size() {
      return finder.size;
    },
    add: (value, { lapses = false } = {}) => {
      const now = clock.monotonic();
      dropLapsed(now);
      if (value.length < shortest) return;
      const before = known.get(value);
      known.set(value, lapses ? Math.max(now, before ?? now) : Number.POSITIVE_INFINITY);
      if (before !== undefined) return;
      for (const form of formsOf(value)) {
        uses.set(form, (uses.get(form) ?? 0) + 1);
        finder.add(form);
      }
    },
    redact,
    redactValue: (value) => redactAt(value, 0),
  };
}
