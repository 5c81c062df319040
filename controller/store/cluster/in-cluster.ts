/** What a pod finds about its own cluster. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClusterAccess } from "./access.ts";

/** Where the kubelet puts the service account's token, the cluster's authority and the pod's namespace. */
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether the process runs in a pod: the kubelet tells every container where the API server is. */
export function isInCluster(env: Environment): boolean {
  return (env["KUBERNETES_SERVICE_HOST"] ?? "") !== "" && (env["KUBERNETES_SERVICE_PORT"] ?? "") !== "";
}

/**
 * Reads the pod's access.
 * @param directory of the service account. Default: the kubelet's
 * @throws Error when the pod has no service account token mounted, or the process runs in no pod
 * @see https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 */
export async function readInClusterAccess(
  env: Environment,
  directory: string = SERVICE_ACCOUNT,
): Promise<ClusterAccess> {
  const host = env["KUBERNETES_SERVICE_HOST"] ?? "";
  if (!isInCluster(env)) throw new Error("this process runs in no pod: KUBERNETES_SERVICE_HOST is not set");
  const tokenFile = join(directory, "token");
  const read = async (name: string): Promise<string> => {
    try {
      return await readFile(join(directory, name), "utf8");
    } catch (error) {
      throw new Error(
        `${join(directory, name)} cannot be read: mount the service account's token into the pod (automountServiceAccountToken)`,
        { cause: error },
      );
    }
  };
  await read("token");
  const authority = await read("ca.crt");
  const namespace = (await read("namespace")).trim();
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${env["KUBERNETES_SERVICE_PORT"] ?? ""}`,
    namespace,
    authority,
    files: { authority: join(directory, "ca.crt") },
    tokenFile,
  };
}
