/**
 * Actions secrets of a repository or of one environment, as one set: those of others stay. Values are never readable,
 * so a secret is rewritten when its keyed hash differs from the one remembered, when it is missing, or when GitHub says
 * that it was written later than by us. It is never written without the plaintext at hand.
 */
import type { FieldChange, InventoryEntry, ResourceContext, WriteResult } from "../engine/resource.ts";
import type { SecretValue } from "../../controller/runtime/secret-value.ts";
import type { GitHubClient } from "./client.ts";
import {
  byStoredName,
  defineSet,
  describePlace,
  pathOf,
  placeOf,
  referenceOf,
  runSteps,
  writtenNames,
} from "./ensured-set.ts";
import type { Place } from "./ensured-set.ts";
import { listOrAbsent } from "./listing.ts";
import type { ReadContext } from "./repository-access.ts";
import { seal } from "./sealed-box.ts";
import type { SecretsDesired, SecretsObserved } from "./types.ts";

type Context = ResourceContext<GitHubClient>;

async function read(context: ReadContext, place: Place): Promise<SecretsObserved | undefined> {
  const { environment } = place;
  const path = pathOf(place);
  const items = await listOrAbsent(
    context,
    { what: `listing the secrets of ${describePlace(place)}`, repository: place.repository },
    (request, page) =>
      environment === undefined
        ? request("GET /repos/{owner}/{repo}/actions/secrets", { ...path, per_page: 100, page })
        : request("GET /repos/{owner}/{repo}/environments/{environment_name}/secrets", {
            ...path,
            environment_name: environment,
            per_page: 100,
            page,
          }),
    (data) => data.secrets,
  );
  return (
    items && {
      updatedAt: Object.fromEntries(items.map((item) => [item.name.toUpperCase(), item.updated_at])),
    }
  );
}

interface Remembered {
  hash: string;
  /** Milliseconds since the epoch: GitHub's clock when we wrote it. */
  at: number;
}

/** `<hash>@<RFC 3339>` of the inventory. */
function remembered(entry: InventoryEntry | undefined, name: string): Remembered | undefined {
  const text = entry?.data?.[name];
  const cut = text?.lastIndexOf("@") ?? -1;
  if (text === undefined || cut < 0) return undefined;
  return { hash: text.slice(0, cut), at: Date.parse(text.slice(cut + 1)) };
}

/** Why a secret must be written; undefined when it need not. */
function reason(
  name: string,
  value: SecretValue,
  observed: SecretsObserved,
  entry: InventoryEntry | undefined,
): string | undefined {
  const updatedAt = observed.updatedAt[name];
  if (updatedAt === undefined) return "missing";
  const known = remembered(entry, name);
  if (known === undefined) return "of unknown value";
  if (known.hash !== value.hash) return "of an older value";
  return Date.parse(updatedAt) > known.at ? "changed by someone else" : undefined;
}

/** Wanted secrets that must be written. */
function due(
  { values }: SecretsDesired,
  observed: SecretsObserved,
  entry: InventoryEntry | undefined,
): [string, SecretValue][] {
  return [...byStoredName(values, "secret")].filter(
    ([name, value]) => reason(name, value, observed, entry) !== undefined,
  );
}

function diff(
  desired: SecretsDesired,
  observed: SecretsObserved,
  entry: InventoryEntry | undefined,
): FieldChange[] {
  const wanted = byStoredName(desired.values, "secret");
  const changes: FieldChange[] = [];
  for (const [name, value] of wanted) {
    const from = reason(name, value, observed, entry);
    if (from !== undefined) changes.push({ field: `secrets.${name}`, effect: "in-place", from });
  }
  for (const name of writtenNames(entry)) {
    if (!wanted.has(name))
      changes.push({ field: `secrets.${name}`, effect: "in-place", from: "not in the spec any more" });
  }
  return changes;
}

async function publicKey(place: Place, context: Context): Promise<{ key_id: string; key: string }> {
  const { client, signal } = context;
  const { environment } = place;
  const path = pathOf(place);
  const answer = await client.call(
    { what: `reading the public key for secrets of ${describePlace(place)}`, signal },
    (request) =>
      environment === undefined
        ? request("GET /repos/{owner}/{repo}/actions/secrets/public-key", path)
        : request("GET /repos/{owner}/{repo}/environments/{environment_name}/secrets/public-key", {
            ...path,
            environment_name: environment,
          }),
  );
  return answer.data;
}

/** @returns GitHub's clock when it answered, in milliseconds since the epoch */
async function put(
  place: Place,
  name: string,
  sealed: { encrypted_value: string; key_id: string },
  context: Context,
): Promise<number> {
  const { client, signal, clock } = context;
  const { environment } = place;
  const path = pathOf(place);
  const { headers } = await client.call(
    { what: `writing the secret ${name} of ${describePlace(place)}`, signal, write: true },
    (request) =>
      environment === undefined
        ? request("PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}", {
            ...path,
            secret_name: name,
            ...sealed,
          })
        : request("PUT /repos/{owner}/{repo}/environments/{environment_name}/secrets/{secret_name}", {
            ...path,
            environment_name: environment,
            secret_name: name,
            ...sealed,
          }),
  );
  const date = Date.parse(headers["date"] ?? "");
  return Number.isNaN(date) ? clock.now() : date;
}

async function drop(place: Place, name: string, context: Context): Promise<void> {
  const { client, signal } = context;
  const { environment } = place;
  const path = pathOf(place);
  await client.attempt(
    { what: `deleting the secret ${name} of ${describePlace(place)}`, signal, write: true, tolerate: [404] },
    (request) =>
      environment === undefined
        ? request("DELETE /repos/{owner}/{repo}/actions/secrets/{secret_name}", {
            ...path,
            secret_name: name,
          })
        : request("DELETE /repos/{owner}/{repo}/environments/{environment_name}/secrets/{secret_name}", {
            ...path,
            environment_name: environment,
            secret_name: name,
          }),
  );
}

async function write(
  desired: SecretsDesired,
  observed: SecretsObserved,
  context: Context,
): Promise<WriteResult<SecretsObserved>> {
  const reference = referenceOf(desired);
  const place = placeOf(reference);
  const wanted = byStoredName(desired.values, "secret");
  const data = { ...context.entry?.data };
  const dueNow = due(desired, observed, context.entry);
  const writtenAt = new Map<string, number>();
  const obsolete = writtenNames(context.entry).filter((name) => !wanted.has(name));
  if (dueNow.length === 0 && obsolete.length === 0)
    return { id: reference.name, name: reference.name, observed, data };
  const sealing = dueNow.length === 0 ? undefined : await publicKey(place, context);
  const failed = await runSteps([
    ...dueNow.map(([name, value]) => async () => {
      if (!sealing) return;
      const sealed = { encrypted_value: seal(value.reveal(), sealing.key), key_id: sealing.key_id };
      writtenAt.set(name, await put(place, name, sealed, context));
    }),
    ...obsolete.map((name) => async () => {
      if (observed.updatedAt[name] !== undefined) await drop(place, name, context);
      delete data[name];
    }),
  ]);
  // The time GitHub shows may be a second after the one of its answer, and the listing may lag behind: the later counts.
  const after = (await read(context, place)) ?? { updatedAt: {} };
  for (const [name, value] of dueNow) {
    const answered = writtenAt.get(name);
    if (answered === undefined) continue;
    const shown = Date.parse(after.updatedAt[name] ?? "");
    const at = Math.max(answered, Number.isNaN(shown) ? 0 : shown);
    data[name] = `${value.hash}@${new Date(at).toISOString().replace(".000Z", "Z")}`;
  }
  const result = { id: reference.name, name: reference.name, observed: after, data };
  return failed === undefined ? result : { ...result, pending: failed };
}

/** The set is there whenever its repository or environment is. `entry.data` holds `NAME -> <hash>@<time written>`. */
export const secrets = defineSet<SecretsDesired, SecretsObserved>({
  type: "secrets",
  segment: "githubSecrets",
  rule: "write-only",
  empty: { updatedAt: {} },
  read,
  diff,
  due: (desired, observed, entry) => due(desired, observed, entry).map(([name]) => name),
  write,
  drop,
});
