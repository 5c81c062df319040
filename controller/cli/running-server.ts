/** The API of a `flaresmith up` that runs on a data directory, or any other that a kubeconfig names. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { errorText } from "../runtime/errors.ts";
import type { KubernetesObject, ResourceClient, ResourceType } from "../store/resource-client.ts";
import { ApiError } from "../store/resource-client.ts";
import { readKubeconfig } from "../store/cluster/kubeconfig.ts";
import { connectCluster } from "../store/cluster/transport.ts";
import { CommandError } from "./failure.ts";

export interface ServerOptions {
  dataDir: string;
  /** Default: the one of the data directory. */
  kubeconfig?: string | undefined;
}

export interface RunningServer {
  client: ResourceClient;
  /** Namespace of the kubeconfig's context. */
  namespace: string;
  kubeconfig: string;
  close(): Promise<void>;
}

function pathOf({ dataDir, kubeconfig }: ServerOptions): string {
  return resolve(kubeconfig ?? join(dataDir, "kubeconfig"));
}

/** Whether an error says that nobody listens, or that the server is another one now. */
function isUnreachable(error: unknown): boolean {
  return !(error instanceof ApiError) && !(error instanceof CommandError);
}

/**
 * Runs an action against the server.
 * @throws CommandError when there is no kubeconfig, or nobody answers where it points; what the action throws
 */
export async function withServer<Result>(
  options: ServerOptions,
  action: (server: RunningServer) => Promise<Result>,
): Promise<Result> {
  const kubeconfig = pathOf(options);
  if (!existsSync(kubeconfig)) {
    throw new CommandError(`no server was ever started here: ${kubeconfig} does not exist`, {
      hint: "Start one with flaresmith up, or name another with --data-dir or --kubeconfig.",
    });
  }
  let access: Awaited<ReturnType<typeof readKubeconfig>>;
  try {
    access = await readKubeconfig(kubeconfig);
  } catch (error) {
    throw new CommandError(errorText(error), { hint: "Name a working one with --kubeconfig.", cause: error });
  }
  const { client, close } = connectCluster(access);
  try {
    return await action({ client, kubeconfig, namespace: access.namespace, close });
  } catch (error) {
    if (!isUnreachable(error) || !isNetworkError(error)) throw error;
    throw new CommandError(`nothing answers at ${access.server}, where ${kubeconfig} points`, {
      hint: "Start it with flaresmith up; if it runs on another data directory, name that with --data-dir.",
      cause: error,
    });
  } finally {
    await close();
  }
}

function isNetworkError(error: unknown): boolean {
  return error instanceof TypeError && error.message === "fetch failed";
}

/** Whether a server answers. */
export async function isServerRunning(options: ServerOptions): Promise<boolean> {
  if (!existsSync(pathOf(options))) return false;
  try {
    const type: ResourceType = {
      group: "",
      version: "v1",
      kind: "Namespace",
      plural: "namespaces",
      namespaced: false,
    };
    await withServer(options, ({ client }) => client.get(type, { name: "default" }));
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}

/** All objects of a type in a namespace (left out: in all), by namespace and name. */
export async function listAll<T extends KubernetesObject>(
  client: ResourceClient,
  type: ResourceType,
  namespace?: string,
): Promise<T[]> {
  const items: T[] = [];
  let token: string | undefined;
  do {
    const page = await client.list<T>(type, {
      limit: 500,
      ...(namespace === undefined ? {} : { namespace }),
      ...(token === undefined ? {} : { continue: token }),
    });
    items.push(...page.items);
    token = page.continue;
  } while (token !== undefined && token !== "");
  return items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

const keyOf = ({ metadata }: KubernetesObject): string => `${metadata.namespace ?? ""}/${metadata.name}`;
