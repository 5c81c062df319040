/** Who sent a webhook delivery. */
import { createHmac, timingSafeEqual } from "node:crypto";

const form = /^sha256=([0-9a-f]{64})$/;

/** Whether a header can be a signature at all, so that nobody has to look for secrets when it cannot. */
export function isSignature(signature: string | undefined): signature is string {
  return form.test(signature ?? "");
}

/**
 * Whether one of the secrets signed the body, as GitHub does it (docs, "Validating webhook deliveries"). Looks at every
 * secret, so that how long it takes does not tell which one matched; empty ones match nothing.
 * @param signature the header `x-hub-signature-256`
 */
export function isSigned(
  body: Uint8Array,
  signature: string | undefined,
  secrets: readonly string[],
): boolean {
  const hex = form.exec(signature ?? "")?.[1];
  if (hex === undefined) return false;
  const given = Buffer.from(hex, "hex");
  let matched = false;
  for (const secret of secrets) {
    if (secret === "") continue;
    const expected = createHmac("sha256", secret).update(body).digest();
    matched = timingSafeEqual(expected, given) || matched;
  }
  return matched;
}
