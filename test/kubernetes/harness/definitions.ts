import type { KubeApi } from "../../contract/kube-api.ts";

/** As much of a CustomResourceDefinition as it takes to install it. */
interface Definition {
  metadata: { name: string };
  spec: { group: string; names: { plural: string }; versions: readonly { name: string }[] };
}

const POLL_MILLISECONDS = 50;
const MANAGER = "test";

/**
 * Installs or replaces a CustomResourceDefinition and waits until its objects are served.
 * @throws Error when the server refuses it or warns about it
 */
export async function installDefinition(api: KubeApi, definition: Definition): Promise<void> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition.metadata.name}`;
  const { code, body, warnings } = await api(
    "PATCH",
    `${path}?fieldManager=${MANAGER}&force=true`,
    JSON.stringify(definition),
    "application/apply-patch+yaml",
  );
  if (code >= 300 || warnings !== "")
    throw new Error(`${definition.metadata.name}: ${code} ${String(body["message"])} ${warnings}`);
  const { group, names, versions } = definition.spec;
  const collection = `/apis/${group}/${versions[0]?.name ?? ""}/${names.plural}?limit=1`;
  for (let left = 600; ; left -= 1) {
    const answer = await api("GET", collection).catch(() => undefined);
    if (answer?.code === 200) return;
    if (left === 0) throw new Error(`${definition.metadata.name} was accepted and is not served`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}
