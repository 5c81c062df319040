/** The plainest possible client of a real kube-apiserver, so that what is recorded is its answer and nobody else's. */
import { readFileSync } from "node:fs";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { createInterface } from "node:readline";
import { parse } from "yaml";

interface RawAnswer {
  code: number;
  body: Record<string, unknown>;
  warnings: string[];
}

export type KubeApi = (
  method: string,
  path: string,
  body?: string,
  contentType?: string,
) => Promise<RawAnswer>;

interface Kubeconfig {
  clusters: { cluster: { server: string } }[];
  users: { user: Record<string, string> }[];
}

function readKubeconfig(kubeconfig: string): { server: string; cert: Buffer; key: Buffer } {
  const config = parse(readFileSync(kubeconfig, "utf8")) as Kubeconfig;
  const server = config.clusters[0]?.cluster.server ?? "";
  const user = config.users[0]?.user ?? {};
  const decode = (field: string): Buffer => Buffer.from(user[field] ?? "", "base64");
  return { server, cert: decode("client-certificate-data"), key: decode("client-key-data") };
}

/** Opens a server by a kubeconfig with one cluster and one user with an embedded client certificate. */
export function openKubeApi(kubeconfig: string): KubeApi {
  const { server, cert, key } = readKubeconfig(kubeconfig);
  return (method, path, body, contentType = "application/json") =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": contentType, "content-length": Buffer.byteLength(body ?? "") };
      // A test server's own certificate; nothing secret is sent.
      const sent = request(
        new URL(path, server),
        { method, cert, key, rejectUnauthorized: false, headers },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            const warnings = (response.headersDistinct["warning"] ?? []).flat();
            resolve({
              code: response.statusCode ?? 0,
              body: JSON.parse(text) as Record<string, unknown>,
              warnings,
            });
          });
        },
      );
      sent.on("error", reject);
      if (body !== undefined) sent.write(body);
      sent.end();
    });
}

/** The lines of a watch, until it is aborted. */
export async function* watchLines(
  kubeconfig: string,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { server, cert, key } = readKubeconfig(kubeconfig);
  const sent = request(new URL(path, server), { cert, key, rejectUnauthorized: false, signal });
  const answered = once(sent, "response") as Promise<[IncomingMessage]>;
  sent.end();
  try {
    const [response] = await answered;
    yield* createInterface({ input: response });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
