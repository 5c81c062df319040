/** One Kubernetes for every test file that does not need one of its own; or the one that is named from outside. */
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { readKubeconfig } from "../../controller/store/cluster/kubeconfig.ts";
import { clusterFetch } from "../support/cluster.ts";
import { kinds, crdOf } from "../../crds/index.ts";
import { kubeApi } from "../contract/kube-api.ts";
import { widgetCrd } from "../contract/widget.ts";
import { installDefinition } from "./harness/definitions.ts";
import { startKubernetes } from "./harness/kubernetes.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Kubeconfig of an administrator of the shared server, on which our kinds and the widget are installed. */
    kubeconfig: string;
    /** Folder of the programs, for tests that start a server of their own; undefined where only a cluster was named. */
    binaries: string | undefined;
    /** The kubectl that is typed at. */
    kubectl: string;
  }
}

/** Called by vitest before any test; what it returns, after all of them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const named = process.env["FLARESMITH_TEST_KUBECONFIG"];
  const binaries = process.env["FLARESMITH_KUBERNETES"];
  if (named === undefined && binaries === undefined) {
    throw new Error(
      "set FLARESMITH_KUBERNETES to the folder that test/kubernetes/build.sh prints, or FLARESMITH_TEST_KUBECONFIG to the kubeconfig of a cluster that may be written to",
    );
  }
  const own = named === undefined ? await startKubernetes({ binaries: binaries ?? "" }) : undefined;
  try {
    const kubeconfig = own?.kubeconfig ?? named ?? "";
    const access = await readKubeconfig(kubeconfig);
    const { fetch, close } = clusterFetch(access);
    const api = kubeApi(fetch, access.server);
    const { body } = await api("GET", "/version");
    process.stdout.write(`kube-apiserver ${String(body["gitVersion"])} at ${access.server}\n`);
    for (const definition of [...kinds.map(crdOf), widgetCrd]) await installDefinition(api, definition);
    await close();
    project.provide("kubeconfig", kubeconfig);
    project.provide("binaries", binaries);
    project.provide("kubectl", process.env["FLARESMITH_KUBECTL"] ?? join(binaries ?? "", "kubectl"));
  } catch (error) {
    await own?.stop();
    throw error;
  }
  return async () => own?.stop();
}
