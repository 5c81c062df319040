/** The same steps with stock kubectl against a real kube-apiserver. */
import { inject } from "vitest";
import { clientOf } from "../support/cluster.ts";
import { describeKubectl } from "../kubectl/suite.ts";

describeKubectl("kube-apiserver", inject("kubectl"), async () => {
  const kubeconfig = inject("kubeconfig");
  return { kubeconfig, ...(await clientOf(kubeconfig)) };
});
