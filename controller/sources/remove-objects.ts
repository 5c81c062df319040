/** Deletes or releases what a Source applied. */
import { isApiError } from "../store/resource-client.ts";
import type { KubernetesObject, ResourceClient } from "../store/resource-client.ts";
import { SOURCE_KINDS, SOURCE_LABEL } from "./read/check-manifest.ts";
import { appliedType, FIELD_MANAGER } from "./source-object.ts";

const PARALLEL = 32;

/** Runs `work` for each object, some at a time, in order of starting. */
async function each(
  objects: readonly KubernetesObject[],
  work: (object: KubernetesObject) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let object = objects[next++]; object !== undefined; object = objects[next++]) await work(object);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, objects.length) }, worker));
}

const keyOf = ({
  metadata: { name, namespace },
}: KubernetesObject): { name: string; namespace?: string } => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
});

/**
 * Deletes objects, previews first; Connections only when nothing of the rest is left, because what goes may need their
 * credentials. Objects that were deleted and made again in the meantime are left alone.
 *
 * @param options.leaving objects of the Source that are being deleted already
 * @returns how many were deleted now, and how many Connections wait
 * @throws ApiError
 */
export async function deleteObjects(
  options: {
    objects: readonly KubernetesObject[];
    leaving: readonly KubernetesObject[];
    client: ResourceClient;
  },
  signal: AbortSignal,
): Promise<{ deleted: number; waiting: number; gone: readonly KubernetesObject[] }> {
  const { client, objects } = options;
  const gone: KubernetesObject[] = [];
  let deleted = 0;
  let lingering = options.leaving.filter(({ kind }) => kind !== "Connection").length;
  for (const kind of SOURCE_KINDS.toReversed()) {
    const due = objects.filter((object) => object.kind === kind);
    if (kind === "Connection" && lingering > 0) return { deleted, waiting: due.length, gone };
    await each(due, async (object) => {
      signal.throwIfAborted();
      const { uid } = object.metadata;
      try {
        const preconditions = uid === undefined ? {} : { preconditions: { uid } };
        const left = await client.delete(appliedType(kind), keyOf(object), preconditions, signal);
        if ((left.metadata.finalizers ?? []).length > 0) lingering += 1;
        else gone.push(object);
        deleted += 1;
      } catch (error) {
        if (isApiError(error, "NotFound")) gone.push(object);
        else if (!isApiError(error, "Conflict")) throw error;
      }
    });
  }
  return { deleted, waiting: 0, gone };
}

/**
 * Takes the Source's label off objects: they stay as they are and are nobody's.
 *
 * @throws ApiError
 */
export async function releaseObjects(
  options: { objects: readonly KubernetesObject[]; client: ResourceClient },
  signal: AbortSignal,
): Promise<void> {
  await each(options.objects, async (object) => {
    signal.throwIfAborted();
    const body = { metadata: { labels: { [SOURCE_LABEL]: null } } };
    try {
      await options.client.patch(
        appliedType(object.kind),
        keyOf(object),
        { type: "merge", body },
        { fieldManager: FIELD_MANAGER },
        signal,
      );
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
    }
  });
}
