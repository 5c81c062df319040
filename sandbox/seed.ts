import type { SandboxContext } from "./core/provider.ts";

/** The accounts and credentials a sandbox starts with; made once and remembered in its storage. */
export interface SandboxSeed {
  github: { owner: string; token: string };
  neon: { orgId: string; token: string; userToken: string };
  cloudflare: {
    accountId: string;
    accountName: string;
    token: string;
    workersSubdomain: string;
    zone: { id: string; name: string };
  };
}

const mixed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const lower = "abcdefghijklmnopqrstuvwxyz0123456789";

/** The seed of this sandbox: owner `acme`, one Neon organization, one Cloudflare account with a workers.dev subdomain and zone `acme.example`. */
export function sandboxSeed(context: SandboxContext): SandboxSeed {
  const { random, storage } = context;
  const collection = storage.collection<SandboxSeed>("sandbox/seed");
  const known = collection.get("seed");
  if (known) return known;
  const seed: SandboxSeed = {
    github: { owner: "acme", token: `ghp_${random.string(36, mixed)}` },
    neon: {
      orgId: `org-acme-${random.string(8, "0123456789")}`,
      token: `napi_${random.string(64, lower)}`,
      userToken: `napi_${random.string(64, lower)}`,
    },
    cloudflare: {
      accountId: random.string(32),
      accountName: "Acme",
      token: random.string(40, mixed),
      workersSubdomain: "acme",
      zone: { id: random.string(32), name: "acme.example" },
    },
  };
  collection.set("seed", seed);
  return seed;
}
