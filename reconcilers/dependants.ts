/** Objects that go before the one they hang on (law 6): garbage collection would wait for us while we wait for it. */
import type { KubernetesObject, ResourceClient, ResourceType } from "../controller/store/resource-client.ts";
import { isApiError } from "../controller/store/resource-client.ts";

/** What whoever waits for an object says after its name: a suspended one does not even leave. */
export function whySuspended({ spec }: KubernetesObject): string {
  const { suspend } = (spec ?? {}) as { suspend?: boolean };
  return suspend === true ? " (suspended: set spec.suspend to false)" : "";
}

/**
 * Deletes objects with their uids, so that what was re-created in the meantime stays.
 * @returns what is awaited, or undefined when there are none
 */
export async function deleteObjects(
  client: ResourceClient,
  type: ResourceType,
  objects: readonly KubernetesObject[],
  signal: AbortSignal,
): Promise<string | undefined> {
  if (objects.length === 0) return undefined;
  for (const { metadata } of objects) {
    if (metadata.deletionTimestamp !== undefined) continue;
    const { name, namespace, uid } = metadata;
    const key = { name, ...(namespace === undefined ? {} : { namespace }) };
    try {
      await client.delete(type, key, uid === undefined ? {} : { preconditions: { uid } }, signal);
    } catch (error) {
      if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
    }
  }
  const names = objects.map((object) => `${object.metadata.name}${whySuspended(object)}`).sort();
  return `Waiting until ${type.plural} ${names.join(", ")} are deleted.`;
}
