/** X.509 certificates for the local API. An adapter, because the library signs with WebCrypto. */
import { webcrypto } from "node:crypto";

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  certificate: string;
  privateKey: string;
}

export interface CertificateOptions {
  commonName: string;
  /** Validity in milliseconds since the epoch. */
  notBefore: number;
  notAfter: number;
  /** Hexadecimal, at most 20 bytes. */
  serial: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

// Loaded on first use: it costs tens of milliseconds, and most starts find a certificate that is still good.
async function library() {
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  return x509;
}

type Library = Awaited<ReturnType<typeof library>>;
type Keys = Awaited<ReturnType<typeof generate>>;

function generate(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function privateKeyPem(x509: Library, keys: Keys): Promise<string> {
  const raw = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return x509.PemConverter.encode(raw, "PRIVATE KEY");
}

function validity(options: CertificateOptions): { serialNumber: string; notBefore: Date; notAfter: Date } {
  return {
    serialNumber: options.serial,
    notBefore: new Date(options.notBefore),
    notAfter: new Date(options.notAfter),
  };
}

/** Makes a self-signed authority that can sign server certificates and nothing else (path length 0). */
export async function createAuthority(options: CertificateOptions): Promise<KeyPair> {
  const x509 = await library();
  const keys = await generate();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(options),
    name: `CN=${options.commonName}`,
    signingAlgorithm: ALGORITHM,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString("pem"), privateKey: await privateKeyPem(x509, keys) };
}

/**
 * Makes a server certificate signed by an authority.
 * @param options.names host names and IP addresses that it is good for
 */
export async function createServerCertificate(
  authority: KeyPair,
  options: CertificateOptions & { names: readonly string[] },
): Promise<KeyPair> {
  const x509 = await library();
  const issuer = new x509.X509Certificate(authority.certificate);
  const pem = x509.PemConverter.decodeFirst(authority.privateKey);
  const signingKey = await webcrypto.subtle.importKey("pkcs8", pem, ALGORITHM, false, ["sign"]);
  const keys = await generate();
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(options),
    subject: `CN=${options.commonName}`,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        options.names.map((value) => ({
          type: /^[\d.]+$|:/.test(value) ? ("ip" as const) : ("dns" as const),
          value,
        })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { certificate: certificate.toString("pem"), privateKey: await privateKeyPem(x509, keys) };
}
