/**
 * Writes one object's status, of which its reconciler is the only writer. Intents are checked against the version that
 * was read; the deferred write at the end must not lose what was created, so it survives a change of the spec made in
 * the meantime, but never overwrites a status that somebody else wrote.
 */
import { equalJson } from "../../controller/runtime/json.ts";
import type {
  KubernetesObject,
  ResourceClient,
  ResourceType,
} from "../../controller/store/resource-client.ts";
import { ApiError, isApiError } from "../../controller/store/resource-client.ts";
import type { InventoryEntry } from "./resource.ts";

export interface StatusWriter {
  /** Stores the inventory as it stands. @throws ApiError Conflict when the object changed since it was read */
  persist(): Promise<void>;
  /** Asks the store. @throws ApiError Conflict when the object changed since it was read; NotFound when it is gone */
  confirm(): Promise<void>;
  /** Stores status fields and inventory; sends nothing when nothing differs. `undefined` removes a field. */
  write(fields: Record<string, unknown>): Promise<void>;
  /** The object as last written or read. */
  current(): KubernetesObject;
}

/** A copy as it will be stored, which nobody changes while it waits to be written. */
function plain<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}

export function createStatusWriter(options: {
  client: ResourceClient;
  type: ResourceType;
  object: KubernetesObject;
  inventory: ReadonlyMap<string, InventoryEntry>;
  signal: AbortSignal;
}): StatusWriter {
  const { client, inventory, signal, type } = options;
  let current = options.object;
  const statusOf = (object: KubernetesObject): Record<string, unknown> =>
    (object["status"] ?? {}) as Record<string, unknown>;
  const entries = (): InventoryEntry[] | undefined =>
    inventory.size === 0 ? undefined : [...inventory.values()];
  const send = async (base: KubernetesObject, status: Record<string, unknown>): Promise<void> => {
    const { apiVersion, kind, metadata } = base;
    const object = { apiVersion, kind, metadata, spec: base["spec"], status: plain(status) };
    current = await client.updateStatus(type, object, { fieldManager: "flaresmith" }, signal);
  };
  const latestOf = ({ metadata }: KubernetesObject): Promise<KubernetesObject> => {
    const { name, namespace } = metadata;
    return client.get(type, { name, ...(namespace === undefined ? {} : { namespace }) }, signal);
  };
  return {
    current: () => current,
    confirm: async () => {
      const { name, resourceVersion, uid } = current.metadata;
      const latest = (await latestOf(current)).metadata;
      if (latest.uid === uid && latest.resourceVersion === resourceVersion) return;
      throw new ApiError({
        code: 409,
        reason: "Conflict",
        message: `${type.kind} ${name} was changed by another while it was being reconciled`,
      });
    },
    persist: () => send(current, { ...statusOf(current), inventory: entries() }),
    write: async (fields) => {
      const status = { ...statusOf(current), ...fields, inventory: entries() };
      if (equalJson(status, statusOf(current))) return;
      try {
        await send(current, status);
      } catch (error) {
        if (!isApiError(error, "Conflict")) throw error;
        const latest = await latestOf(current);
        const untouched = equalJson(statusOf(latest), statusOf(current));
        if (latest.metadata.uid !== current.metadata.uid || !untouched) throw error;
        await send(latest, status);
      }
    },
  };
}
