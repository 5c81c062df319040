/** An R2 bucket. Its name is its identity and unique in the account. */
import { z } from "zod";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { Reference, ResourceContext } from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { segment } from "./client.ts";
import { hasCode, isAbsence } from "./failures.ts";
import { moment } from "./marked.ts";
import { readCursor } from "./paging.ts";
import { deleteSomeObjects } from "./r2-objects.ts";
import { observeOwnership } from "./resource-tags.ts";
import { defineStorage } from "./storage.ts";
import type { Reading } from "./storage.ts";
import type { R2BucketDesired, R2BucketOutputs } from "./types.ts";

type Context = ResourceContext<CloudflareClient>;

const TAGGED = "r2_bucket";
const FIELD = "spec.cloudflare.r2";
/** "No such bucket". */
const ABSENT: readonly number[] = Object.freeze([10006]);

const bucketSchema = z.looseObject({ name: z.string() }).transform(({ name }) => ({ id: name, name }));
type Bucket = z.output<typeof bucketSchema>;
const listedSchema = z
  .looseObject({ name: z.string(), creation_date: z.string().nullish() })
  .transform(({ creation_date: createdOn, name }) => ({ id: name, name, createdAt: moment(createdOn) }));
type ListedBucket = z.output<typeof listedSchema>;

const pathOf = (accountId: string, name?: string): string =>
  `/accounts/${segment(accountId)}/r2/buckets${name === undefined ? "" : `/${segment(name)}`}`;

const purpose = (what: string, access: "Read" | "Edit") => ({
  what,
  permission: `Workers R2 Storage: ${access}`,
  field: FIELD,
});

function readAll({ client, signal }: Reading, accountId: string): Promise<ListedBucket[]> {
  return readCursor(client, {
    path: pathOf(accountId),
    query: { per_page: "1000" },
    result: z.looseObject({ buckets: z.array(listedSchema).nullish() }),
    pick: (result) => result.buckets ?? [],
    purpose: purpose("listing the account's R2 buckets", "Read"),
    signal,
  });
}

function find({ name, scope }: Reference, context: Context): Promise<Bucket | undefined> {
  const { client, signal } = context;
  return context.read<Bucket[], Bucket>({
    listing: scope,
    list: () => readAll(context, scope),
    find: (buckets) => (buckets.some((bucket) => bucket.name === name) ? { id: name, name } : undefined),
    single: async () => {
      try {
        const answer = await client.call({
          method: "GET",
          path: pathOf(scope, name),
          result: bucketSchema,
          purpose: purpose(`reading the R2 bucket ${name}`, "Read"),
          signal,
        });
        return answer.result;
      } catch (error) {
        if (isAbsence(error, ABSENT)) return undefined;
        throw error;
      }
    },
  });
}

function notDeleted(name: string, why: string, hint: string): FlaresmithError {
  return new FlaresmithError({
    code: "INTEGRATION_REJECTED",
    message: `deleting the R2 bucket ${name}: ${why}`,
    hint,
    field: FIELD,
    context: { provider: "cloudflare" },
  });
}

/** Deletes the bucket, or finds that there is none; false when it still holds something. */
async function deleteBucket(
  { name, scope }: Reference,
  { client, signal }: Pick<Context, "client" | "signal">,
): Promise<boolean> {
  try {
    await client.call({
      method: "DELETE",
      path: pathOf(scope, name),
      result: z.unknown(),
      purpose: purpose(`deleting the R2 bucket ${name}`, "Edit"),
      signal,
    });
  } catch (error) {
    if (hasCode(error, [10008])) return false;
    if (!isAbsence(error, ABSENT)) throw error;
  }
  return true;
}

/** Empties a bucket of copies, as far as one pass may, and deletes it once it is empty. */
async function emptyAndDelete(reference: Reference, context: Context): Promise<boolean> {
  const { name, scope } = reference;
  // The name is all that the inventory knows: without our marker the bucket may be one that somebody made since.
  const { marked } = await observeOwnership(context, { accountId: scope, type: TAGGED, id: name });
  if (marked === false)
    throw notDeleted(
      name,
      "it holds objects and does not carry our marker any more",
      "Empty the bucket, if it is not another's by now; then it is deleted.",
    );
  const { deleted, more } = await deleteSomeObjects(context, { accountId: scope, name, field: FIELD });
  if (more) return false;
  if (await deleteBucket(reference, context)) return true;
  // What was written in between goes in the next pass.
  if (deleted > 0) return false;
  throw notDeleted(
    name,
    "Cloudflare says that it is not empty, and lists no object",
    "Abort its multipart uploads that are under way, and remove its rules for event notifications; then it is deleted.",
  );
}

export const r2Bucket = defineStorage<R2BucketDesired, R2BucketOutputs>(
  {
    type: "r2Bucket",
    segment: "cloudflareR2Bucket",
    tagged: TAGGED,
    what: "R2 bucket",
    nameField: "name",
    nameOf: ({ name }) => name,
    find,
    list: readAll,
    create: async ({ accountId, name }, { client, signal }) => {
      const { result } = await client.call({
        method: "POST",
        path: pathOf(accountId),
        json: { name },
        result: bucketSchema,
        purpose: purpose(`creating the R2 bucket ${name}`, "Edit"),
        signal,
      });
      return result;
    },
    remove: async (reference, context) => {
      const { name } = reference;
      if (await deleteBucket(reference, context)) return name;
      if (context.disposable !== true)
        throw notDeleted(
          name,
          "it still holds objects",
          "Empty the bucket, or set deletionPolicy: Orphan to keep it.",
        );
      return (await emptyAndDelete(reference, context)) ? name : undefined;
    },
  },
  ({ name }) => ({ name }),
);
