/** The kubeconfig file of a data directory, which kubectl and other programs write to as well. */
import { chmod, rename } from "node:fs/promises";
import { kubeconfigText, mergeKubeconfig, type KubeconfigAccess } from "./kubeconfig.ts";
import { readIfThere, writePrivate } from "./private-file.ts";

/**
 * Sees to it that a kubeconfig, mode 0600, leads to the server; what others put there stays.
 * @returns where a file went that is no kubeconfig: beside it, with `.old` behind its name
 */
export async function keepKubeconfig(path: string, access: KubeconfigAccess): Promise<string | undefined> {
  const text = await readIfThere(path);
  const merged = text === undefined ? undefined : mergeKubeconfig(text, access);
  if (merged !== undefined && merged === text) {
    await chmod(path, 0o600);
    return undefined;
  }
  const aside = text !== undefined && merged === undefined ? `${path}.old` : undefined;
  if (aside !== undefined) {
    await chmod(path, 0o600);
    await rename(path, aside);
  }
  await writePrivate(path, merged ?? kubeconfigText(access));
  return aside;
}
