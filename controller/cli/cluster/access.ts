/** Which cluster, and as whom: what was named, what the environment names, the pod's own, or the person's. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { errorText } from "../../runtime/errors.ts";
import type { ClusterAccess } from "../../store/cluster/access.ts";
import { isInCluster, readInClusterAccess } from "../../store/cluster/in-cluster.ts";
import { readKubeconfig } from "../../store/cluster/kubeconfig.ts";
import { CommandError, exitCodes } from "../failure.ts";
import type { ControllerOptions } from "./options.ts";

export interface FoundAccess {
  access: ClusterAccess;
  /** The service account of the pod that this process runs in. */
  inCluster: boolean;
}

/**
 * Looks in the order of controller-runtime: `--kubeconfig`, `KUBECONFIG`, the pod's service account, `~/.kube/config`.
 * @throws CommandError when nothing is found or what is found cannot be used
 */
export async function findAccess(
  options: Pick<ControllerOptions, "allowCredentialPlugin" | "context" | "kubeconfig">,
  env: Readonly<Record<string, string | undefined>>,
): Promise<FoundAccess> {
  const { allowCredentialPlugin, context, kubeconfig } = options;
  const named = kubeconfig ?? (env["KUBECONFIG"] === "" ? undefined : env["KUBECONFIG"]);
  try {
    if (named === undefined && isInCluster(env)) {
      if (context !== undefined) {
        throw new CommandError(
          "--context names a context of a kubeconfig, and none is used inside of a cluster",
          {
            hint: "Leave --context out, or name the file with --kubeconfig.",
            exitCode: exitCodes.usage,
          },
        );
      }
      return { access: await readInClusterAccess(env), inCluster: true };
    }
    const path = named ?? join(env["HOME"] ?? "", ".kube", "config");
    if (named === undefined && !existsSync(path)) {
      throw new CommandError(
        "there is no cluster: this process runs in no pod, and no kubeconfig was found",
        {
          hint: "Name one with --kubeconfig or KUBECONFIG. Without a cluster, flaresmith up is all it takes.",
        },
      );
    }
    const access = await readKubeconfig(path, { context, allowPlugin: allowCredentialPlugin });
    return { access, inCluster: false };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(errorText(error), { cause: error });
  }
}
