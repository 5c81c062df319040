/** The certificate that the API is served with, and the authority that clients trust. */
import { X509Certificate, createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { createAuthority, createServerCertificate, type KeyPair } from "../runtime/adapters/certificates.ts";
import type { Clock, Random } from "../runtime/clock.ts";
import { readIfThere, writePrivate } from "./private-file.ts";

const DAY = 86_400_000;
/** How long certificates are good for: the authority ten years, what it signs one. */
const AUTHORITY_DAYS = 3650;
const SERVER_DAYS = 365;
/** A certificate is made anew when less than this is left of it. */
const RENEW_DAYS = 30;
/** Clocks differ: certificates are good since a little before they were made. */
const BACKDATE_MILLISECONDS = 3_600_000;

/** Names that the server certificate is good for. */
const SERVER_NAMES = ["127.0.0.1", "::1", "localhost"] as const;

export interface ServingCertificate extends KeyPair {
  /** PEM of the authority, for kubeconfigs. */
  authority: string;
}

function isUsable(pair: KeyPair, now: number, issuer?: X509Certificate): boolean {
  try {
    const certificate = new X509Certificate(pair.certificate);
    if (Date.parse(certificate.validTo) - now < RENEW_DAYS * DAY) return false;
    if (Date.parse(certificate.validFrom) > now) return false;
    if (issuer !== undefined && !certificate.verify(issuer.publicKey)) return false;
    return certificate.checkPrivateKey(createPrivateKey(pair.privateKey));
  } catch {
    // Whatever the file holds, it is no certificate that can be served: it is replaced.
    return false;
  }
}

async function stored(directory: string, name: string): Promise<KeyPair | undefined> {
  const certificate = await readIfThere(join(directory, `${name}.crt`));
  const privateKey = await readIfThere(join(directory, `${name}.key`));
  return certificate === undefined || privateKey === undefined ? undefined : { certificate, privateKey };
}

async function keep(directory: string, name: string, pair: KeyPair): Promise<void> {
  await writePrivate(join(directory, `${name}.key`), pair.privateKey);
  await writePrivate(join(directory, `${name}.crt`), pair.certificate);
}

/**
 * The serving certificate of a data directory: what is stored while it is good for another 30 days, else a new one.
 * Files `ca.crt`, `ca.key`, `server.crt`, `server.key`, mode 0600.
 */
export async function servingCertificate(options: {
  directory: string;
  clock: Clock;
  random: Random;
}): Promise<ServingCertificate> {
  const { directory, clock, random } = options;
  const now = clock.now();
  // The highest bit stays clear, so that the number is positive in DER.
  const serial = (): string => `4${random.hex(16).slice(1)}`;
  const period = (days: number) => ({ notBefore: now - BACKDATE_MILLISECONDS, notAfter: now + days * DAY });
  let authority = await stored(directory, "ca");
  if (authority === undefined || !isUsable(authority, now)) {
    authority = await createAuthority({
      commonName: "flaresmith-ca",
      serial: serial(),
      ...period(AUTHORITY_DAYS),
    });
    await keep(directory, "ca", authority);
  }
  let server = await stored(directory, "server");
  if (server === undefined || !isUsable(server, now, new X509Certificate(authority.certificate))) {
    server = await createServerCertificate(authority, {
      commonName: "flaresmith",
      serial: serial(),
      names: SERVER_NAMES,
      ...period(SERVER_DAYS),
    });
    await keep(directory, "server", server);
  }
  return { ...server, authority: authority.certificate };
}
