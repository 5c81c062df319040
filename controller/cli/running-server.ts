/** The API of a `flaresmith up` that runs on a data directory, or any other that a kubeconfig names. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { KUBECONFIG_NAME } from "../apiserver/kubeconfig.ts";
import { errorText } from "../runtime/errors.ts";
import type { KubernetesObject, ResourceClient, ResourceType } from "../store/resource-client.ts";
import type { Clock, Random } from "../runtime/clock.ts";
import type { ClusterAccess } from "../store/cluster/access.ts";
import { ApiUnreachableError } from "../store/cluster/api-error.ts";
import { connectCluster } from "../store/cluster/connect.ts";
import { readKubeconfig } from "../store/cluster/kubeconfig.ts";
import { CommandError } from "./failure.ts";

export interface ServerOptions {
  dataDir: string;
  /** Default: the one of the data directory. */
  kubeconfig?: string | undefined;
  /** Default: the current one of `kubeconfig`; in the data directory's file the one of its own server. */
  context?: string | undefined;
  /** Start the program that the kubeconfig names for its credentials. */
  allowCredentialPlugin?: boolean | undefined;
}

/** What talking to a server needs of the outside world. */
interface Outside {
  clock: Clock;
  random: Random;
  env: Readonly<Record<string, string | undefined>>;
}

export interface RunningServer {
  client: ResourceClient;
  /** Namespace of the kubeconfig's context. */
  namespace: string;
  kubeconfig: string;
  /** Of its API. */
  url: string;
  /** The body of a GET for what is no resource. @throws ApiError what the server said */
  open(path: string): Promise<AsyncIterable<Uint8Array>>;
}

/** Nobody is there to be asked: nothing was started, or what was started does not answer. */
class NoServerError extends CommandError {}

function pathOf({ dataDir, kubeconfig }: ServerOptions): string {
  return resolve(kubeconfig ?? join(dataDir, "kubeconfig"));
}

/**
 * Runs an action against the server.
 * @throws CommandError when there is no kubeconfig, or nobody answers where it points; what the action throws
 */
export async function withServer<Result>(
  options: ServerOptions,
  { clock, env, random }: Outside,
  action: (server: RunningServer) => Promise<Result>,
): Promise<Result> {
  const kubeconfig = pathOf(options);
  if (!existsSync(kubeconfig)) {
    throw new NoServerError(`no server was ever started here: ${kubeconfig} does not exist`, {
      hint: "Start one with flaresmith up, or name another with --data-dir or --kubeconfig.",
    });
  }
  let access: ClusterAccess;
  try {
    const { allowCredentialPlugin } = options;
    // People keep other clusters in that file too, and may have chosen one of them.
    const context = options.context ?? (options.kubeconfig === undefined ? KUBECONFIG_NAME : undefined);
    access = await readKubeconfig(kubeconfig, { context, allowPlugin: allowCredentialPlugin });
  } catch (error) {
    throw new CommandError(errorText(error), { hint: "Name a working one with --kubeconfig.", cause: error });
  }
  const { client, close, open } = connectCluster(access, { clock, random, environment: env });
  try {
    return await action({ client, kubeconfig, url: access.server, namespace: access.namespace, open });
  } catch (error) {
    if (!(error instanceof ApiUnreachableError)) throw error;
    throw new NoServerError(`nothing answers at ${access.server}, where ${kubeconfig} points`, {
      hint: "Start it with flaresmith up; if it runs on another data directory, name that with --data-dir.",
      cause: error,
    });
  } finally {
    await close();
  }
}

/** Whether a server answers. @throws CommandError when it cannot be told, because the kubeconfig is not one */
export async function isServerRunning(options: ServerOptions, outside: Outside): Promise<boolean> {
  if (!existsSync(pathOf(options))) return false;
  try {
    const type: ResourceType = {
      group: "",
      version: "v1",
      kind: "Namespace",
      plural: "namespaces",
      namespaced: false,
    };
    await withServer(options, outside, ({ client }) => client.get(type, { name: "default" }));
    return true;
  } catch (error) {
    if (error instanceof NoServerError) return false;
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
