/** The same steps with stock kubectl against a real kube-apiserver. */
import { inject } from "vitest";
import { readKubeconfig } from "../../controller/store/cluster/kubeconfig.ts";
import { connectCluster } from "../../controller/store/cluster/transport.ts";
import { describeKubectl } from "../kubectl/suite.ts";

describeKubectl("kube-apiserver", inject("kubectl"), async () => {
  const kubeconfig = inject("kubeconfig");
  return { kubeconfig, ...connectCluster(await readKubeconfig(kubeconfig)) };
});
