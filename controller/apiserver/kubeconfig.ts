/** The kubeconfig that `flaresmith up` writes, so that stock kubectl works at once. */
import { stringify } from "yaml";

/**
 * @param options.server URL of the API
 * @param options.authority PEM of the certificate authority, put inline
 * @returns YAML with one cluster, user and context named `flaresmith`, in namespace `default`
 */
export function kubeconfigText(options: { server: string; authority: string; token: string }): string {
  const name = "flaresmith";
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name,
        cluster: {
          server: options.server,
          "certificate-authority-data": Buffer.from(options.authority).toString("base64"),
        },
      },
    ],
    users: [{ name, user: { token: options.token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: "default" } }],
    "current-context": name,
  });
}
