/** Projects of several sizes with something of every type that can carry a marker. */
import { readFileSync } from "node:fs";
import { shopEnvironment } from "../support/shop.ts";
import type { Manifest } from "../support/world.ts";

export interface ProjectOptions {
  environments?: readonly ("dev" | "staging" | "production")[];
  /** Each is based on the first environment. */
  previews?: readonly string[];
  /** Whether KV namespace and bucket are made once, or once for each environment and preview. */
  storage?: "Project" | "Environment";
  deletionPolicy?: "Orphan" | "Delete";
}

/** A project of that name with everything that hangs on it; seeded from the template `acme/worker-template`. */
export function projectManifests(
  name: string,
  {
    deletionPolicy = "Orphan",
    environments = ["dev"],
    previews = [],
    storage = "Project",
  }: ProjectOptions = {},
): Manifest[] {
  const [base = "dev"] = environments;
  const project: Manifest = {
    kind: "Project",
    metadata: { name },
    spec: {
      github: {
        connectionRef: { name: "github" },
        repository: name,
        template: { owner: "acme", repository: "worker-template" },
      },
      neon: { connectionRef: { name: "neon" }, region: "aws-eu-central-1" },
      cloudflare: {
        connectionRef: { name: "cloudflare" },
        workers: [{ name: "api", code: { path: "dist/worker" } }],
        kv: [{ name: "cache", scope: storage }],
        r2: [{ name: "files", scope: storage }],
      },
      previews: { environmentRef: { name: `${name}-${base}` } },
      deletionPolicy,
    },
  };
  return [
    project,
    ...environments.map((short): Manifest => {
      const { spec } = shopEnvironment(short);
      return {
        kind: "Environment",
        metadata: { name: `${name}-${short}` },
        spec: { ...spec, projectRef: { name }, deletionPolicy },
      };
    }),
    ...previews.map((short): Manifest => ({
      kind: "Preview",
      metadata: { name: `${name}-${short}` },
      spec: { projectRef: { name }, branch: base, data: "Branch" },
    })),
  ];
}

/** A Worker as its module alone, for uploads past the controller. */
export const workerCode = readFileSync(
  new URL("../../examples/quickstart/template/dist/worker/index.js", import.meta.url),
  "utf8",
);
