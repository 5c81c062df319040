/**
 * An R2 bucket. Its name is its identity and unique in the account. The marker is a tag (see resource-tags.ts): a shallow
 * look believes the inventory, a deep one reads the tags.
 */
import { z } from "zod";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
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
import { hasCode, isAbsence } from "./failures.ts";
import { readCursor } from "./paging.ts";
import { forgetTags, observeOwnership, restoreMarker, writeMarker } from "./resource-tags.ts";
import type { R2BucketDesired, R2BucketObserved, R2BucketOutputs } from "./types.ts";

type Context = ResourceContext<CloudflareClient>;

const FIELD = "spec.cloudflare.r2";
const bucketSchema = z.looseObject({ name: z.string(), creation_date: z.string().nullish() });
type Bucket = z.output<typeof bucketSchema>;

const bucketsPath = (accountId: string, name?: string): string =>
  `/accounts/${segment(accountId)}/r2/buckets${name === undefined ? "" : `/${segment(name)}`}`;

const purpose = (
  what: string,
  access: "Read" | "Edit",
): { what: string; permission: string; field: string } => ({
  what,
  permission: `Workers R2 Storage: ${access}`,
  field: FIELD,
});

function find(reference: Reference, context: Context): Promise<Bucket | undefined> {
  const { name, scope } = reference;
  return context.read<Bucket[], Bucket>({
    listing: scope,
    list: () =>
      readCursor(context.client, {
        path: bucketsPath(scope),
        query: { per_page: "1000" },
        result: z.looseObject({ buckets: z.array(bucketSchema).nullish() }),
        pick: (result) => result.buckets ?? [],
        purpose: purpose("listing the account's R2 buckets", "Read"),
        signal: context.signal,
      }),
    find: (buckets) => buckets.find((bucket) => bucket.name === name),
    single: async () => {
      try {
        const answer = await context.client.call({
          method: "GET",
          path: bucketsPath(scope, name),
          result: bucketSchema,
          purpose: purpose(`reading the R2 bucket ${name}`, "Read"),
          signal: context.signal,
        });
        return answer.result;
      } catch (error) {
        if (isAbsence(error, [10006])) return undefined;
        throw error;
      }
    },
  });
}

async function observe(reference: Reference, context: Context): Promise<Observation<R2BucketObserved>> {
  const found = await find(reference, context);
  if (!found) return { state: "absent" };
  const { depth, marked, owner } = await observeOwnership(context, {
    accountId: reference.scope,
    type: "r2_bucket",
    id: found.name,
  });
  return {
    state: "present",
    id: found.name,
    owner,
    observed: { name: found.name, createdOn: found.creation_date ?? "", marked },
    depth,
  };
}

async function create(desired: R2BucketDesired, context: Context): Promise<WriteResult<R2BucketObserved>> {
  const { accountId, name } = desired;
  const { result } = await context.client.call({
    method: "POST",
    path: bucketsPath(accountId),
    json: { name },
    result: bucketSchema,
    purpose: purpose(`creating the R2 bucket ${name}`, "Edit"),
    signal: context.signal,
  });
  // The bucket exists now, whatever becomes of its tag: the next look sees that the marker is missing.
  const marked = await writeMarker(context, {
    accountId,
    type: "r2_bucket",
    id: name,
    what: `R2 bucket ${name}`,
    current: undefined,
  }).catch(() => false);
  return {
    id: result.name,
    observed: { name: result.name, createdOn: result.creation_date ?? "", marked: marked ? true : undefined },
  };
}

async function update(
  desired: R2BucketDesired,
  observed: R2BucketObserved,
  context: Context,
): Promise<WriteResult<R2BucketObserved>> {
  const { accountId, name } = desired;
  await restoreMarker(context, { accountId, type: "r2_bucket", id: name, what: `R2 bucket ${name}` });
  return { id: name, observed: { ...observed, marked: undefined } };
}

function stillFull(name: string, cause: unknown): FlaresmithError {
  return new FlaresmithError({
    code: "INTEGRATION_REJECTED",
    message: `deleting the R2 bucket ${name}: it still holds objects`,
    hint: "Empty the bucket, or set deletionPolicy: Orphan to keep it.",
    field: FIELD,
    context: { provider: "cloudflare" },
    cause,
  });
}

export const r2Bucket: ResourceDefinition<R2BucketDesired, R2BucketObserved, CloudflareClient> =
  Object.freeze({
    provider: "cloudflare",
    type: "r2Bucket",
    segment: "cloudflareR2Bucket",
    holds: "data",
    ownership: "marked",
    fields: Object.freeze({ name: "shallow", marker: "deep" }),
    reference: (desired: R2BucketDesired): Reference => ({ scope: desired.accountId, name: desired.name }),
    observe,
    diff: (_desired: R2BucketDesired, observed: R2BucketObserved): FieldChange[] =>
      observed.marked === false ? [{ field: "marker", effect: "in-place" }] : [],
    create,
    update: (desired: R2BucketDesired, observed: R2BucketObserved, _changes: unknown, context: Context) =>
      update(desired, observed, context),
    remove: async (reference: Reference, context: Context): Promise<void> => {
      try {
        await context.client.call({
          method: "DELETE",
          path: bucketsPath(reference.scope, reference.name),
          result: z.unknown(),
          purpose: purpose(`deleting the R2 bucket ${reference.name}`, "Edit"),
          signal: context.signal,
        });
      } catch (error) {
        if (hasCode(error, [10008])) throw stillFull(reference.name, error);
        if (!isAbsence(error, [10006])) throw error;
      }
      await forgetTags(context, { accountId: reference.scope, type: "r2_bucket", id: reference.name });
    },
    outputs: (desired: R2BucketDesired): R2BucketOutputs => ({ name: desired.name }),
  });
