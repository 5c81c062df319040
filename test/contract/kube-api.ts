/** The plainest possible client of a real kube-apiserver, so that what is recorded is its answer and nobody else's. */
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { parse } from "yaml";

export interface RawAnswer {
  code: number;
  body: Record<string, unknown>;
  warnings: string[];
}

export type KubeApi = (method: string, path: string, body?: string, contentType?: string) => Promise<RawAnswer>;

interface Kubeconfig {
  clusters: { cluster: { server: string } }[];
  users: { user: Record<string, string> }[];
}

/** Opens a server by a kubeconfig with one cluster and one user with an embedded client certificate. */
export function openKubeApi(kubeconfig: string): KubeApi {
  const config = parse(readFileSync(kubeconfig, "utf8")) as Kubeconfig;
  const server = config.clusters[0]?.cluster.server ?? "";
  const user = config.users[0]?.user ?? {};
  const [cert, key] = ["client-certificate-data", "client-key-data"].map((field) => Buffer.from(user[field] ?? "", "base64"));
  return (method, path, body, contentType = "application/json") =>
    new Promise((resolve, reject) => {
      // A test server's own certificate; nothing secret is sent.
      const options = { method, cert, key, rejectUnauthorized: false, headers: { "content-type": contentType, "content-length": Buffer.byteLength(body ?? "") } };
      const sent = request(new URL(path, server), options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const warnings = (response.headersDistinct["warning"] ?? []).flat();
          resolve({ code: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown>, warnings });
        });
      });
      sent.on("error", reject);
      if (body !== undefined) sent.write(body);
      sent.end();
    });
}
