/** A KV namespace. Cloudflare assigns the id; titles are unique in the account. */
import { z } from "zod";
import type { Reference, ResourceContext } from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { segment } from "./client.ts";
import { isAbsence } from "./failures.ts";
import { readPages } from "./paging.ts";
import { defineStorage } from "./storage.ts";
import type { Reading } from "./storage.ts";
import type { KvNamespaceDesired, KvNamespaceOutputs } from "./types.ts";

type Context = ResourceContext<CloudflareClient>;

/** "Namespace not found". */
const ABSENT: readonly number[] = Object.freeze([10013]);

const namespaceSchema = z
  .looseObject({ id: z.string(), title: z.string() })
  .transform(({ id, title }) => ({ id, name: title }));
type Namespace = z.output<typeof namespaceSchema>;

const pathOf = (accountId: string, id?: string): string =>
  `/accounts/${segment(accountId)}/storage/kv/namespaces${id === undefined ? "" : `/${segment(id)}`}`;

const purpose = (what: string, access: "Read" | "Edit") => ({
  what,
  permission: `Workers KV Storage: ${access}`,
  field: "spec.cloudflare.kv",
});

/** Cloudflare tells no time of creation. */
function readAll({ client, signal }: Reading, accountId: string): Promise<Namespace[]> {
  return readPages(client, {
    path: pathOf(accountId),
    perPage: 100,
    item: namespaceSchema,
    purpose: purpose("listing the account's KV namespaces", "Read"),
    signal,
  });
}

async function readOne(
  { client, signal }: Context,
  accountId: string,
  id: string,
): Promise<Namespace | undefined> {
  try {
    const answer = await client.call({
      method: "GET",
      path: pathOf(accountId, id),
      result: namespaceSchema,
      purpose: purpose(`reading the KV namespace ${id}`, "Read"),
      signal,
    });
    return answer.result;
  } catch (error) {
    if (isAbsence(error, ABSENT)) return undefined;
    throw error;
  }
}

/** By id, which outlives a rename; by title where no id is known. */
function find({ id, name, scope }: Reference, context: Context): Promise<Namespace | undefined> {
  const pick = (all: readonly Namespace[]): Namespace | undefined =>
    all.find((namespace) => (id === undefined ? namespace.name === name : namespace.id === id));
  return context.read<Namespace[], Namespace>({
    listing: scope,
    list: () => readAll(context, scope),
    find: pick,
    single: async () =>
      id === undefined ? pick(await readAll(context, scope)) : readOne(context, scope, id),
  });
}

export const kvNamespace = defineStorage<KvNamespaceDesired, KvNamespaceOutputs>(
  {
    type: "kvNamespace",
    segment: "cloudflareKvNamespace",
    tagged: "kv_namespace",
    what: "KV namespace",
    nameField: "title",
    nameOf: ({ title }) => title,
    find,
    list: readAll,
    create: async ({ accountId, title }, { client, signal }) => {
      const { result } = await client.call({
        method: "POST",
        path: pathOf(accountId),
        json: { title },
        result: namespaceSchema,
        purpose: purpose(`creating the KV namespace ${title}`, "Edit"),
        signal,
      });
      return result;
    },
    rename: async (accountId, from, title, { client, signal }) => {
      await client.call({
        method: "PUT",
        path: pathOf(accountId, from.id),
        json: { title },
        result: z.unknown(),
        purpose: purpose(`renaming the KV namespace ${from.name} to ${title}`, "Edit"),
        signal,
      });
    },
    remove: async (reference, context) => {
      const found = await find(reference, { ...context, fresh: true });
      if (!found) return undefined;
      const { client, signal } = context;
      try {
        await client.call({
          method: "DELETE",
          path: pathOf(reference.scope, found.id),
          result: z.unknown(),
          purpose: purpose(`deleting the KV namespace ${found.name}`, "Edit"),
          signal,
        });
      } catch (error) {
        if (!isAbsence(error, ABSENT)) throw error;
      }
      return found.id;
    },
  },
  ({ id, name }) => ({ id, title: name }),
);
