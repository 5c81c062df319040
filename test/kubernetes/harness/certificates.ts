/** Client certificates: how a test comes to the API server as this or that person. */
import { webcrypto } from "node:crypto";
import { createAuthority, type KeyPair } from "../../../controller/runtime/adapters/certificates.ts";

const DAY = 86_400_000;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** Who a client is to Kubernetes. */
export interface Identity {
  user: string;
  groups: readonly string[];
}

let serial = 1;
/** What certificates of tests have in common: good for a day, from a little while ago. */
export function validity(): { notBefore: number; notAfter: number; serial: string } {
  const now = Date.now();
  return {
    notBefore: now - 60_000,
    notAfter: now + DAY,
    serial: (serial += 1).toString(16).padStart(8, "0"),
  };
}

export function createTestAuthority(): Promise<KeyPair> {
  return createAuthority({ commonName: "test-authority", ...validity() });
}

/** A certificate whose common name is the user and whose organizations are the groups, as kube-apiserver reads it. */
export async function createClientCertificate(authority: KeyPair, identity: Identity): Promise<KeyPair> {
  // Loaded after the adapter has set up what the library needs.
  const x509 = await import("@peculiar/x509");
  const issuer = new x509.X509Certificate(authority.certificate);
  const pem = x509.PemConverter.decodeFirst(authority.privateKey);
  const signingKey = await webcrypto.subtle.importKey("pkcs8", pem, ALGORITHM, false, ["sign"]);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const { notBefore, notAfter, serial: serialNumber } = validity();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber,
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    subject: [...identity.groups.map((group) => ({ O: [group] })), { CN: [identity.user] }],
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
    ],
  });
  const privateKey = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificate: certificate.toString("pem"),
    privateKey: x509.PemConverter.encode(privateKey, "PRIVATE KEY"),
  };
}
