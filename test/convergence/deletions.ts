/** Every type of external resource, with how somebody else deletes it. */
import type { Outsider } from "./outsider.ts";
import { neonBranchOf, neonBranchesOf, neonProjectOf, scriptOf, scriptsOf, stateOf } from "./outsider.ts";
import type { World } from "../support/world.ts";

const PROJECT = ["Project", "shop"] as const;
const STAGING = ["Environment", "shop-staging"] as const;
const PREVIEW = ["Preview", "shop-pr-1"] as const;

/** One resource that is deleted behind the controller's back. */
export interface Deletion {
  /** As definitions are named: `github/repository`. */
  type: `${string}/${string}`;
  object: readonly [kind: string, name: string];
  exists: (world: World, other: Outsider) => Promise<boolean> | boolean;
  remove: (world: World, other: Outsider) => Promise<unknown>;
  /** Holds data or code: what the condition says, instead of a new and empty one. */
  asks?: RegExp;
  /** Seen at the deep pass only. */
  deep?: true;
}

const SHOP = "/repos/acme/shop";
const ASKS = /held (data|code) and was deleted by someone else.*flaresmith\.dev\/confirm: [0-9a-z]+/;

interface Named {
  id: number;
  name: string;
}

async function there(other: Outsider, path: string): Promise<boolean> {
  try {
    await other.github("GET", path);
    return true;
  } catch {
    return false;
  }
}

const github: readonly Deletion[] = [
  {
    type: "github/environment",
    object: STAGING,
    exists: (_, other) => there(other, `${SHOP}/environments/staging`),
    remove: (_, other) => other.github("DELETE", `${SHOP}/environments/staging`),
  },
  {
    type: "github/ruleset",
    object: PROJECT,
    exists: async (_, other) => (await other.github<Named[]>("GET", `${SHOP}/rulesets`)).length === 1,
    remove: async (_, other) => {
      for (const { id } of await other.github<Named[]>("GET", `${SHOP}/rulesets`))
        await other.github("DELETE", `${SHOP}/rulesets/${id}`);
    },
  },
  {
    type: "github/webhook",
    object: PROJECT,
    exists: async (_, other) => (await other.github<Named[]>("GET", `${SHOP}/hooks`)).length === 1,
    remove: async (_, other) => {
      for (const { id } of await other.github<Named[]>("GET", `${SHOP}/hooks`))
        await other.github("DELETE", `${SHOP}/hooks/${id}`);
    },
  },
  {
    type: "github/variables",
    object: PROJECT,
    exists: (_, other) => there(other, `${SHOP}/actions/variables/REGION`),
    remove: (_, other) => other.github("DELETE", `${SHOP}/actions/variables/REGION`),
  },
  {
    type: "github/secrets",
    object: PROJECT,
    exists: (_, other) => there(other, `${SHOP}/actions/secrets/NPM_TOKEN`),
    remove: (_, other) => other.github("DELETE", `${SHOP}/actions/secrets/NPM_TOKEN`),
  },
  {
    type: "github/gitBranch",
    object: STAGING,
    exists: (_, other) => there(other, `${SHOP}/git/ref/heads/staging`),
    remove: (_, other) => other.github("DELETE", `${SHOP}/git/refs/heads/staging`),
    asks: ASKS,
  },
  {
    type: "github/repository",
    object: PROJECT,
    exists: (_, other) => there(other, SHOP),
    remove: (_, other) => other.github("DELETE", SHOP),
    // A 404 may also be a token that sees less: whether it is gone is for people to say.
    asks: /acme\/shop.*flaresmith\.dev\/confirm-gone: "[0-9]+"/,
  },
];

const neon: readonly Deletion[] = [
  {
    type: "neon/branch",
    object: PREVIEW,
    exists: (world) => neonBranchesOf(world).has("preview/pr-1"),
    remove: (world, other) =>
      other.neon(
        "DELETE",
        `/projects/${neonProjectOf(world).id}/branches/${neonBranchOf(world, "preview/pr-1").id}`,
      ),
  },
  {
    type: "neon/branch",
    object: ["Environment", "shop-dev"],
    exists: (world) => neonBranchesOf(world).has("dev"),
    remove: (world, other) =>
      other.neon("DELETE", `/projects/${neonProjectOf(world).id}/branches/${neonBranchOf(world, "dev").id}`),
    asks: ASKS,
  },
  {
    type: "neon/project",
    object: PROJECT,
    exists: (world) => stateOf(world).neon.projects.some((project) => project.deletedAt === undefined),
    remove: async (world, other) => {
      const { branches, id } = neonProjectOf(world);
      for (const branch of branches.filter(({ protected: isProtected }) => isProtected === true))
        await other.neon("PATCH", `/projects/${id}/branches/${branch.id}`, { branch: { protected: false } });
      await other.neon("DELETE", `/projects/${id}`);
    },
    asks: ASKS,
  },
];

const WORKER = "shop-api-staging";
const SCRIPT = `/workers/scripts/${WORKER}`;

interface Listed {
  id: string;
  title?: string;
  name?: string;
  pattern?: string;
  hostname?: string;
}

const cloudflare: readonly Deletion[] = [
  {
    type: "cloudflare/preview",
    object: PREVIEW,
    exists: (world) => scriptOf(world, WORKER).previews.length === 1,
    remove: async (_, other) => {
      for (const { id } of await other.cloudflare<Listed[]>("GET", `/workers/workers/${WORKER}/previews`))
        await other.cloudflare("DELETE", `/workers/workers/${WORKER}/previews/${id}`);
    },
  },
  {
    type: "cloudflare/routes",
    object: STAGING,
    exists: async (_, other) =>
      (await other.zone<Listed[]>("GET", "/workers/routes")).some(({ pattern }) =>
        pattern?.startsWith("staging."),
      ),
    remove: async (_, other) => {
      for (const { id, pattern } of await other.zone<Listed[]>("GET", "/workers/routes"))
        if (pattern?.startsWith("staging.")) await other.zone("DELETE", `/workers/routes/${id}`);
    },
  },
  {
    type: "cloudflare/domains",
    object: STAGING,
    exists: async (_, other) =>
      (await other.cloudflare<Listed[]>("GET", "/workers/domains")).some(({ hostname }) =>
        hostname?.startsWith("staging-"),
      ),
    remove: async (_, other) => {
      for (const { hostname, id } of await other.cloudflare<Listed[]>("GET", "/workers/domains"))
        if (hostname?.startsWith("staging-")) await other.cloudflare("DELETE", `/workers/domains/${id}`);
    },
  },
  {
    type: "cloudflare/schedules",
    object: STAGING,
    exists: async (_, other) =>
      (await other.cloudflare<{ schedules: unknown[] }>("GET", `${SCRIPT}/schedules`)).schedules.length === 1,
    remove: (_, other) => other.cloudflare("PUT", `${SCRIPT}/schedules`, []),
    deep: true,
  },
  {
    type: "cloudflare/workerSubdomain",
    object: STAGING,
    exists: async (_, other) =>
      (await other.cloudflare<{ enabled: boolean }>("GET", `${SCRIPT}/subdomain`)).enabled,
    remove: (_, other) => other.cloudflare("DELETE", `${SCRIPT}/subdomain`),
    deep: true,
  },
  {
    type: "cloudflare/kvNamespace",
    object: STAGING,
    exists: (world) =>
      stateOf(world).cloudflare.accounts[0]?.kv.some(({ title }) => title === "shop-cache-staging") ?? false,
    remove: async (_, other) => {
      for (const { id, title } of await other.cloudflare<Listed[]>("GET", "/storage/kv/namespaces"))
        if (title === "shop-cache-staging") await other.cloudflare("DELETE", `/storage/kv/namespaces/${id}`);
    },
    asks: ASKS,
  },
  {
    type: "cloudflare/r2Bucket",
    object: STAGING,
    exists: (world) =>
      stateOf(world).cloudflare.accounts[0]?.r2.some(({ name }) => name === "shop-files-staging") ?? false,
    remove: (_, other) => other.cloudflare("DELETE", "/r2/buckets/shop-files-staging"),
    asks: ASKS,
  },
  {
    type: "cloudflare/worker",
    object: STAGING,
    exists: (world) => scriptsOf(world).has(WORKER),
    remove: (_, other) => other.cloudflare("DELETE", SCRIPT),
    asks: ASKS,
  },
];

/** In an order in which what is recreated comes first and what stays gone comes last. */
export const deletions: readonly Deletion[] = [...github, ...neon, ...cloudflare].toSorted(
  (a, b) => Number(a.asks !== undefined) - Number(b.asks !== undefined),
);

/** Types whose deletion is told elsewhere, with the place. */
export const notDeleted: Readonly<Record<string, string>> = Object.freeze({
  "github/seedFiles": "written once: who deletes a seeded file wants it gone",
  "neon/rootBranch": "Neon refuses to delete a root branch",
  "neon/database": "its fields are whether role and database are there",
});
