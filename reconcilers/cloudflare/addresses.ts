/**
 * Addresses that lead to a Worker: routes and custom domains. What leads elsewhere is a conflict, what leads here is left
 * as it is, and what we wrote goes again once it leaves the spec. What we wrote is remembered by key.
 */
import type { FieldChange, InventoryEntry, ResourceContext, WriteResult } from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";

type Context = ResourceContext<CloudflareClient>;

/** How one kind of address is told from another, found and wanted alike. */
export interface AddressKind<Address, Found extends Address> {
  /** In fields of changes: `routes`, `domains`. */
  field: string;
  /** What keys of remembered addresses begin with. */
  prefix: string;
  keyOf(address: Address): string;
  /** For people. */
  nameOf(address: Address): string;
  /** Where it leads; undefined when to no Worker at all. */
  scriptOf(found: Found): string | undefined;
}

/** What a Worker is to have, and where to look. */
interface Wanted<Address> {
  scriptName: string;
  addresses: readonly Address[];
}

/** Addresses that we wrote, by key. */
export function writtenAddresses<Address, Found extends Address>(
  kind: AddressKind<Address, Found>,
  entry: InventoryEntry | undefined,
): Map<string, string> {
  const { prefix } = kind;
  return new Map(
    Object.entries(entry?.data ?? {}).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [],
    ),
  );
}

/** What removal takes away: what we wrote, as long as it leads to our Worker; without memory, all that does. */
export function removable<Address, Found extends Address>(
  kind: AddressKind<Address, Found>,
  found: readonly Found[],
  scriptName: string,
  entry: InventoryEntry | undefined,
): Found[] {
  const ours = writtenAddresses(kind, entry);
  return found.filter(
    (one) => kind.scriptOf(one) === scriptName && (entry?.data === undefined || ours.has(kind.keyOf(one))),
  );
}

/** What we wrote, that left the spec, and that still leads to our Worker. */
function leftovers<Address, Found extends Address>(
  kind: AddressKind<Address, Found>,
  { addresses, scriptName }: Wanted<Address>,
  found: readonly Found[],
  entry: InventoryEntry | undefined,
): Found[] {
  const wanted = new Set(addresses.map((address) => kind.keyOf(address)));
  const ours = writtenAddresses(kind, entry);
  return found.filter((one) => {
    const key = kind.keyOf(one);
    return kind.scriptOf(one) === scriptName && ours.has(key) && !wanted.has(key);
  });
}

/** What is wanted and does not lead to our Worker, with what has its key now. */
function missing<Address, Found extends Address>(
  kind: AddressKind<Address, Found>,
  { addresses, scriptName }: Wanted<Address>,
  found: readonly Found[],
): { address: Address; taken: Found | undefined }[] {
  const byKey = new Map(found.map((one) => [kind.keyOf(one), one] as const));
  return addresses
    .map((address) => ({ address, taken: byKey.get(kind.keyOf(address)) }))
    .filter(({ taken }) => taken === undefined || kind.scriptOf(taken) !== scriptName);
}

/** Pure. */
export function diffAddresses<Address, Found extends Address>(
  kind: AddressKind<Address, Found>,
  wanted: Wanted<Address>,
  found: readonly Found[],
  entry: InventoryEntry | undefined,
): FieldChange[] {
  const change = (address: Address): Pick<FieldChange, "field" | "effect"> => ({
    field: `${kind.field}.${kind.nameOf(address)}`,
    effect: "in-place",
  });
  const { scriptName } = wanted;
  return [
    ...missing(kind, wanted, found).map(({ address, taken }) => ({
      ...change(address),
      ...(taken === undefined ? {} : { from: kind.scriptOf(taken) ?? "no Worker" }),
      to: scriptName,
    })),
    ...leftovers(kind, wanted, found, entry).map((one) => ({ ...change(one), from: scriptName })),
  ].toSorted((a, b) => (a.field < b.field ? -1 : 1));
}

/** What to remember before what is missing is made; see `claim` of a resource definition. Pure. */
export function claimAddresses<Address, Found extends Address>(
  kind: AddressKind<Address, Found>,
  wanted: Wanted<Address>,
  found: readonly Found[],
  entry: InventoryEntry | undefined,
): Record<string, string> | undefined {
  const data = entry?.data ?? {};
  const keys = missing(kind, wanted, found)
    .map(({ address }) => kind.prefix + kind.keyOf(address))
    .filter((key) => !(key in data));
  return keys.length === 0 ? undefined : { ...data, ...Object.fromEntries(keys.map((key) => [key, ""])) };
}

/**
 * Makes what is missing and takes away what is left over. One that is refused does not hold up the others.
 * @param write `ensure`: makes an address lead to our Worker and returns what to remember of it, or throws when what has
 *   it now is another one's; `drop`: takes one away, which being gone already is no error
 * @returns what is remembered now; pending when some were refused, whose errors come up again in the next pass
 * @throws whatever the first threw when all were refused: then there is nothing new to remember
 */
export async function writeAddresses<Address, Found extends Address>(
  kind: AddressKind<Address, Found>,
  wanted: Wanted<Address>,
  found: readonly Found[],
  context: Context,
  write: {
    ensure(address: Address, taken: Found | undefined): Promise<string>;
    drop(found: Found): Promise<void>;
  },
): Promise<WriteResult<never>> {
  const data = { ...context.entry?.data };
  const rememberedAs = (address: Address): string => kind.prefix + kind.keyOf(address);
  const steps = [
    ...missing(kind, wanted, found).map(({ address, taken }) => async () => {
      data[rememberedAs(address)] = await write.ensure(address, taken);
    }),
    ...leftovers(kind, wanted, found, context.entry).map((one) => async () => {
      await write.drop(one);
      delete data[rememberedAs(one)];
    }),
  ];
  const refused: unknown[] = [];
  for (const step of steps) await step().catch((error: unknown) => void refused.push(error));
  if (refused.length > 0 && refused.length === steps.length) throw refused[0];
  const result = { id: wanted.scriptName, data };
  if (refused.length === 0) return result;
  return {
    ...result,
    pending: `${refused.length} of ${steps.length} changes were refused and are tried again`,
  };
}
