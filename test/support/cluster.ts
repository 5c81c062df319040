/** Reaching an API server from tests: through the product's client, or by plain fetch over the same access. */
import { fetch as undiciFetch } from "undici";
import { systemClock, systemRandom } from "../../controller/runtime/adapters/system.ts";
import type { Fetch } from "../../controller/runtime/clock.ts";
import type { ClusterAccess } from "../../controller/store/cluster/access.ts";
import { connectCluster } from "../../controller/store/cluster/connect.ts";
import type { ConnectedCluster } from "../../controller/store/cluster/connect.ts";
import { readKubeconfig } from "../../controller/store/cluster/kubeconfig.ts";
import { clusterDispatcher } from "../../controller/store/cluster/transport.ts";

/** The product's client for a kubeconfig. */
export async function clientOf(kubeconfig: string): Promise<ConnectedCluster> {
  return connectCluster(await readKubeconfig(kubeconfig), { clock: systemClock(), random: systemRandom() });
}

/** A fetch that trusts the cluster's authority and presents the client's certificate; a token is up to the caller. */
export function clusterFetch(access: ClusterAccess): { fetch: Fetch; close: () => Promise<void> } {
  const dispatcher = clusterDispatcher(access);
  const through = undiciFetch as unknown as (input: unknown, init: unknown) => Promise<Response>;
  return {
    fetch: (input, init) => through(input, { ...init, dispatcher }),
    close: () => dispatcher.destroy(),
  };
}
