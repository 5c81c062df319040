/** A project as teams have them: a repository from a template, a database, a Worker, three environments and a preview. */
import { readFileSync } from "node:fs";
import type { Manifest, World } from "./world.ts";

const template = new URL("../../examples/quickstart/template/", import.meta.url);
const fileOf = (path: string): string => readFileSync(new URL(path, template), "utf8");

/** Puts the template repository into the sandbox. */
export function seedTemplate(world: World): void {
  world.sandbox.github.seedRepository({
    owner: "acme",
    name: "worker-template",
    isTemplate: true,
    visibility: "public",
    files: {
      "README.md": "# Worker template\n",
      "dist/worker/index.js": fileOf("dist/worker/index.js"),
      "dist/worker/wrangler.json": fileOf("dist/worker/wrangler.json"),
    },
  });
}

export function shopProject(spec: Record<string, unknown> = {}): Manifest {
  return {
    kind: "Project",
    metadata: { name: "shop" },
    spec: {
      github: {
        connectionRef: { name: "github" },
        repository: "shop",
        template: { owner: "acme", repository: "worker-template" },
        description: "The shop",
        topics: ["web", "shop"],
        settings: { hasWiki: false, deleteBranchOnMerge: true },
        files: [{ path: "docs/spec.md", content: "# Shop\n" }],
        variables: [{ name: "REGION", value: "eu" }],
        rulesets: [{ name: "main is protected", rules: { deletion: true, nonFastForward: true } }],
      },
      neon: { connectionRef: { name: "neon" }, region: "aws-eu-central-1" },
      cloudflare: {
        connectionRef: { name: "cloudflare" },
        workers: [{ name: "api", code: { path: "dist/worker" } }],
      },
      previews: { environmentRef: { name: "shop-staging" } },
      ...spec,
    },
  };
}

export function shopEnvironment(
  short: "dev" | "staging" | "production",
  spec: Record<string, unknown> = {},
): Manifest {
  const stage = { dev: "Dev", staging: "Staging", production: "Production" }[short];
  return {
    kind: "Environment",
    metadata: { name: `shop-${short}` },
    spec: {
      projectRef: { name: "shop" },
      stage,
      deploy: { branch: short === "production" ? "main" : short },
      github: { variables: [{ name: "STAGE", value: short }] },
      secrets: [
        { name: "DATABASE_URL", from: { neon: "connectionUri" }, to: ["Worker", "GitHub"], previews: true },
      ],
      cloudflare: {
        workers: [
          {
            name: "api",
            vars: [
              { name: "PROJECT", valueFrom: { field: "project" } },
              { name: "ENVIRONMENT", valueFrom: { field: "environment" } },
              { name: "COMMIT_SHA", valueFrom: { field: "revision" } },
            ],
          },
        ],
      },
      ...spec,
    },
  };
}

export function shopPreview(spec: Record<string, unknown> = {}): Manifest {
  return {
    kind: "Preview",
    metadata: { name: "shop-pr-1" },
    spec: { projectRef: { name: "shop" }, branch: "dev", ...spec },
  };
}

/** Everything of the shop, settled. */
export async function settledShop(world: World): Promise<void> {
  seedTemplate(world);
  await world.apply(
    shopProject(),
    shopEnvironment("dev"),
    shopEnvironment("staging"),
    shopEnvironment("production"),
    shopPreview(),
  );
  await world.settle();
}
