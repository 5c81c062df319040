/**
 * A KV namespace. Cloudflare assigns the id; titles are unique in the account. The marker is a tag (see resource-tags.ts):
 * a shallow look believes the inventory, a deep one reads the tags.
 */
import { z } from "zod";
import type {
  FieldChange,
  Observation,
  Reference,
  ResourceContext,
  ResourceDefinition,
  WriteResult,
} from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { segment } from "./client.ts";
import { isAbsence } from "./failures.ts";
import { readPages } from "./paging.ts";
import { forgetTags, observeOwnership, restoreMarker, writeMarker } from "./resource-tags.ts";
import type { KvNamespaceDesired, KvNamespaceObserved, KvNamespaceOutputs } from "./types.ts";

type Context = ResourceContext<CloudflareClient>;

const FIELD = "spec.cloudflare.kv";
const namespaceSchema = z.looseObject({ id: z.string(), title: z.string() });
type Namespace = z.output<typeof namespaceSchema>;

const namespacesPath = (accountId: string, id?: string): string =>
  `/accounts/${segment(accountId)}/storage/kv/namespaces${id === undefined ? "" : `/${segment(id)}`}`;

const purpose = (
  what: string,
  access: "Read" | "Edit",
): { what: string; permission: string; field: string } => ({
  what,
  permission: `Workers KV Storage: ${access}`,
  field: FIELD,
});

function readAll(context: Context, accountId: string): Promise<Namespace[]> {
  return readPages(context.client, {
    path: namespacesPath(accountId),
    perPage: 100,
    item: namespaceSchema,
    purpose: purpose("listing the account's KV namespaces", "Read"),
    signal: context.signal,
  });
}

async function readOne(context: Context, accountId: string, id: string): Promise<Namespace | undefined> {
  try {
    const answer = await context.client.call({
      method: "GET",
      path: namespacesPath(accountId, id),
      result: namespaceSchema,
      purpose: purpose(`reading the KV namespace ${id}`, "Read"),
      signal: context.signal,
    });
    return answer.result;
  } catch (error) {
    if (isAbsence(error, [10013])) return undefined;
    throw error;
  }
}

/** By id, which outlives a rename; by title where no id is known. */
function find(reference: Reference, context: Context): Promise<Namespace | undefined> {
  const { id, name, scope } = reference;
  const pick = (all: readonly Namespace[]): Namespace | undefined =>
    all.find((namespace) => (id === undefined ? namespace.title === name : namespace.id === id));
  return context.read<Namespace[], Namespace>({
    listing: scope,
    list: () => readAll(context, scope),
    find: pick,
    single: async () =>
      id === undefined ? pick(await readAll(context, scope)) : readOne(context, scope, id),
  });
}

async function observe(reference: Reference, context: Context): Promise<Observation<KvNamespaceObserved>> {
  const found = await find(reference, context);
  if (!found) return { state: "absent" };
  const { depth, marked, owner } = await observeOwnership(context, {
    accountId: reference.scope,
    type: "kv_namespace",
    id: found.id,
  });
  return {
    state: "present",
    id: found.id,
    name: found.title,
    owner,
    observed: { id: found.id, title: found.title, marked },
    depth,
  };
}

async function create(
  desired: KvNamespaceDesired,
  context: Context,
): Promise<WriteResult<KvNamespaceObserved>> {
  const { accountId, title } = desired;
  const { result } = await context.client.call({
    method: "POST",
    path: namespacesPath(accountId),
    json: { title },
    result: namespaceSchema,
    purpose: purpose(`creating the KV namespace ${title}`, "Edit"),
    signal: context.signal,
  });
  // The namespace exists now, whatever becomes of its tag: the next look sees that the marker is missing.
  const marked = await writeMarker(context, {
    accountId,
    type: "kv_namespace",
    id: result.id,
    what: `KV namespace ${title}`,
    current: undefined,
  }).catch(() => false);
  return {
    id: result.id,
    observed: { id: result.id, title: result.title, marked: marked ? true : undefined },
  };
}

async function update(
  desired: KvNamespaceDesired,
  observed: KvNamespaceObserved,
  changes: readonly FieldChange[],
  context: Context,
): Promise<WriteResult<KvNamespaceObserved>> {
  const fields = new Set(changes.map((change) => change.field));
  if (fields.has("title")) {
    await context.client.call({
      method: "PUT",
      path: namespacesPath(desired.accountId, observed.id),
      json: { title: desired.title },
      result: z.unknown(),
      purpose: purpose(`renaming the KV namespace ${observed.title} to ${desired.title}`, "Edit"),
      signal: context.signal,
    });
  }
  if (fields.has("marker"))
    await restoreMarker(context, {
      accountId: desired.accountId,
      type: "kv_namespace",
      id: observed.id,
      what: `KV namespace ${desired.title}`,
    });
  return {
    id: observed.id,
    name: desired.title,
    observed: { id: observed.id, title: desired.title, marked: undefined },
  };
}

export const kvNamespace: ResourceDefinition<KvNamespaceDesired, KvNamespaceObserved, CloudflareClient> =
  Object.freeze({
    provider: "cloudflare",
    type: "kvNamespace",
    segment: "cloudflareKvNamespace",
    holds: "data",
    ownership: "marked",
    keepsIdentity: "name",
    fields: Object.freeze({ title: "shallow", marker: "deep" }),
    reference: (desired: KvNamespaceDesired): Reference => ({
      scope: desired.accountId,
      name: desired.title,
    }),
    observe,
    diff: (desired: KvNamespaceDesired, observed: KvNamespaceObserved): FieldChange[] => [
      ...(observed.marked === false ? [{ field: "marker", effect: "in-place" as const }] : []),
      ...(observed.title === desired.title
        ? []
        : [{ field: "title", effect: "in-place" as const, from: observed.title, to: desired.title }]),
    ],
    create,
    update,
    remove: async (reference: Reference, context: Context): Promise<void> => {
      const found = await find(reference, { ...context, fresh: true });
      if (!found) return;
      try {
        await context.client.call({
          method: "DELETE",
          path: namespacesPath(reference.scope, found.id),
          result: z.unknown(),
          purpose: purpose(`deleting the KV namespace ${found.title}`, "Edit"),
          signal: context.signal,
        });
      } catch (error) {
        if (!isAbsence(error, [10013])) throw error;
      }
      await forgetTags(context, { accountId: reference.scope, type: "kv_namespace", id: found.id });
    },
    outputs: (_desired: KvNamespaceDesired, observed: KvNamespaceObserved): KvNamespaceOutputs => ({
      id: observed.id,
      title: observed.title,
    }),
  });
