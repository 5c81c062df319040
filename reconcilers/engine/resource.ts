/**
 * What a provider folder hands to the engine: one small definition for each type of external resource. The engine
 * decides when to observe, create, update and remove; a definition only knows how.
 */
import type { Clock } from "../../controller/runtime/clock.ts";
import type { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { SecretValue } from "../../controller/runtime/secret-value.ts";
import type { Marker } from "./marker.ts";

/** Which part of a kind's inventory an entry is; see `status.inventory` in `crds/fields.ts`. */
export interface InventoryEntry {
  slot: string;
  provider: string;
  type: string;
  id?: string | undefined;
  name?: string | undefined;
  scope?: string | undefined;
  scopeId?: string | undefined;
  key: string;
  state: "creating" | "ready" | "pending" | "deleting" | "conflict" | "unknown" | "error";
  nonce?: string | undefined;
  since?: string | undefined;
  specHash?: string | undefined;
  fingerprint?: string | undefined;
  data?: Record<string, string> | undefined;
  parent?: string | undefined;
  policy?: "Orphan" | "Delete" | undefined;
  connection?: string | undefined;
  error?: string | undefined;
}

/** Names one external resource: all that deletion needs, because it is kept in the inventory (law 6). */
export interface Reference {
  /** Where it lies: an owner, `owner/repository`, a Neon project id, an account id. */
  scope: string;
  /** The provider's id of the scope, where the scope can be renamed and its id is known. */
  scopeId?: string;
  /** The deterministic name inside the scope. */
  name: string;
  /** The provider's id, once known. An id outlives a rename, so it is looked up first. */
  id?: string;
}

/**
 * How thorough an observation is. `shallow` costs no call beyond shared listings, conditional requests and
 * fingerprints; `deep` compares every field.
 */
export type Depth = "shallow" | "deep";

/** What the world says about a reference. */
export type Observation<Observed> =
  /** Proven by an authoritative 404 or a complete listing (law 1); anything less is `unknown`. */
  | { state: "absent" }
  | {
      state: "present";
      id: string;
      /** As the provider calls it now; another one than the reference's after a rename. */
      name?: string;
      /** `ours` and `foreign` come from a marker, `unmarked` means it carries none (or its type cannot carry one). */
      owner: "ours" | "foreign" | "unmarked";
      observed: Observed;
      /** How much `observed` holds: what is `undefined` in a shallow observation was not looked at. */
      depth: Depth;
      /** What the provider says that moves when the resource changes; kept in the inventory. */
      fingerprint?: string;
      /** Set while the provider is still working on it: what is awaited, for people. */
      pending?: string;
    }
  | { state: "unknown"; error: FlaresmithError };

/** One difference between desired and observed. */
export interface FieldChange {
  /** Field path inside the resource, as the user would find it in the spec where there is one. */
  field: string;
  /**
   * `in-place` is simply written. `replace` and `destroys-data` wait for a person's confirmation (law 5); a definition
   * that cannot carry one out answers with a terminal error from `update`.
   */
  effect: "in-place" | "replace" | "destroys-data";
  /** Values for people; never a secret. */
  from?: string;
  to?: string;
}

/** What a write told. `observed` lets dependants go on in the same pass. */
export interface WriteResult<Observed> {
  id: string;
  name?: string;
  observed?: Observed;
  fingerprint?: string;
  /** Remembered in the inventory; replaces the entry's `data` when given. */
  data?: Record<string, string>;
  /** Set when the provider goes on working after its answer: what is awaited. The engine requeues and observes. */
  pending?: string;
}

/** Shared observation of one provider identity; see `observation-source.ts`. */
export interface ReadOptions<Listing, Item> {
  /** What the listing covers, unique within a type, e.g. the account id. Default: the reference's scope. */
  listing?: string;
  /** Reads the complete listing; throws when it could not be read whole. */
  list(): Promise<Listing>;
  /** The item in the listing; undefined proves absence. */
  find(listing: Listing): Item | undefined;
  /** Reads the one item by itself, when it was just written or is doubted; undefined proves absence. */
  single(): Promise<Item | undefined>;
}

export interface ResourceContext<Client> {
  client: Client;
  clock: Clock;
  signal: AbortSignal;
  /** The marker to write on, and to recognise, this slot's resource. */
  marker: Marker;
  /** Vouches for the values that the definition's `secrets` names, see `witness.ts`; empty when there are none. */
  witness: string;
  /** The least depth to observe with; looking deeper because a fingerprint moved is the definition's choice. */
  depth: Depth;
  /** True when the resource was just written or is doubted: it must be read by itself, past every cache. */
  fresh: boolean;
  /** What the inventory remembers. */
  entry?: InventoryEntry | undefined;
  /** What the inventory remembers of what the resource lies in, where that is of the same object. Not while removing. */
  parentEntry?: InventoryEntry | undefined;
  /** While removing: what it holds are copies that go with it, so that nothing of it stands in the way of removal. */
  disposable?: boolean | undefined;
  /** Reads through the shared listings, or by itself when `fresh`. */
  read<Listing, Item>(options: ReadOptions<Listing, Item>): Promise<Item | undefined>;
  /** A value that may be shared, across types, by everyone at this identity who asks for the key within `maxAge` milliseconds (default: the pass's freshness). */
  shared<Value>(key: string, load: () => Promise<Value>, maxAge?: number): Promise<Value>;
}

/** A resource that was found by what it carries, without anybody having known its name. */
export interface MarkedResource extends Reference {
  id: string;
  /** Every mark on it, of whatever installation: the text of a marker, or its hash where only that is written. */
  marks: readonly string[];
  /** Wall clock milliseconds of its creation; undefined where the provider does not tell. */
  createdAt?: number | undefined;
  /** What it lies in or hangs on, at the same provider: it must go before these can. */
  inside?: readonly { type: string; id: string }[];
}

/** What a listing of everything that carries a marker is made with. */
export interface ListingContext<Client> {
  client: Client;
  /** The account to look through: a GitHub owner, a Neon organization, a Cloudflare account id. */
  account: string;
  signal: AbortSignal;
  /**
   * A value shared by all types of one look at one account. One that failed is asked for again by the next; so that a
   * listing that is made again, after a rate limit, only asks for what it did not get, each part has a key of its own.
   */
  shared<Value>(key: string, load: () => Promise<Value>): Promise<Value>;
  /** Part of the account could not be looked at. The rest still counts, and nobody may say that nothing else is there. */
  missed(what: string, error: FlaresmithError): void;
  /** Tells people what bounds the listing although nothing failed. */
  note(text: string): void;
}

/** One type of external resource. `Client` is the provider's client, bound to one Connection. */
export interface ResourceDefinition<Desired, Observed, Client> {
  provider: string;
  /** Unique within the provider, e.g. `repository`. */
  type: string;
  /** Segment of the idempotency key, e.g. `githubRepo`. */
  segment: string;
  /** What is lost when it is deleted. `data` and `code` are orphaned by default and never recreated in silence. */
  holds: "data" | "code" | "nothing";
  /**
   * `marked`: carries our marker, and `update` writes it again when the changes name the field `marker`.
   * `marked-at-create`: carries it from its creation only. `inherited`: cannot carry one; it is ours when the inventory
   * says so or its parent is ours.
   */
  ownership: "marked" | "marked-at-create" | "inherited";
  /**
   * Content or settings of something else, such as the variables of a repository: never absent by itself, and gone as
   * soon as `remove` resolved. Default false.
   */
  content?: boolean;
  /**
   * What may change in the reference without it becoming another thing: `name` where a rename is followed by id, `scope`
   * where it lies in something that can be renamed (and has the same `scopeId`, as far as both are known). Else another reference is another thing, and the old one leaves.
   * Default `none`; content follows what it is the content of, so it is `both`.
   */
  keepsIdentity?: "none" | "name" | "scope" | "both";
  /**
   * Pure: whether two names in one scope are of the same thing, where that is more than being equal: a name that says more
   * than which thing it is, or one that the provider tells apart without case.
   */
  sameName?(one: string, other: string): boolean;
  /**
   * Whether its scope is an account. No spec names that, it comes with the credentials: nothing that holds data or code is
   * made anew in another one unasked (law 5). Default false.
   */
  liesInAccount?: boolean;
  /** Every managed field and the depth at which drift of it is seen; `write-only` is compared by remembered hash. */
  fields: Readonly<Record<string, Depth | "write-only">>;
  /** Pure: what names the resource. */
  reference(desired: Desired): Reference;
  /** Pure: values that no answer tells, where the resource can carry a witness of them. */
  secrets?(desired: Desired): Readonly<Record<string, SecretValue>>;
  /** May throw FlaresmithError; the engine then takes the resource as unknown. Never throws for plain absence. */
  observe(reference: Reference, context: ResourceContext<Client>): Promise<Observation<Observed>>;
  /**
   * Pure. Fields that `observed` does not hold (shallow) are not different.
   * @param witness of the present values of `secrets`; what `entry` remembers of them comes first
   */
  diff(
    desired: Desired,
    observed: Observed,
    entry: InventoryEntry | undefined,
    witness: string,
  ): FieldChange[];
  /**
   * Pure: what a write of this very state would have left in `entry.data`. Asked when nothing differs, for an inventory
   * that was lost or never learned the outcome of a write. Undefined when `data` needs no help.
   */
  recall?(
    desired: Desired,
    observed: Observed,
    data: Readonly<Record<string, string>> | undefined,
  ): Record<string, string> | undefined;
  /**
   * Called only after an intent with the marker's nonce was stored (law 2). A refusal that is thrown says that nothing was
   * created; what fails after the resource came to be is told as `pending`.
   */
  create(desired: Desired, context: ResourceContext<Client>): Promise<WriteResult<Observed>>;
  /**
   * Where only what we wrote is ours: what to remember of the writes that `create` or `update` is about to make, in place of
   * the entry's `data`. It is stored before they are sent, like an intent or with it, so that what was written is known as
   * ours even when nobody is left to remember the answer. Undefined when they add nothing.
   * @param observed undefined before a create
   */
  claim?(
    desired: Desired,
    observed: Observed | undefined,
    entry: InventoryEntry | undefined,
  ): Record<string, string> | undefined;
  update(
    desired: Desired,
    observed: Observed,
    changes: readonly FieldChange[],
    context: ResourceContext<Client>,
  ): Promise<WriteResult<Observed>>;
  /**
   * Asks for removal; the engine then observes until it is absent. Absence already is no error. `deleted` says that the
   * provider acknowledged this very removal, so that a 404 afterwards needs no other proof (law 1).
   */
  remove(reference: Reference, context: ResourceContext<Client>): Promise<"deleted" | void>;
  /**
   * Everything of this type in an account that carries a marker of any installation. Every type has it that can carry
   * one. May return more than the account's; throws when it could not be read whole, or says so with `missed`.
   */
  listMarked?(context: ListingContext<Client>): Promise<readonly MarkedResource[]>;
  /** What dependants may use: ids, URLs, secret values. */
  outputs(desired: Desired, observed: Observed): Outputs;
}

/** A question to a provider that stands for nothing of ours, such as which commit a branch is at. */
export interface LookupDefinition<Input, Client> {
  provider: string;
  type: string;
  look(
    input: Input,
    context: Omit<ResourceContext<Client>, "marker" | "witness" | "entry" | "read">,
  ): Promise<Outputs>;
}

/** Facts that one node hands to others. Secret values are `SecretValue`s, so that no output can leak them. */
export type Outputs = Readonly<Record<string, unknown>>;
