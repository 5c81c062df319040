/** Reads kubeconfig files: where the server is and how to prove who we are. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, resolve } from "node:path";
import { parse } from "yaml";
import type { CertificateFiles, ClusterAccess, CredentialPlugin, Impersonation } from "./access.ts";

type Fields = Record<string, unknown>;

interface Section {
  fields: Fields;
  /** The file that says it: relative paths start there. */
  file: string;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

/** Several files read as one; the first that says something wins, as in kubectl. */
class Kubeconfig {
  readonly #files: readonly Section[];
  readonly #path: string;

  constructor(path: string, files: readonly Section[]) {
    this.#path = path;
    this.#files = files;
  }

  get currentContext(): string | undefined {
    return this.#files
      .map(({ fields }) => text(fields["current-context"]))
      .find((name) => name !== undefined);
  }

  named(
    list: "contexts" | "clusters" | "users",
    inner: string,
    name: string | undefined,
  ): Section | undefined {
    for (const { fields, file } of this.#files) {
      const items = Array.isArray(fields[list]) ? fields[list].map(fieldsOf) : [];
      const found = items.find((item) => item["name"] === name);
      if (found !== undefined) return { fields: fieldsOf(found[inner]), file };
    }
    return undefined;
  }

  names(list: "contexts"): string[] {
    return this.#files.flatMap(({ fields }) =>
      (Array.isArray(fields[list]) ? fields[list].map(fieldsOf) : []).flatMap(
        (item) => text(item["name"]) ?? [],
      ),
    );
  }

  problem(message: string, cause?: unknown): Error {
    return new Error(`${this.#path}: ${message}`, cause === undefined ? undefined : { cause });
  }

  /** The file that holds a value, unless the value itself is there. */
  fileOf({ fields, file }: Section, name: string): string | undefined {
    const path = text(fields[name]);
    return path === undefined || text(fields[`${name}-data`]) !== undefined
      ? undefined
      : resolve(dirname(file), path);
  }

  /** A value that stands in the file itself, in base64, or in a file that it names. */
  async inlineOrFile(section: Section, name: string): Promise<string | undefined> {
    const inline = text(section.fields[`${name}-data`]);
    if (inline !== undefined) return Buffer.from(inline, "base64").toString("utf8");
    const path = this.fileOf(section, name);
    if (path === undefined) return undefined;
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      throw this.problem(`${name} ${JSON.stringify(section.fields[name])} cannot be read`, error);
    }
  }
}

async function load(path: string): Promise<Kubeconfig> {
  const wanted = path.split(delimiter).filter((file) => file !== "");
  const several = wanted.length > 1;
  const files: Section[] = [];
  for (const file of wanted) {
    // Of several, some may not exist; one that is named alone must.
    if (several && !existsSync(file)) continue;
    try {
      files.push({ fields: fieldsOf(parse(await readFile(file, "utf8"))), file: resolve(file) });
    } catch (error) {
      const why = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
      throw new Error(`${file}: cannot be read as a kubeconfig: ${why}`, { cause: error });
    }
  }
  return new Kubeconfig(path, files);
}

/**
 * Reads a context.
 *
 * @param path of the file; several are separated as in PATH, and the first that says something wins
 * @param options.context default: the current one
 * @param options.allowPlugin let a program be started that prints the credentials, where the user's `exec` names one
 * @throws Error that names the file, what is missing or not supported, and the remedy
 * @see https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 */
export async function readKubeconfig(
  path: string,
  options: { context?: string | undefined; allowPlugin?: boolean | undefined } = {},
): Promise<ClusterAccess> {
  const config = await load(path);
  const wanted = options.context ?? config.currentContext;
  const chosen = config.named("contexts", "context", wanted);
  if (chosen === undefined) {
    const known = config.names("contexts");
    const remedy = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
    throw config.problem(
      wanted === undefined
        ? `it has no current-context: name one (${remedy})`
        : `there is no context ${JSON.stringify(wanted)}: ${remedy}`,
    );
  }
  const clusterName = text(chosen.fields["cluster"]);
  const userName = text(chosen.fields["user"]);
  const cluster = config.named("clusters", "cluster", clusterName);
  const server = text(cluster?.fields["server"]);
  if (cluster === undefined || server === undefined)
    throw config.problem(`cluster ${JSON.stringify(clusterName ?? "")} has no server`);
  const user = config.named("users", "user", userName);
  if (user === undefined && userName !== undefined)
    throw config.problem(`there is no user ${JSON.stringify(userName)}`);
  const namespace = text(chosen.fields["namespace"]) ?? "default";
  const files = certificateFiles(config, cluster, user);
  const access = {
    server,
    namespace,
    ...(await clusterPart(config, cluster)),
    ...(Object.keys(files).length === 0 ? {} : { files }),
  };
  if (user === undefined) return access;
  return { ...access, ...(await userPart(config, user, { ...options, cluster: cluster.fields })) };
}

function certificateFiles(config: Kubeconfig, cluster: Section, user: Section | undefined): CertificateFiles {
  const authority = config.fileOf(cluster, "certificate-authority");
  const certificate = user && config.fileOf(user, "client-certificate");
  const privateKey = user && config.fileOf(user, "client-key");
  return {
    ...(authority === undefined ? {} : { authority }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(privateKey === undefined ? {} : { privateKey }),
  };
}

async function clusterPart(config: Kubeconfig, cluster: Section): Promise<Partial<ClusterAccess>> {
  const authority = await config.inlineOrFile(cluster, "certificate-authority");
  const skip = cluster.fields["insecure-skip-tls-verify"] === true;
  if (skip && authority !== undefined)
    throw config.problem("a cluster cannot have both certificate-authority and insecure-skip-tls-verify");
  const serverName = text(cluster.fields["tls-server-name"]);
  const proxy = text(cluster.fields["proxy-url"]);
  if (proxy !== undefined && !/^https?:\/\//.test(proxy))
    throw config.problem(`proxy-url ${JSON.stringify(proxy)} is not supported: name an http or https proxy`);
  return {
    ...(authority === undefined ? {} : { authority }),
    ...(skip ? { skipVerification: true as const } : {}),
    ...(serverName === undefined ? {} : { serverName }),
    ...(proxy === undefined ? {} : { proxy }),
  };
}

async function userPart(
  config: Kubeconfig,
  user: Section,
  options: { allowPlugin?: boolean | undefined; cluster: Fields },
): Promise<Partial<ClusterAccess>> {
  const { fields, file } = user;
  if (fields["auth-provider"] !== undefined)
    throw config.problem(
      "auth-provider is no longer part of Kubernetes: use exec, a token or a client certificate",
    );
  if (fields["username"] !== undefined || fields["password"] !== undefined)
    throw config.problem(
      "API servers take no passwords since Kubernetes 1.19: use a token or a client certificate",
    );
  const certificate = await config.inlineOrFile(user, "client-certificate");
  const privateKey = await config.inlineOrFile(user, "client-key");
  if ((certificate === undefined) !== (privateKey === undefined))
    throw config.problem("client-certificate and client-key belong together: one of them is missing");
  const token = text(fields["token"]);
  const tokenFile = text(fields["tokenFile"]);
  const plugin = fields["exec"] === undefined ? undefined : pluginOf(config, user, options);
  const impersonate = impersonationOf(config, fields);
  return {
    ...(certificate === undefined || privateKey === undefined ? {} : { client: { certificate, privateKey } }),
    // The file wins, because it is the one that is renewed.
    ...(tokenFile === undefined ? {} : { tokenFile: resolve(dirname(file), tokenFile) }),
    ...(token === undefined || tokenFile !== undefined ? {} : { token }),
    ...(plugin === undefined ? {} : { plugin }),
    ...(impersonate === undefined ? {} : { impersonate }),
  };
}

function pluginOf(
  config: Kubeconfig,
  { fields, file }: Section,
  options: { allowPlugin?: boolean | undefined; cluster: Fields },
): CredentialPlugin {
  const exec = fieldsOf(fields["exec"]);
  const command = text(exec["command"]);
  if (command === undefined) throw config.problem("exec names no command");
  if (options.allowPlugin !== true) {
    throw config.problem(
      `its credentials come from the program ${JSON.stringify(command)}, and programs are not started unasked: allow it with --allow-credential-plugin, or use a token or a client certificate`,
    );
  }
  const apiVersion = text(exec["apiVersion"]) ?? "";
  if (!/^client\.authentication\.k8s\.io\/v1(beta1)?$/.test(apiVersion))
    throw config.problem(`exec has apiVersion ${JSON.stringify(apiVersion)}: v1 and v1beta1 are supported`);
  if (exec["interactiveMode"] === "Always")
    throw config.problem("exec asks a person (interactiveMode: Always), and nobody is there to answer");
  const env = (Array.isArray(exec["env"]) ? exec["env"].map(fieldsOf) : []).flatMap((entry) => {
    const name = text(entry["name"]);
    return name === undefined ? [] : [[name, text(entry["value"]) ?? ""] as const];
  });
  const installHint = text(exec["installHint"]);
  const relative = command.includes("/") && !isAbsolute(command);
  return {
    command: relative ? resolve(dirname(file), command) : command,
    args: texts(exec["args"]),
    env: Object.fromEntries(env),
    apiVersion,
    ...(installHint === undefined ? {} : { installHint }),
    ...(exec["provideClusterInfo"] === true ? { cluster: options.cluster } : {}),
  };
}

function impersonationOf(config: Kubeconfig, fields: Fields): Impersonation | undefined {
  const user = text(fields["as"]);
  const uid = text(fields["as-uid"]);
  const groups = texts(fields["as-groups"]);
  const extra = Object.entries(fieldsOf(fields["as-user-extra"])).map(([name, values]) => [
    name,
    texts(values),
  ]);
  if (user === undefined) {
    if (uid !== undefined || groups.length > 0 || extra.length > 0)
      throw config.problem("as-uid, as-groups and as-user-extra need as: the user to act as");
    return undefined;
  }
  return {
    user,
    ...(uid === undefined ? {} : { uid }),
    groups,
    extra: Object.fromEntries(extra) as Record<string, string[]>,
  };
}
