import type { RepositoryCall, RepositoryRoute, Requirement } from "../call.ts";
import { failure, notFound, type Reply } from "../failure.ts";
import { paginate, text } from "../page.ts";
import type { SecretRecord } from "../records.ts";
import { keyOf, openSealedBox, publicKeyOf } from "../sealed-box.ts";
import { isoTime } from "../world.ts";
import { environmentOf } from "./environments.ts";
import { storedName } from "./variables.ts";

/** docs: "Secrets reference". */
const LARGEST_VALUE = 48 * 1024;
const MOST = 100;

interface Place {
  kind: "repository" | "environment";
  path: string;
  read: Requirement;
  write: Requirement;
}

function scopeOf(call: RepositoryCall, place: Place): string {
  return place.kind === "repository"
    ? `repository:${call.repository.id}`
    : `environment:${environmentOf(call).id}`;
}

function view(item: SecretRecord): Record<string, unknown> {
  return { name: item.name, created_at: isoTime(item.createdAt), updated_at: isoTime(item.updatedAt) };
}

function find(call: RepositoryCall, place: Place): { scope: string; item: SecretRecord } {
  const scope = scopeOf(call, place);
  const secrets = call.world.secrets(scope);
  const key = (call.parameters["secret_name"] ?? "").toUpperCase();
  const item = call.method === "GET" ? secrets.get(key) : secrets.latest(key);
  if (!item) throw notFound();
  return { scope, item };
}

function list(call: RepositoryCall, place: Place): Reply {
  const all = call.world
    .secrets(scopeOf(call, place))
    .values()
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
  const tail = place.path.replace(
    ":environment_name",
    encodeURIComponent(call.parameters["environment_name"] ?? ""),
  );
  const { items, headers } = paginate(call, `/repositories/${call.repository.id}${tail}`, all);
  return { status: 200, body: { total_count: all.length, secrets: items.map(view) }, headers };
}

function put(call: RepositoryCall, place: Place): Reply {
  const { world, body } = call;
  const scope = scopeOf(call, place);
  const name = storedName(call.parameters["secret_name"] ?? "", "Secret");
  const key = keyOf(world, scope);
  if (text(body, "key_id") !== key.keyId)
    throw failure(422, "Bad request - validation failed due to an improperly encrypted secret");
  const plaintext = openSealedBox(key, text(body, "encrypted_value"));
  if (plaintext === undefined)
    throw failure(422, "Bad request - validation failed due to an improperly encrypted secret");
  if (Buffer.byteLength(plaintext) > LARGEST_VALUE)
    throw failure(422, "Secret value is too large: at most 48 KB are allowed.");
  const secrets = world.secrets(scope);
  const known = secrets.latest(name);
  if (!known && secrets.latestValues().length >= MOST)
    throw failure(422, `Secret limit reached: at most ${MOST} secrets per ${place.kind}.`);
  const now = world.now();
  // A second write of the same value is a write: the service cannot compare what clients seal anew each time.
  secrets.set(name, { name, plaintext, createdAt: known?.createdAt ?? now, updatedAt: now });
  return known ? { status: 204 } : { status: 201, body: {} };
}

const PLACES: readonly Place[] = [
  { kind: "repository", path: "/actions/secrets", read: { secrets: "read" }, write: { secrets: "write" } },
  {
    kind: "environment",
    path: "/environments/:environment_name/secrets",
    read: { environments: "read" },
    write: { environments: "write" },
  },
];

/** Actions secrets of repositories and environments: sealed on the way in, never readable. */
export const secretRoutes: readonly RepositoryRoute[] = PLACES.flatMap((place): RepositoryRoute[] => {
  const { path } = place;
  const one = `${path}/:secret_name`;
  return [
    {
      scope: "repository",
      method: "GET",
      path,
      requires: place.read,
      settled: true,
      handler: (call) => list(call, place),
    },
    {
      scope: "repository",
      method: "GET",
      path: `${path}/public-key`,
      requires: place.read,
      settled: true,
      handler: (call) => {
        const key = keyOf(call.world, scopeOf(call, place));
        return { status: 200, body: { key_id: key.keyId, key: publicKeyOf(key) } };
      },
    },
    {
      scope: "repository",
      method: "GET",
      path: one,
      requires: place.read,
      settled: true,
      handler: (call) => ({ status: 200, body: view(find(call, place).item) }),
    },
    {
      scope: "repository",
      method: "PUT",
      path: one,
      requires: place.write,
      settled: true,
      handler: (call) => put(call, place),
    },
    {
      scope: "repository",
      method: "DELETE",
      path: one,
      requires: place.write,
      settled: true,
      handler: (call) => {
        const { scope, item } = find(call, place);
        call.world.secrets(scope).delete(item.name);
        return { status: 204 };
      },
    },
  ];
});
