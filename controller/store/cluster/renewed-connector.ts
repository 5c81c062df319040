/** Connections whose certificates lie in files that somebody rewrites, as the kubelet does when an authority is rotated. */
import { readFile } from "node:fs/promises";
import { buildConnector } from "undici";
import type { CertificateFiles } from "./access.ts";

/** PEMs, as `node:tls` names them. */
export interface Certificates {
  ca?: string;
  cert?: string;
  key?: string;
}

/**
 * Reads the files again for each connection: those are few, because they are kept. While a file cannot be read, what was
 * read last is used.
 *
 * @param options what does not change about a connection
 * @param first what the files said when the access was read
 */
export function renewedConnector(
  files: CertificateFiles,
  options: buildConnector.BuildOptions,
  first: Certificates,
): buildConnector.connector {
  let known = first;
  let connector = buildConnector({ ...options, ...known });
  const current = async (): Promise<buildConnector.connector> => {
    const [ca, cert, key] = await Promise.all([
      readAgain(files.authority, known.ca),
      readAgain(files.certificate, known.cert),
      readAgain(files.privateKey, known.key),
    ]);
    // One that is built anew has no TLS sessions to resume.
    if (ca !== known.ca || cert !== known.cert || key !== known.key) {
      known = { ...known, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
      connector = buildConnector({ ...options, ...known });
    }
    return connector;
  };
  const connect = async (...[target, callback]: Parameters<buildConnector.connector>): Promise<void> => {
    try {
      (await current())(target, callback);
    } catch (error) {
      // What is half written is no PEM.
      callback(error instanceof Error ? error : new Error(String(error)), null);
    }
  };
  return (target, callback) => void connect(target, callback);
}

async function readAgain(path: string | undefined, known: string | undefined): Promise<string | undefined> {
  if (path === undefined) return known;
  try {
    return await readFile(path, "utf8");
  } catch {
    return known;
  }
}
