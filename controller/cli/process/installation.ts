/** Who this installation is: its id in every marker, and its key for keyed hashes. Both are made once and kept. */
import type { Random } from "../../runtime/clock.ts";
import type { KubernetesObject, ResourceClient, ResourceType } from "../../store/resource-client.ts";
import { isApiError } from "../../store/resource-client.ts";
import { CommandError } from "../failure.ts";
import { configMapType, namespaceType, secretType } from "../types.ts";

/** Where a controller keeps what it is, unless it is told another namespace. */
export const SYSTEM_NAMESPACE = "flaresmith-system";
const INSTALLATION = "flaresmith-installation";
const HASH_KEY = "flaresmith-hash-key";
const MANAGER = "flaresmith";

/** What Events about the whole installation are about. */
export const installationObject: KubernetesObject = Object.freeze({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: Object.freeze({ name: INSTALLATION, namespace: SYSTEM_NAMESPACE }),
});

/** What a store is converged against. A store never changes sides: everything in it would look deleted. */
type ProviderWorld = "sandbox" | "providers";

/** Where an installation keeps what it is, and how messages speak of it. */
export interface InstallationPlace {
  client: ResourceClient;
  /** Default {@link SYSTEM_NAMESPACE} */
  namespace?: string | undefined;
  /** E.g. `the store in .flaresmith`. */
  name: string;
  /** What to choose for another installation, e.g. `another --data-dir`. */
  other: string;
  /** What may get lost, e.g. `data directory`. */
  container: string;
}

interface DataObject extends KubernetesObject {
  data?: Record<string, string>;
}

async function find(
  client: ResourceClient,
  type: ResourceType,
  key: { name: string; namespace: string },
): Promise<DataObject | undefined> {
  try {
    return await client.get<DataObject>(type, key);
  } catch (error) {
    if (isApiError(error, "NotFound")) return undefined;
    throw error;
  }
}

/** Creates an object, and its namespace where there is none; another process may be faster with either. */
async function createOnce(
  client: ResourceClient,
  type: ResourceType,
  object: DataObject,
): Promise<DataObject> {
  const { name, namespace = SYSTEM_NAMESPACE } = object.metadata;
  const create = (): Promise<DataObject> => client.create(type, object, { fieldManager: MANAGER });
  try {
    try {
      return await create();
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
      await createNamespace(client, namespace);
      return await create();
    }
  } catch (error) {
    const there = isApiError(error, "AlreadyExists")
      ? await find(client, type, { name, namespace })
      : undefined;
    if (there === undefined) throw error;
    return there;
  }
}

/** Creates a namespace; one that is there already stays as it is. */
export async function createNamespace(client: ResourceClient, name: string): Promise<void> {
  try {
    await client.create(namespaceType, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  } catch (error) {
    if (!isApiError(error, "AlreadyExists")) throw error;
  }
}

/**
 * The installation's id. It is made for the sandbox, and must be said once against real providers, so that a lost disk
 * or a second machine can neither disown nor fight over what exists.
 *
 * @param options.wanted what `--installation` says
 * @throws CommandError when a new place has no id yet and none was given, when another one was given than it has, and
 *   when it belongs to the other world
 */
export async function ensureInstallation(options: {
  place: InstallationPlace;
  random: Random;
  world: ProviderWorld;
  wanted?: string | undefined;
}): Promise<string> {
  const { place, random, wanted, world } = options;
  const { client, namespace = SYSTEM_NAMESPACE } = place;
  if (wanted !== undefined && !/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/.test(wanted)) {
    throw new CommandError(`--installation ${JSON.stringify(wanted)} is no valid id`, {
      hint: "Use up to 40 lower-case letters, digits and dashes, such as acme-platform.",
      exitCode: 2,
    });
  }
  const known = await find(client, configMapType, { name: INSTALLATION, namespace });
  if (known?.data?.["id"] !== undefined) return checkedId(known, options);
  if (wanted === undefined && world === "providers") {
    throw new CommandError(`${place.name} is new and has no installation id`, {
      hint: `Start with --installation <id>: a new name such as acme-platform the first time; after a lost ${place.container} the same id as before, which makes everything recognised again (it stands first in the markers at the providers).`,
    });
  }
  const made = await createOnce(client, configMapType, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: INSTALLATION, namespace },
    data: { id: wanted ?? `local-${random.hex(4)}`, world },
  });
  return checkedId(made, options);
}

function checkedId(
  { data = {} }: DataObject,
  { place, wanted, world }: { place: InstallationPlace; wanted?: string | undefined; world: ProviderWorld },
): string {
  const id = data["id"] ?? "";
  if (wanted !== undefined && wanted !== id) {
    throw new CommandError(`${place.name} belongs to installation ${id}, not to ${wanted}`, {
      hint: `Leave --installation out, or choose ${place.other} for ${wanted}.`,
    });
  }
  if ((data["world"] ?? world) !== world) {
    throw new CommandError(
      `${place.name} was converged against ${world === "sandbox" ? "real providers" : "the sandbox"}`,
      {
        hint:
          world === "sandbox"
            ? `Choose ${place.other} for the sandbox.`
            : `Start it with --sandbox, or choose ${place.other} for the real providers.`,
      },
    );
  }
  return id;
}

/** Writes down how GitHub reaches this installation, so that `flaresmith diff` plans the same webhooks; undefined when it does not. */
export async function recordPublicUrl(
  { client, namespace = SYSTEM_NAMESPACE }: Pick<InstallationPlace, "client" | "namespace">,
  publicUrl: string | undefined,
): Promise<void> {
  const key = { namespace, name: INSTALLATION };
  const known = await find(client, configMapType, key);
  if (known?.data?.["publicUrl"] === publicUrl) return;
  const body = { data: { publicUrl: publicUrl ?? null } };
  await client.patch(configMapType, key, { type: "merge", body }, { fieldManager: MANAGER });
}

/** What a running installation says about itself. */
export interface InstallationFacts {
  id: string;
  hashKey: string;
  publicUrl: string | undefined;
}

/** Reads the facts through any client. @throws CommandError when no controller ever ran there */
export async function readInstallation(
  client: ResourceClient,
  namespace: string = SYSTEM_NAMESPACE,
): Promise<InstallationFacts> {
  const data = (await find(client, configMapType, { name: INSTALLATION, namespace }))?.data;
  const key = (await find(client, secretType, { name: HASH_KEY, namespace }))?.data?.["key"];
  if (data?.["id"] === undefined || key === undefined) {
    throw new CommandError(
      `the server has no installation id: no controller ever ran in namespace ${namespace}`,
      {
        hint: "Start flaresmith up, or flaresmith controller in a cluster, or name another server with --kubeconfig.",
      },
    );
  }
  const hashKey = Buffer.from(key, "base64").toString("utf8");
  return { id: data["id"], hashKey, publicUrl: data["publicUrl"] };
}

/**
 * The secret key of this installation, 32 random bytes in hexadecimal. A lost one costs one rewrite of each secret at
 * the providers, nothing more.
 */
export async function ensureHashKey(
  { client, namespace = SYSTEM_NAMESPACE }: Pick<InstallationPlace, "client" | "namespace">,
  random: Random,
): Promise<string> {
  const known =
    (await find(client, secretType, { name: HASH_KEY, namespace })) ??
    (await createOnce(client, secretType, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: HASH_KEY, namespace },
      type: "Opaque",
      data: { key: Buffer.from(random.hex(32), "utf8").toString("base64") },
    }));
  const text = known.data?.["key"];
  if (text === undefined) {
    throw new CommandError(`Secret ${namespace}/${HASH_KEY} has no entry "key"`, {
      hint: "Restore it, or delete the Secret: a new key costs one rewrite of each secret at the providers.",
    });
  }
  return Buffer.from(text, "base64").toString("utf8");
}
