/** Every managed field of the resource types at Cloudflare, with how somebody else changes it. */
import type { FieldId, ManagedField } from "./managed-field.ts";
import { managedField } from "./managed-field.ts";
import type { Fields, Outsider } from "./outsider.ts";
import { scriptOf, stateOf } from "./outsider.ts";
import type { World } from "../support/world.ts";

type Sandboxed = Pick<World, "sandbox">;
const PROJECT = ["Project", "shop"] as const;
const STAGING = ["Environment", "shop-staging"] as const;
const PREVIEW = ["Preview", "shop-pr-1"] as const;

const WORKER = "shop-api-staging";
const SCRIPT = `/workers/scripts/${WORKER}`;

/** A module Worker as somebody else uploads it. */
function otherUpload(metadata: Fields): FormData {
  const form = new FormData();
  form.set(
    "metadata",
    new Blob([JSON.stringify({ main_module: "index.js", compatibility_date: "2026-01-01", ...metadata })], {
      type: "application/json",
    }),
  );
  const code = 'export default { fetch() { return new Response("not ours"); } };';
  form.set("index.js", new Blob([code], { type: "application/javascript+module" }), "index.js");
  return form;
}

/** What a Worker is, as far as an upload decides it, told by the sandbox itself: values of secrets are in it. */
function serving(world: Sandboxed): Fields {
  const { assets, bindings, compatibilityDate, compatibilityFlags, etag, observability, secrets } = scriptOf(
    world,
    WORKER,
  );
  const sorted = bindings.toSorted((a, b) => (String(a["name"]) < String(b["name"]) ? -1 : 1));
  return { assets, bindings: sorted, compatibilityDate, compatibilityFlags, etag, observability, secrets };
}

function servingPreview(world: Sandboxed): Fields {
  const [preview] = scriptOf(world, WORKER).previews;
  if (!preview) throw new Error("no preview");
  const { assets, bindings, compatibilityDate, compatibilityFlags, etag, secrets } = preview;
  const sorted = bindings.toSorted((a, b) => (String(a["name"]) < String(b["name"]) ? -1 : 1));
  return { assets, bindings: sorted, compatibilityDate, compatibilityFlags, etag, secrets };
}

interface Settings extends Fields {
  bindings: Fields[];
}

/** Every binding that is there, as a request that keeps it. */
async function keptBindings(other: Outsider): Promise<Fields[]> {
  const { bindings } = await other.cloudflare<Settings>("GET", `${SCRIPT}/settings`);
  return bindings.map(({ name, type, ...rest }) =>
    type === "secret_text" || type === "assets" ? { name, type: "inherit" } : { name, type, ...rest },
  );
}

/**
 * A field of the Worker. By hand it is changed back by nothing less than the upload that made it, so `restores` tells
 * whether writing what was read is possible at all.
 */
const ofWorker = (
  world: Sandboxed,
  id: string,
  change: (other: Outsider) => Promise<unknown>,
): ManagedField => ({
  id: `cloudflare/worker:${id}`,
  object: STAGING,
  read: () => Promise.resolve(serving(world)),
  write: change,
  changed: () => undefined,
  ...(id === "bindingsPolicy" ? { named: "bindings.EXTRA" } : {}),
});

const settings = (world: Sandboxed, id: string, patch: Fields): ManagedField =>
  ofWorker(world, id, (other) => other.cloudflare("PATCH", `${SCRIPT}/settings`, patch));

const rebound = (world: Sandboxed, id: string, change: (bindings: Fields[]) => Fields[]): ManagedField =>
  ofWorker(world, id, async (other) =>
    other.cloudflare("PATCH", `${SCRIPT}/settings`, { bindings: change(await keptBindings(other)) }),
  );

const replaced = (name: string, change: Fields) => (bindings: Fields[]) =>
  bindings.map((binding) => (binding["name"] === name ? { ...binding, ...change } : binding));

const tagsOf = async (other: Outsider): Promise<string[]> =>
  (await other.cloudflare<{ tags: string[] }>("GET", `${SCRIPT}/script-settings`)).tags;

/** The uploaded state of the Worker: whatever is changed, the next upload puts everything back. */
export function workerFields(world: Sandboxed): ManagedField[] {
  return [
    ofWorker(world, "code", (other) => {
      const { main_module: _, ...form } = { main_module: "index.js" };
      return other.cloudflare("PUT", `${SCRIPT}/content`, otherUpload(form));
    }),
    settings(world, "compatibilityDate", { compatibility_date: "2025-06-01" }),
    settings(world, "compatibilityFlags", { compatibility_flags: [] }),
    ofWorker(world, "observability", (other) =>
      other.cloudflare("PATCH", `${SCRIPT}/script-settings`, { observability: { enabled: false } }),
    ),
    ofWorker(world, "assets", async (other) =>
      other.cloudflare(
        "PUT",
        SCRIPT,
        otherUpload({
          tags: await tagsOf(other),
          bindings: (await keptBindings(other)).filter(({ name }) => name !== "ASSETS"),
        }),
      ),
    ),
    rebound(world, "vars", replaced("GREETING", { text: "good bye" })),
    rebound(world, "bindings", (bindings) => bindings.filter(({ name }) => name !== "CACHE")),
    rebound(world, "bindingsPolicy", (bindings) => [
      ...bindings,
      { name: "EXTRA", type: "plain_text", text: "x" },
    ]),
    ofWorker(world, "secrets", (other) =>
      other.cloudflare("PUT", `${SCRIPT}/secrets`, {
        name: "STRIPE_KEY",
        type: "secret_text",
        text: "not ours",
      }),
    ),
    ofWorker(world, "secrets", (other) => other.cloudflare("DELETE", `${SCRIPT}/secrets/STRIPE_KEY`)),
  ];
}

/** The hash in the tag is the only witness of what was uploaded once the inventory is lost. */
const hash: ManagedField = managedField<string[]>({
  id: "cloudflare/worker:hash",
  object: STAGING,
  read: async (other) => (await tagsOf(other)).toSorted(),
  write: (other, tags) => other.cloudflare("PATCH", `${SCRIPT}/script-settings`, { tags }),
  changed: (tags) =>
    tags.map((tag) => (/[0-9a-f]{40}/.test(tag) ? tag.replace(/[0-9a-f]{40}/, "0".repeat(40)) : tag)),
});

const PREVIEWS = `/workers/workers/${WORKER}/previews`;

async function previewPath(other: Outsider): Promise<string> {
  const [preview] = await other.cloudflare<{ id: string }[]>("GET", PREVIEWS);
  if (!preview) throw new Error("no preview");
  return `${PREVIEWS}/${preview.id}`;
}

/** Deployments of a preview cannot be changed, only followed by another one. */
const ofPreview = (world: Sandboxed, id: string, deployment: Fields): ManagedField => ({
  id: `cloudflare/preview:${id}`,
  object: PREVIEW,
  read: () => Promise.resolve(servingPreview(world)),
  write: async (other) => other.cloudflare("POST", `${await previewPath(other)}/deployments`, deployment),
  changed: () => undefined,
  // Values of secrets cannot be read: that somebody deployed after us is what is seen.
  ...(id === "secrets" ? { named: "code" } : {}),
});

const code = Buffer.from('export default { fetch() { return new Response("not ours"); } };').toString(
  "base64",
);
const otherDeployment = {
  main_module: "index.js",
  compatibility_date: "2026-01-01",
  compatibility_flags: ["nodejs_compat"],
  modules: [{ name: "index.js", content_type: "application/javascript+module", content_base64: code }],
};

export function previewFields(world: Sandboxed): ManagedField[] {
  return [
    ofPreview(world, "code", otherDeployment),
    ofPreview(world, "compatibilityDate", { ...otherDeployment, compatibility_date: "2025-06-01" }),
    ofPreview(world, "compatibilityFlags", { ...otherDeployment, compatibility_flags: [] }),
    ofPreview(world, "assets", otherDeployment),
    ofPreview(world, "vars", {
      ...otherDeployment,
      env: { GREETING: { type: "plain_text", text: "good bye" } },
    }),
    ofPreview(world, "bindings", { ...otherDeployment, env: { CACHE: { type: "plain_text", text: "no" } } }),
    ofPreview(world, "secrets", {
      ...otherDeployment,
      env: { DATABASE_URL: { type: "secret_text", text: "no" } },
    }),
  ];
}

const previewLayer = (id: string, field: string, changed: (value: unknown) => unknown): ManagedField =>
  managedField<unknown>({
    id: `cloudflare/preview:${id}`,
    object: PREVIEW,
    read: async (other) => (await other.cloudflare("GET", await previewPath(other)))[field],
    write: async (other, value) => other.cloudflare("PATCH", await previewPath(other), { [field]: value }),
    changed,
  });

const KV = "/storage/kv/namespaces";

interface Tagged {
  type: string;
  id: string;
}

const tag = (
  id: FieldId,
  object: readonly [string, string],
  find: (other: Outsider) => Promise<Tagged>,
): ManagedField =>
  managedField<Fields>({
    id,
    object,
    read: async (other) => {
      const { id: resource, type } = await find(other);
      const path = `/tags?resource_type=${type}&resource_id=${resource}`;
      // Tags of others are theirs, and stay.
      return { flaresmith: (await other.cloudflare<{ tags: Fields }>("GET", path)).tags["flaresmith"] };
    },
    write: async (other, tags) => {
      const { id: resource_id, type: resource_type } = await find(other);
      return other.cloudflare("PUT", "/tags", { resource_id, resource_type, tags });
    },
    changed: () => ({ team: "somebody" }),
  });

interface Route {
  id: string;
  pattern: string;
  script: string | null;
}

/** Fields at Cloudflare that can be changed and changed back one by one. */
export function cloudflareFields(world: Sandboxed): ManagedField[] {
  const kvId = (title: string): string => {
    const found = stateOf(world).cloudflare.accounts[0]?.kv.find((one) => one.title === title);
    if (!found) throw new Error(`no KV namespace ${title}`);
    return found.id;
  };
  const cache = kvId("shop-cache-staging");
  const flags = kvId("shop-flags");
  const title = (id: string, object: readonly [string, string]): ManagedField =>
    managedField<string>({
      id: "cloudflare/kvNamespace:title",
      object,
      read: async (other) => (await other.cloudflare<{ title: string }>("GET", `${KV}/${id}`)).title,
      write: (other, name) => other.cloudflare("PUT", `${KV}/${id}`, { title: name }),
      changed: (name) => `${name}-renamed`,
    });
  const subdomain = (id: string, change: Fields): ManagedField =>
    managedField<Fields>({
      id: `cloudflare/workerSubdomain:${id}`,
      object: STAGING,
      read: (other) => other.cloudflare("GET", `${SCRIPT}/subdomain`),
      write: (other, value) => other.cloudflare("POST", `${SCRIPT}/subdomain`, value),
      changed: (value) => ({ ...value, ...change }),
    });
  return [
    hash,
    previewLayer("observability", "observability", () => ({ enabled: false })),
    previewLayer("hash", "tags", (tags) =>
      (tags as string[]).map((one) => one.replace(/[0-9a-f]{40}/, "0".repeat(40))),
    ),
    title(cache, STAGING),
    title(flags, PROJECT),
    tag("cloudflare/kvNamespace:marker", STAGING, () => Promise.resolve({ type: "kv_namespace", id: cache })),
    tag("cloudflare/r2Bucket:marker", STAGING, () =>
      Promise.resolve({ type: "r2_bucket", id: "shop-files-staging" }),
    ),
    subdomain("workersDev", { enabled: false }),
    subdomain("previews", { previews_enabled: false }),
    managedField<string[]>({
      id: "cloudflare/schedules:crons",
      object: STAGING,
      read: async (other) =>
        (
          await other.cloudflare<{ schedules: { cron: string }[] }>("GET", `${SCRIPT}/schedules`)
        ).schedules.map(({ cron }) => cron),
      write: (other, crons) =>
        other.cloudflare(
          "PUT",
          `${SCRIPT}/schedules`,
          crons.map((cron) => ({ cron })),
        ),
      changed: () => ["*/5 * * * *"],
    }),
    managedField<Omit<Route, "id">[]>({
      id: "cloudflare/routes:routes",
      object: STAGING,
      read: async (other) =>
        (await other.zone<Route[]>("GET", "/workers/routes"))
          .filter(({ pattern }) => pattern.startsWith("staging."))
          .map(({ pattern, script }) => ({ pattern, script })),
      write: async (other, wanted) => {
        for (const { id, pattern } of await other.zone<Route[]>("GET", "/workers/routes"))
          if (pattern.startsWith("staging.")) await other.zone("DELETE", `/workers/routes/${id}`);
        for (const route of wanted) await other.zone("POST", "/workers/routes", route);
      },
      changed: () => [],
    }),
    managedField<{ hostname: string; service: string }[]>({
      id: "cloudflare/domains:domains",
      object: STAGING,
      read: async (other) =>
        (await other.cloudflare<{ hostname: string; service: string }[]>("GET", "/workers/domains"))
          .filter(({ hostname }) => hostname.startsWith("staging-"))
          .map(({ hostname, service }) => ({ hostname, service })),
      write: async (other, wanted) => {
        for (const { hostname, id } of await other.cloudflare<{ id: string; hostname: string }[]>(
          "GET",
          "/workers/domains",
        ))
          if (hostname.startsWith("staging-")) await other.cloudflare("DELETE", `/workers/domains/${id}`);
        for (const domain of wanted)
          await other.cloudflare("PUT", "/workers/domains", { ...domain, zone_name: "acme.example" });
      },
      changed: () => [],
    }),
  ];
}

/** Fields at Cloudflare that nobody can change on what exists, with the reason. */
export const cloudflareFixed: Readonly<Record<string, string>> = Object.freeze({
  "cloudflare/r2Bucket:name": "a bucket cannot be renamed: see what is deleted",
});
