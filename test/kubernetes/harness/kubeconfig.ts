import { writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import type { ClusterAccess } from "../../../controller/store/cluster/access.ts";

const encoded = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : Buffer.from(text).toString("base64");

/** Writes what reaches a server as a kubeconfig, for clients that want a file. */
export async function writeKubeconfig(path: string, access: ClusterAccess): Promise<void> {
  const name = "test";
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name, cluster: { server: access.server, "certificate-authority-data": encoded(access.authority) } },
    ],
    users: [
      {
        name,
        user: {
          token: access.token,
          "client-certificate-data": encoded(access.client?.certificate),
          "client-key-data": encoded(access.client?.privateKey),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name, namespace: access.namespace } }],
    "current-context": name,
  };
  await writeFile(path, stringify(config), { mode: 0o600 });
}
