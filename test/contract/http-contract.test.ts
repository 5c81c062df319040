import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveApi } from "../../controller/apiserver/serve-api.ts";
import { systemClock, systemRandom } from "../../controller/runtime/adapters/system.ts";
import { readKubeconfig } from "../../controller/store/cluster/kubeconfig.ts";
import { connectCluster } from "../../controller/store/cluster/transport.ts";
import { builtinTypes, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import { describeContract, type ContractTarget } from "./contract.ts";
import { widgetDefinition } from "./widget.ts";

async function overHttp(): Promise<ContractTarget> {
  const directory = await mkdtemp(join(tmpdir(), "flaresmith-api-"));
  const clock = systemClock();
  const random = systemRandom();
  const store = await openEmbeddedStore({
    path: ":memory:",
    clock,
    random,
    types: [...builtinTypes, widgetDefinition],
  });
  const api = await serveApi({ directory, store, clock, random });
  const cluster = connectCluster(await readKubeconfig(api.kubeconfig));
  return {
    client: cluster.client,
    async close() {
      await cluster.close();
      await api.close();
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
}

describeContract("cluster client over the HTTP API", overHttp);

// A real server that may be written to, with the Widget CustomResourceDefinition of widget.ts.
const kubeconfig = process.env["FLARESMITH_KUBE_APISERVER"];
if (kubeconfig !== undefined) {
  describeContract("cluster client over a kube-apiserver", async () =>
    connectCluster(await readKubeconfig(kubeconfig)),
  );
}
