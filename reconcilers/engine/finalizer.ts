/** The finalizer comes first, side effects after; it goes when nothing external is left to look after. */
import { equalJson } from "../../controller/runtime/json.ts";
import type {
  KubernetesObject,
  ObjectKey,
  ResourceClient,
  ResourceType,
} from "../../controller/store/resource-client.ts";
import { isApiError } from "../../controller/store/resource-client.ts";

/** On every object that may stand for something external, or that such objects need on their way out. */
export const FINALIZER = "flaresmith.dev/finalizer";

function keyOf({ metadata: { name, namespace } }: KubernetesObject): ObjectKey {
  return { name, ...(namespace === undefined ? {} : { namespace }) };
}

/** The object with the finalizer, written only when it was missing. @throws ApiError Conflict when the object moved on */
export async function addFinalizer<T extends KubernetesObject>(
  client: ResourceClient,
  type: ResourceType,
  object: T,
  signal: AbortSignal,
): Promise<T> {
  const { finalizers = [], resourceVersion } = object.metadata;
  if (finalizers.includes(FINALIZER)) return object;
  const body = { metadata: { resourceVersion, finalizers: [...finalizers, FINALIZER] } };
  return client.patch<T>(
    type,
    keyOf(object),
    { type: "merge", body },
    { fieldManager: "flaresmith" },
    signal,
  );
}

/**
 * Takes the finalizer off; an object that is gone already is no error. What the pass learnt about deletions is not stored
 * any more, so that it survives an edit made in the meantime, but no status that somebody else wrote.
 *
 * @throws ApiError Conflict when the status moved on
 */
export async function removeFinalizer(
  client: ResourceClient,
  type: ResourceType,
  object: KubernetesObject,
  signal: AbortSignal,
): Promise<void> {
  const key = keyOf(object);
  const remove = async ({ metadata }: KubernetesObject): Promise<void> => {
    const { finalizers = [], resourceVersion } = metadata;
    const body = { metadata: { resourceVersion, finalizers: finalizers.filter((one) => one !== FINALIZER) } };
    await client.patch(type, key, { type: "merge", body }, { fieldManager: "flaresmith" }, signal);
  };
  try {
    await remove(object).catch(async (error: unknown) => {
      if (!isApiError(error, "Conflict")) throw error;
      const latest = await client.get(type, key, signal);
      const same = latest.metadata.uid === object.metadata.uid;
      if (!same || !equalJson(latest["status"], object["status"])) throw error;
      await remove(latest);
    });
  } catch (error) {
    if (!isApiError(error, "NotFound")) throw error;
  }
}
