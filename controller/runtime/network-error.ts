/** What Node and undici say when no answer came: their code, and whether the request can have left at all. */

/** Codes at which no byte of the request can have been sent. */
const neverSent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** The code of a network error or of its causes, e.g. `ECONNREFUSED`. */
export function networkCode(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ("code" in current && typeof current.code === "string") return current.code;
    if (current instanceof AggregateError) return networkCode(current.errors[0]);
  }
  return undefined;
}

/** Whether a network error proves that the request never left, so that repeating it is safe whatever it was. */
export function wasNeverSent(error: unknown): boolean {
  const code = networkCode(error);
  return code !== undefined && neverSent.has(code);
}
