/** HTTPS on the loopback interface, with an authority of its own that clients are told to trust. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority, createServerCertificate } from "../../controller/runtime/adapters/certificates.ts";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface HttpsServer {
  /** `https://127.0.0.1:port` */
  readonly origin: string;
  readonly port: number;
  /** PEM file of the authority. */
  readonly authorityFile: string;
  close(): Promise<void>;
}

const DAY = 86_400_000;

/** Certificates are made with every start and hold for the years around the date of the tests. */
export async function httpsServer(handler: Handler): Promise<HttpsServer> {
  const now = 1_767_225_600_000;
  const validity = { notBefore: now - 400 * DAY, notAfter: now + 4000 * DAY };
  const authority = await createAuthority({ commonName: "Test authority", serial: "01", ...validity });
  const leaf = await createServerCertificate(authority, {
    commonName: "127.0.0.1",
    names: ["127.0.0.1", "localhost"],
    serial: "02",
    ...validity,
  });
  const directory = await mkdtemp(join(tmpdir(), "https-server-"));
  const authorityFile = join(directory, "ca.pem");
  await writeFile(authorityFile, authority.certificate);
  const server = createServer({ cert: leaf.certificate, key: leaf.privateKey }, handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `https://127.0.0.1:${port}`,
    port,
    authorityFile,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true });
    },
  };
}

/** Answers with git's own HTTP backend over the repositories below a directory. */
export function serveGit(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "https://127.0.0.1");
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    },
  });
  request.pipe(backend.stdin);
  const chunks: Buffer[] = [];
  backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  backend.on("close", () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf("\r\n\r\n");
    for (const line of all.subarray(0, end).toString().split("\r\n")) {
      const colon = line.indexOf(":");
      const value = line.slice(colon + 1).trim();
      if (line.startsWith("Status")) response.statusCode = Number(value.slice(0, 3));
      else response.setHeader(line.slice(0, colon), value);
    }
    response.end(all.subarray(end + 4));
  });
}
