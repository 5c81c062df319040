/** A Kubernetes of its own on which manifests were applied as a person applies them. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kubeApi, type KubeApi } from "../../contract/kube-api.ts";
import { createKubectl, type Kubectl } from "../../kubectl/kubectl.ts";
import { clusterFetch } from "../../support/cluster.ts";
import { startKubernetes, type Kubernetes } from "./kubernetes.ts";
import { removeAfterwards } from "./program.ts";

/** The folder with base, components and overlays. */
export const manifests = join(import.meta.dirname, "../../../manifests");

export interface Installed {
  kubernetes: Kubernetes;
  /** As the cluster's administrator. */
  kubectl: Kubectl;
  /** The same, without kubectl in between. */
  api: KubeApi;
  /** What `kubectl apply -k` printed: a line for each object, and warnings. */
  applied: { out: string; err: string };
  stop(): Promise<void>;
}

/**
 * Starts a server and applies a folder.
 * @throws Error when the server does not start or kubectl fails
 */
export async function installManifests(options: {
  binaries: string;
  kubectl: string;
  /** Below `manifests/`. */
  folder: string;
}): Promise<Installed> {
  const kubernetes = await startKubernetes({ binaries: options.binaries });
  const home = await mkdtemp(join(tmpdir(), "kubectl-"));
  removeAfterwards(home);
  const { fetch, close } = clusterFetch(kubernetes.admin);
  const stop = async (): Promise<void> => {
    await close();
    await kubernetes.stop();
  };
  const kubectl = createKubectl({ command: options.kubectl, kubeconfig: kubernetes.kubeconfig, home });
  const { code, out, err } = await kubectl.run(["apply", "-k", join(manifests, options.folder)]);
  if (code !== 0) {
    await stop();
    throw new Error(`kubectl apply -k ${options.folder}: ${err}`);
  }
  return { kubernetes, kubectl, api: kubeApi(fetch, kubernetes.url), applied: { out, err }, stop };
}
