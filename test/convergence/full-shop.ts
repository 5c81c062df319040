/** A project in which every field that can be managed is set. */
import { shopEnvironment, shopPreview, shopProject, seedTemplate } from "../support/shop.ts";
import type { Manifest, World } from "../support/world.ts";

/** How often the objects here are compared: often enough for tests, far enough apart to tell both depths. */
export const RESYNC = 600_000;
/** The longest until everything is compared again: `deepInterval`, and on to the next resync. */
export const DEEP = 3_000_000;
/** What comes on top: a shared listing may be five minutes old, and resyncs are spread. */
export const MARGIN = 480_000;

const depths = { interval: "10m", deepInterval: "40m" };

export interface FullShopOptions {
  drift?: "Correct" | "Warn";
  github?: Record<string, unknown>;
  neon?: Record<string, unknown>;
}

export function fullProject({ drift = "Correct", github, neon }: FullShopOptions = {}): Manifest {
  return shopProject({
    ...depths,
    drift,
    github: {
      connectionRef: { name: "github" },
      repository: "shop",
      template: { owner: "acme", repository: "worker-template" },
      visibility: "Private",
      description: "The shop",
      topics: ["shop", "web"],
      defaultBranch: "main",
      settings: {
        hasIssues: true,
        hasWiki: false,
        hasProjects: false,
        homepage: "https://shop.example",
        allowMergeCommit: true,
        allowSquashMerge: true,
        allowRebaseMerge: false,
        allowAutoMerge: true,
        allowUpdateBranch: true,
        deleteBranchOnMerge: true,
        squashMergeCommitTitle: "PR_TITLE",
        squashMergeCommitMessage: "PR_BODY",
        mergeCommitTitle: "MERGE_MESSAGE",
        mergeCommitMessage: "PR_TITLE",
        webCommitSignoffRequired: true,
      },
      files: [{ path: "docs/spec.md", content: "# Shop\n" }],
      variables: [{ name: "REGION", value: "eu" }],
      secrets: [{ name: "NPM_TOKEN", secretRef: { name: "shop-secrets", key: "npm" } }],
      rulesets: [
        {
          name: "main is protected",
          exclude: ["refs/heads/sandbox"],
          rules: {
            creation: true,
            update: true,
            deletion: true,
            nonFastForward: true,
            requiredLinearHistory: true,
            requiredSignatures: true,
            pullRequest: { requiredApprovingReviewCount: 2 },
            requiredStatusChecks: { strict: true, checks: [{ context: "ci" }] },
          },
          bypassActors: [{ actorType: "OrganizationAdmin" }],
        },
      ],
      ...github,
    },
    neon: {
      connectionRef: { name: "neon" },
      region: "aws-eu-central-1",
      historyRetention: "12h",
      settings: {
        allowedIps: ["203.0.113.7"],
        allowedIpsProtectedBranchesOnly: true,
        blockPublicConnections: false,
        logicalReplication: true,
      },
      ...neon,
    },
    cloudflare: {
      connectionRef: { name: "cloudflare" },
      workers: [{ name: "api", code: { path: "dist/worker" } }],
      kv: [{ name: "cache" }, { name: "flags", scope: "Project" }],
      r2: [{ name: "files" }],
    },
  });
}

export function fullEnvironment(
  short: "dev" | "staging" | "production",
  { drift = "Correct" }: FullShopOptions = {},
): Manifest {
  const compute = { min: 0.25, max: 1, suspendAfter: "5m" };
  if (short === "dev") {
    return shopEnvironment("dev", {
      ...depths,
      drift,
      github: { branchPolicies: { protectedBranches: true } },
    });
  }
  return shopEnvironment(short, {
    ...depths,
    drift,
    github: {
      environment: short,
      reviewers: [{ team: "platform" }],
      waitTimer: 5,
      preventSelfReview: true,
      branchPolicies: { patterns: ["release/*", short] },
      variables: [{ name: "STAGE", value: short }],
    },
    neon: { protected: true, compute },
    secrets: [
      { name: "DATABASE_URL", from: { neon: "connectionUri" }, to: ["Worker", "GitHub"], previews: true },
      { name: "STRIPE_KEY", from: { secretRef: { name: "shop-secrets", key: "stripe" } }, to: ["Worker"] },
    ],
    cloudflare: {
      bindingsPolicy: short === "staging" ? "Exclusive" : "Preserve",
      workers: [
        {
          name: "api",
          vars: [
            { name: "PROJECT", valueFrom: { field: "project" } },
            { name: "GREETING", value: "hello" },
          ],
          bindings: [
            { name: "CACHE", kv: "cache" },
            { name: "FLAGS", kv: "flags" },
            { name: "FILES", r2: "files" },
          ],
          routes: [{ pattern: `${short}.acme.example/api/*`, zone: "acme.example" }],
          domains: [{ hostname: `${short}-app.acme.example`, zone: "acme.example" }],
          crons: ["0 * * * *"],
        },
      ],
    },
  });
}

/** Settles a shop whose every field is set, with a dev, a staging and a production environment and one preview of staging. */
export async function settledFullShop(world: World, options: FullShopOptions = {}): Promise<void> {
  seedTemplate(world);
  // A bundle that says everything that one can say.
  world.sandbox.github.commit({
    owner: "acme",
    name: "worker-template",
    branch: "main",
    message: "Static files",
    files: {
      "dist/worker/wrangler.json": JSON.stringify({
        main: "index.js",
        no_bundle: true,
        compatibility_date: "2026-01-01",
        compatibility_flags: ["nodejs_compat"],
        observability: { enabled: true },
        assets: { directory: "public", binding: "ASSETS" },
      }),
      "dist/worker/public/index.html": "<h1>Shop</h1>\n",
    },
  });
  world.sandbox.github.addTeam({ organization: "acme", slug: "platform" });
  await world.apply(
    { kind: "Secret", metadata: { name: "shop-secrets" }, stringData: { npm: "npm-1", stripe: "sk-1" } },
    fullProject(options),
    fullEnvironment("dev", options),
    fullEnvironment("staging", options),
    fullEnvironment("production", options),
    shopPreview({ ...depths, drift: options.drift ?? "Correct" }),
  );
  await world.settle();
  // One resync more, so that what was only just written has been read back in rest.
  await world.pass(RESYNC + 60_000);
  await world.settle();
}
