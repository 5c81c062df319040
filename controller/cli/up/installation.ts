/** Who this installation is: its id in every marker, and its key for keyed hashes. Both are made once and kept. */
import type { Random } from "../../runtime/clock.ts";
import type { KubernetesObject, ResourceClient, ResourceType } from "../../store/resource-client.ts";
import { isApiError } from "../../store/resource-client.ts";
import { CommandError } from "../failure.ts";
import { configMapType, namespaceType, secretType } from "../types.ts";

/** Namespace of what the controller keeps for itself. */
const SYSTEM_NAMESPACE = "flaresmith-system";
const INSTALLATION = "flaresmith-installation";
const HASH_KEY = "flaresmith-hash-key";
const MANAGER = "flaresmith-up";

/** What Events about the whole installation are about. */
export const installationObject: KubernetesObject = Object.freeze({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: Object.freeze({ name: INSTALLATION, namespace: SYSTEM_NAMESPACE }),
});

/** What a store is converged against. A store never changes sides: everything in it would look deleted. */
export type ProviderWorld = "sandbox" | "providers";

interface DataObject extends KubernetesObject {
  data?: Record<string, string>;
}

async function find(
  client: ResourceClient,
  type: ResourceType,
  name: string,
): Promise<DataObject | undefined> {
  try {
    return await client.get<DataObject>(type, {
      name,
      ...(type.namespaced ? { namespace: SYSTEM_NAMESPACE } : {}),
    });
  } catch (error) {
    if (isApiError(error, "NotFound")) return undefined;
    throw error;
  }
}

async function ensureNamespace(client: ResourceClient): Promise<void> {
  if ((await find(client, namespaceType, SYSTEM_NAMESPACE)) !== undefined) return;
  await client.create(namespaceType, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: SYSTEM_NAMESPACE },
  });
}

/**
 * The installation's id. It is made for the sandbox, and must be said once against real providers, so that a lost disk
 * or a second machine can neither disown nor fight over what exists.
 *
 * @param options.wanted what `--installation` says
 * @throws CommandError when a new store has no id yet and none was given, when another one was given than the store has,
 *   and when the store belongs to the other world
 */
export async function ensureInstallation(options: {
  client: ResourceClient;
  random: Random;
  world: ProviderWorld;
  wanted?: string | undefined;
  dataDirectory: string;
}): Promise<string> {
  const { client, dataDirectory, random, wanted, world } = options;
  if (wanted !== undefined && !/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/.test(wanted)) {
    throw new CommandError(`--installation ${JSON.stringify(wanted)} is no valid id`, {
      hint: "Use up to 40 lower-case letters, digits and dashes, such as acme-platform.",
      exitCode: 2,
    });
  }
  const known = await find(client, configMapType, INSTALLATION);
  const id = known?.data?.["id"];
  if (id !== undefined) {
    if (wanted !== undefined && wanted !== id) {
      throw new CommandError(
        `the store in ${dataDirectory} belongs to installation ${id}, not to ${wanted}`,
        {
          hint: `Leave --installation out, or choose another --data-dir for ${wanted}.`,
        },
      );
    }
    const knownWorld = known?.data?.["world"] ?? world;
    if (knownWorld !== world) {
      throw new CommandError(
        world === "sandbox"
          ? `the store in ${dataDirectory} was converged against real providers`
          : `the store in ${dataDirectory} was converged against the sandbox`,
        {
          hint:
            world === "sandbox"
              ? "Choose another --data-dir for the sandbox."
              : "Start it with --sandbox, or choose another --data-dir for the real providers.",
        },
      );
    }
    return id;
  }
  if (wanted === undefined && world === "providers") {
    throw new CommandError(`the store in ${dataDirectory} is new and has no installation id`, {
      hint: "Start with --installation <id>: a new name such as acme-platform the first time; after a lost data directory the same id as before, which makes everything recognised again (it stands first in the markers at the providers).",
    });
  }
  const made = wanted ?? `local-${random.hex(4)}`;
  await ensureNamespace(client);
  await client.create<DataObject>(
    configMapType,
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: INSTALLATION, namespace: SYSTEM_NAMESPACE },
      data: { id: made, world },
    },
    { fieldManager: MANAGER },
  );
  return made;
}

/** Writes down how GitHub reaches this installation, so that `flaresmith diff` plans the same webhooks; undefined when it does not. */
export async function recordPublicUrl(client: ResourceClient, publicUrl: string | undefined): Promise<void> {
  const known = await find(client, configMapType, INSTALLATION);
  if (known?.data?.["publicUrl"] === publicUrl) return;
  const key = { namespace: SYSTEM_NAMESPACE, name: INSTALLATION };
  const body = { data: { publicUrl: publicUrl ?? null } };
  await client.patch(configMapType, key, { type: "merge", body }, { fieldManager: MANAGER });
}

/** What a running installation says about itself. */
export interface InstallationFacts {
  id: string;
  hashKey: string;
  publicUrl: string | undefined;
}

/** Reads the facts through any client. @throws CommandError when the store was never used by `flaresmith up` */
export async function readInstallation(client: ResourceClient): Promise<InstallationFacts> {
  const data = (await find(client, configMapType, INSTALLATION))?.data;
  const key = (await find(client, secretType, HASH_KEY))?.data?.["key"];
  if (data?.["id"] === undefined || key === undefined) {
    throw new CommandError("the server has no installation id: it was never started by flaresmith up", {
      hint: "Start flaresmith up on it, or name another server with --kubeconfig.",
    });
  }
  const hashKey = Buffer.from(key, "base64").toString("utf8");
  return { id: data["id"], hashKey, publicUrl: data["publicUrl"] };
}

/**
 * The secret key of this installation, 32 random bytes in hexadecimal. A lost one costs one rewrite of each secret at
 * the providers, nothing more.
 */
export async function ensureHashKey(client: ResourceClient, random: Random): Promise<string> {
  const known = await find(client, secretType, HASH_KEY);
  const text = known?.data?.["key"];
  if (text !== undefined) return Buffer.from(text, "base64").toString("utf8");
  const key = random.hex(32);
  await ensureNamespace(client);
  await client.create<DataObject>(
    secretType,
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: HASH_KEY, namespace: SYSTEM_NAMESPACE },
      type: "Opaque",
      data: { key: Buffer.from(key, "utf8").toString("base64") },
    },
    { fieldManager: MANAGER },
  );
  return key;
}
