/** Credentials that come with the process: they become Secrets that live in memory only. */
import type { EmbeddedStore } from "../../store/embedded/index.ts";
import type { KubernetesObject } from "../../store/resource-client.ts";
import { isApiError } from "../../store/resource-client.ts";
import { CommandError } from "../failure.ts";
import { secretType } from "../types.ts";

/** One Secret that is never written anywhere. */
export interface EphemeralSecret {
  name: string;
  data: Readonly<Record<string, string>>;
  /** Where the values come from, for messages. */
  origin: string;
}

const variables = [
  { variable: "GITHUB_TOKEN", name: "env-github", key: "token" },
  { variable: "NEON_API_KEY", name: "env-neon", key: "apiKey" },
  { variable: "CLOUDFLARE_API_TOKEN", name: "env-cloudflare", key: "apiToken" },
] as const;

/** `GITHUB_TOKEN`, `NEON_API_KEY`, `CLOUDFLARE_API_TOKEN` as Secrets `env-github`, `env-neon`, `env-cloudflare`. */
export function environmentSecrets(env: Readonly<Record<string, string | undefined>>): EphemeralSecret[] {
  return variables.flatMap(({ variable, name, key }) => {
    const value = env[variable]?.trim();
    return value === undefined || value === "" ? [] : [{ name, data: { [key]: value }, origin: variable }];
  });
}

/** @throws CommandError when a stored Secret has the name already: one of the two would silently win */
export async function putSecrets(
  store: EmbeddedStore,
  secrets: readonly EphemeralSecret[],
  namespace = "default",
): Promise<void> {
  for (const { name, data, origin } of secrets) {
    const encoded = Object.entries(data).map(([key, value]) => [
      key,
      Buffer.from(value, "utf8").toString("base64"),
    ]);
    try {
      await store.putEphemeral<KubernetesObject>(secretType, {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name, namespace },
        type: "Opaque",
        data: Object.fromEntries(encoded) as Record<string, string>,
      });
    } catch (error) {
      if (!isApiError(error, "AlreadyExists")) throw error;
      throw new CommandError(
        `Secret ${name} in namespace ${namespace} is stored already, and ${origin} would stand for it too`,
        {
          hint: `Delete the Secret, or start without ${origin}.`,
          cause: error,
        },
      );
    }
  }
}
