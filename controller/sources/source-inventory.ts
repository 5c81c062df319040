/** `status.inventory` of a Source: what it applied, and which file declares it. */
import type { KubernetesObject } from "../store/resource-client.ts";
import { inOrder, objectKey } from "./desired.ts";
import type { DesiredState } from "./desired.ts";
import type { SourceMemory } from "./source-memory.ts";
import type { SourceObject } from "./source-object.ts";
import type { PassReport } from "./source-status.ts";

type Inventory = NonNullable<PassReport["inventory"]>;

const entryOf = ({ kind, metadata: { name } }: KubernetesObject, file: string): Inventory[number] => ({
  kind,
  name,
  file,
});

const inventories = new WeakMap<DesiredState, Inventory>();

/** The inventory when everything declared is applied and nothing else is left; made once. */
function wholeInventory(desired: DesiredState): Inventory {
  let inventory = inventories.get(desired);
  if (inventory === undefined) {
    inventory = desired.objects.map(({ object, file }) => entryOf(object, file));
    inventories.set(desired, inventory);
  }
  return inventory;
}

/**
 * What was applied and still exists, with the file that declares it, or declared it last.
 * @param pass.owned objects in the store that belong to the Source
 * @param pass.gone keys of the owned objects that this pass removed
 */
export function inventoryOf(pass: {
  source: SourceObject;
  memory: SourceMemory;
  desired: DesiredState;
  owned: readonly KubernetesObject[];
  gone: ReadonlySet<string>;
}): Inventory {
  const { desired, gone, owned, source } = pass;
  const { applied, extras } = pass.memory;
  if (extras.size === 0 && desired.objects.every(({ key }) => applied.has(key)))
    return wholeInventory(desired);
  const declared = desired.byKey;
  const before = new Map(
    source.status?.inventory?.map((entry) => [`${entry.kind}/${entry.name}`, entry.file]),
  );
  const entries = new Map(owned.map((object) => [objectKey(object), object]));
  for (const { key, object } of desired.objects) if (applied.has(key)) entries.set(key, object);
  for (const key of gone) entries.delete(key);
  const list = inOrder([...entries].map(([key, object]) => ({ key, object })));
  return list.map(({ key, object }) => entryOf(object, declared.get(key)?.file ?? before.get(key) ?? ""));
}
