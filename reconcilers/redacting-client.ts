/** What providers echo must not put a secret into a status: its texts pass through the redaction before they are stored. */
import type { KubernetesObject, ResourceClient } from "../controller/store/resource-client.ts";

interface Texts {
  conditions?: readonly { message: string }[];
  inventory?: readonly { error?: string }[];
}

/** Only what was written for people: an id or a name that happens to equal a weak secret must stay what it is. */
function redacted<T extends KubernetesObject>(object: T, redact: (text: string) => string): T {
  const status = object["status"] as Texts | undefined;
  if (status === undefined) return object;
  const clean = {
    ...status,
    ...(status.conditions === undefined
      ? {}
      : { conditions: status.conditions.map((one) => ({ ...one, message: redact(one.message) })) }),
    ...(status.inventory === undefined
      ? {}
      : {
          inventory: status.inventory.map((one) =>
            one.error === undefined ? one : { ...one, error: redact(one.error) },
          ),
        }),
  };
  return { ...object, status: clean };
}

/**
 * A client whose status writes are redacted: messages of conditions and errors of the inventory.
 * @param redact the registry's, which knows every secret read so far
 */
export function redactingClient(client: ResourceClient, redact: (text: string) => string): ResourceClient {
  return {
    get: (type, key, signal) => client.get(type, key, signal),
    list: (type, options, signal) => client.list(type, options, signal),
    watch: (type, options, signal) => client.watch(type, options, signal),
    create: (type, object, options, signal) => client.create(type, object, options, signal),
    update: (type, object, options, signal) => client.update(type, object, options, signal),
    updateStatus: (type, object, options, signal) =>
      client.updateStatus(type, redacted(object, redact), options, signal),
    patch: (type, key, patch, options, signal) => client.patch(type, key, patch, options, signal),
    patchStatus: (type, key, patch, options, signal) => client.patchStatus(type, key, patch, options, signal),
    apply: (type, object, options, signal) => client.apply(type, object, options, signal),
    delete: (type, key, options, signal) => client.delete(type, key, options, signal),
  };
}
