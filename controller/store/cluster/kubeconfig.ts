/** Reads a kubeconfig: where the server is and how to prove who we are, as far as it is written down in files. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";

/** What one context of a kubeconfig says. */
export interface ClusterAccess {
  server: string;
  namespace: string;
  /** PEM. Left out: the system's authorities are trusted. */
  authority?: string;
  token?: string;
  /** Client certificate and key, PEM. */
  client?: { certificate: string; privateKey: string };
}

type Fields = Record<string, unknown>;

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function named(list: unknown, name: unknown, inner: string): Fields | undefined {
  if (!Array.isArray(list)) return undefined;
  const found = list.map(fields).find((item) => item["name"] === name);
  return found === undefined ? undefined : fields(found[inner]);
}

async function inlineOrFile(path: string, section: Fields, name: string): Promise<string | undefined> {
  const inline = section[`${name}-data`];
  if (typeof inline === "string") return Buffer.from(inline, "base64").toString("utf8");
  const file = section[name];
  return typeof file === "string" ? readFile(resolve(dirname(path), file), "utf8") : undefined;
}

/**
 * Reads the current context of a kubeconfig, or the one named.
 * @throws Error that names the file and what is missing; also for credentials that a program must fetch (`exec`)
 */
export async function readKubeconfig(path: string, context?: string): Promise<ClusterAccess> {
  const config = fields(parse(await readFile(path, "utf8")));
  const wanted = context ?? config["current-context"];
  const problem = (text: string): Error => new Error(`${path}: ${text}`);
  const chosen = named(config["contexts"], wanted, "context");
  if (chosen === undefined)
    throw problem(`there is no context ${JSON.stringify(wanted ?? "")}; name one that exists`);
  const cluster = named(config["clusters"], chosen["cluster"], "cluster");
  if (typeof cluster?.["server"] !== "string") {
    throw problem(`cluster ${JSON.stringify(chosen["cluster"] ?? "")} has no server`);
  }
  const user = named(config["users"], chosen["user"], "user") ?? {};
  if (user["exec"] !== undefined || user["auth-provider"] !== undefined) {
    throw problem(
      "credentials that a program fetches are not read here: use a token or a client certificate",
    );
  }
  const authority = await inlineOrFile(path, cluster, "certificate-authority");
  const certificate = await inlineOrFile(path, user, "client-certificate");
  const privateKey = await inlineOrFile(path, user, "client-key");
  const tokenFile = user["tokenFile"];
  const token =
    typeof user["token"] === "string"
      ? user["token"]
      : typeof tokenFile === "string"
        ? (await readFile(resolve(dirname(path), tokenFile), "utf8")).trim()
        : undefined;
  return {
    server: cluster["server"],
    namespace: typeof chosen["namespace"] === "string" ? chosen["namespace"] : "default",
    ...(authority === undefined ? {} : { authority }),
    ...(token === undefined ? {} : { token }),
    ...(certificate === undefined || privateKey === undefined ? {} : { client: { certificate, privateKey } }),
  };
}
