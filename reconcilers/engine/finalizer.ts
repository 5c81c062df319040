/** The finalizer comes first, side effects after; it goes when nothing external is left to look after. */
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

/** Takes the finalizer off; an object that is gone already is no error. @throws ApiError Conflict when it moved on */
export async function removeFinalizer(
  client: ResourceClient,
  type: ResourceType,
  object: KubernetesObject,
  signal: AbortSignal,
): Promise<void> {
  const { finalizers = [], resourceVersion } = object.metadata;
  const left = finalizers.filter((finalizer) => finalizer !== FINALIZER);
  const body = { metadata: { resourceVersion, finalizers: left } };
  try {
    await client.patch(type, keyOf(object), { type: "merge", body }, { fieldManager: "flaresmith" }, signal);
  } catch (error) {
    if (!isApiError(error, "NotFound")) throw error;
  }
}
