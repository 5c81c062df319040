/**
 * What was left in place on purpose stays written down (law 5): one ConfigMap for each orphaned resource, so that people
 * and `flaresmith leaks` can tell it from what was lost.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../../controller/runtime/clock.ts";
import { timestamp } from "../../controller/runtime/clock.ts";
import type {
  KubernetesObject,
  ResourceClient,
  ResourceType,
} from "../../controller/store/resource-client.ts";
import { isApiError } from "../../controller/store/resource-client.ts";
import type { InventoryEntry } from "./resource.ts";

const configMaps: ResourceType = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
};

/** Label on every tombstone. */
export const TOMBSTONE_LABEL = "flaresmith.dev/tombstone";

/**
 * Records that `entry` was orphaned. Recording the same twice changes nothing.
 * @param owner the object that stood for it, e.g. `Project shop`
 * @throws ApiError when the store refuses; the entry must then be kept
 */
export async function recordTombstone(options: {
  client: ResourceClient;
  clock: Clock;
  namespace: string;
  owner: string;
  entry: InventoryEntry;
  why: string;
  signal: AbortSignal;
}): Promise<void> {
  const { client, clock, entry, namespace, owner, signal, why } = options;
  const identity = [entry.provider, entry.type, entry.scope ?? "", entry.id ?? entry.name ?? ""].join("/");
  const hash = createHash("sha256").update(identity).digest("hex").slice(0, 16);
  const tombstone: KubernetesObject = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: `tombstone-${hash}`,
      namespace,
      labels: { [TOMBSTONE_LABEL]: entry.provider },
    },
    data: {
      provider: entry.provider,
      type: entry.type,
      id: entry.id ?? "",
      name: entry.name ?? "",
      scope: entry.scope ?? "",
      owner,
      why,
      when: timestamp(clock),
    },
  };
  try {
    await client.create(configMaps, tombstone, { fieldManager: "flaresmith" }, signal);
  } catch (error) {
    if (!isApiError(error, "AlreadyExists")) throw error;
  }
}

/** What a tombstone says. */
export interface Tombstone {
  /** Of the object that left it. */
  namespace: string;
  provider: string;
  type: string;
  id: string;
  name: string;
  scope: string;
  /** `Project shop`. */
  owner: string;
  why: string;
  /** RFC 3339. */
  when: string;
}

/** A ConfigMap with {@link TOMBSTONE_LABEL} as what it says. */
export function readTombstone({
  data = {},
  metadata,
}: KubernetesObject & { data?: Readonly<Record<string, string>> }): Tombstone {
  const { id = "", name = "", owner = "", provider = "", scope = "", type = "", when = "", why = "" } = data;
  return { namespace: metadata.namespace ?? "", provider, type, id, name, scope, owner, why, when };
}
