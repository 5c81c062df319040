/** The contract against a real kube-apiserver (with kube-controller-manager), where FLARESMITH_KUBE_APISERVER names a kubeconfig. */
import { describe, test } from "vitest";
import { describeContract } from "./contract.ts";
import { openKubeApi } from "./kube-api.ts";
import { createKubeClient } from "./kube-client.ts";
import { widgetCrd } from "./widget.ts";

const kubeconfig = process.env["FLARESMITH_KUBE_APISERVER"];

if (kubeconfig === undefined) {
  describe("ResourceClient contract: kube-apiserver", () => {
    test.skip("set FLARESMITH_KUBE_APISERVER to the kubeconfig of one", () => {});
  });
} else {
  describeContract("kube-apiserver", async () => {
    await openKubeApi(kubeconfig)(
      "POST",
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
      JSON.stringify(widgetCrd),
    );
    return { client: createKubeClient(kubeconfig), close: () => Promise.resolve() };
  });
}
