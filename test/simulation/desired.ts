/** What a team wants, as data: small enough to draw from a seed and to shrink, and the manifests that say it. */
import type { Manifest } from "../support/world.ts";

export interface EnvironmentShape {
  stage: "Dev" | "Staging" | "Production";
  /** The GitHub environment's variable STAGE. */
  stageVariable?: string | undefined;
  /** The Worker's variable GREETING. */
  greeting: string;
  cron?: string | undefined;
  /** The database's URL reaches Worker and GitHub environment. */
  databaseUrl: boolean;
  /** A key from a Secret reaches the Worker. */
  stripe: boolean;
}

interface PreviewShape {
  /** Short name of the environment whose branch it shows, and which it is based on. */
  base: string;
}

export interface ProjectShape {
  name: string;
  /** From the template repository; else an empty one with seeded files. */
  template: boolean;
  description: string;
  /** The repository's variable REGION. */
  region?: string | undefined;
  ruleset: boolean;
  neon: boolean;
  worker: boolean;
  /** A KV namespace in each environment. */
  cache: boolean;
  /** One R2 bucket for the project. */
  files: boolean;
  deletionPolicy: "Orphan" | "Delete";
  environments: Record<string, EnvironmentShape>;
  previews: Record<string, PreviewShape>;
}

/** What the repository's Worker is made of. */
export const bundle: Readonly<Record<string, string>> = Object.freeze({
  "dist/worker/index.js": "export default { fetch: () => new Response('ok') };\n",
  "dist/worker/wrangler.json": '{ "main": "index.js", "compatibility_date": "2026-01-01" }\n',
});

export const templateRepository = Object.freeze({ owner: "acme", repository: "worker-template" });

/** The git branch that an environment deploys. */
export function branchOf(short: string, environment: EnvironmentShape): string {
  return environment.stage === "Production" ? "main" : short;
}

function projectManifest(shape: ProjectShape): Manifest {
  const first = Object.keys(shape.environments)[0];
  return {
    kind: "Project",
    metadata: { name: shape.name },
    spec: {
      github: {
        connectionRef: { name: "github" },
        repository: shape.name,
        description: shape.description,
        ...(shape.template ? { template: templateRepository } : {}),
        files: shape.template
          ? [{ path: "docs/spec.md", content: "# Spec\n" }]
          : Object.entries(bundle).map(([path, content]) => ({ path, content })),
        ...(shape.region === undefined ? {} : { variables: [{ name: "REGION", value: shape.region }] }),
        ...(shape.ruleset ? { rulesets: [{ name: "main is protected", rules: { deletion: true } }] } : {}),
      },
      ...(shape.neon ? { neon: { connectionRef: { name: "neon" }, region: "aws-eu-central-1" } } : {}),
      ...(shape.worker || shape.cache || shape.files
        ? {
            cloudflare: {
              connectionRef: { name: "cloudflare" },
              ...(shape.worker ? { workers: [{ name: "api", code: { path: "dist/worker" } }] } : {}),
              ...(shape.cache ? { kv: [{ name: "cache" }] } : {}),
              ...(shape.files ? { r2: [{ name: "files", scope: "Project" }] } : {}),
            },
          }
        : {}),
      ...(first === undefined ? {} : { previews: { environmentRef: { name: `${shape.name}-${first}` } } }),
      deletionPolicy: shape.deletionPolicy,
    },
  };
}

function environmentManifest(shape: ProjectShape, short: string, environment: EnvironmentShape): Manifest {
  const secrets = [
    ...(environment.databaseUrl && shape.neon
      ? [
          {
            name: "DATABASE_URL",
            from: { neon: "connectionUri" },
            to: shape.worker ? ["Worker", "GitHub"] : ["GitHub"],
            previews: true,
          },
        ]
      : []),
    ...(environment.stripe && shape.worker
      ? [{ name: "STRIPE_KEY", from: { secretRef: { name: "stripe", key: "key" } }, to: ["Worker"] }]
      : []),
  ];
  const bindings = [
    ...(shape.cache ? [{ name: "CACHE", kv: "cache" }] : []),
    ...(shape.files ? [{ name: "FILES", r2: "files" }] : []),
  ];
  const worker = {
    name: "api",
    vars: [
      { name: "GREETING", value: environment.greeting },
      { name: "COMMIT_SHA", valueFrom: { field: "revision" } },
    ],
    ...(environment.cron === undefined ? {} : { crons: [environment.cron] }),
    ...(bindings.length === 0 ? {} : { bindings }),
  };
  return {
    kind: "Environment",
    metadata: { name: `${shape.name}-${short}` },
    spec: {
      projectRef: { name: shape.name },
      stage: environment.stage,
      deploy: { branch: branchOf(short, environment) },
      ...(environment.stageVariable === undefined
        ? {}
        : { github: { variables: [{ name: "STAGE", value: environment.stageVariable }] } }),
      ...(shape.worker ? { cloudflare: { workers: [worker] } } : {}),
      ...(secrets.length === 0 ? {} : { secrets }),
      deletionPolicy: shape.deletionPolicy,
    },
  };
}

function previewManifest(shape: ProjectShape, short: string, preview: PreviewShape): Manifest {
  const environment = shape.environments[preview.base];
  if (environment === undefined) throw new RangeError(`preview ${short} has no base ${preview.base}`);
  return {
    kind: "Preview",
    metadata: { name: `${shape.name}-${short}` },
    spec: {
      projectRef: { name: shape.name },
      environmentRef: { name: `${shape.name}-${preview.base}` },
      branch: branchOf(preview.base, environment),
      ttl: "168h",
      ...(environment.stage === "Production" ? { data: "Branch" } : {}),
    },
  };
}

/** Everything that says a shape, the project first. */
export function manifestsOf(shape: ProjectShape): Manifest[] {
  return [
    projectManifest(shape),
    ...Object.entries(shape.environments).map(([short, one]) => environmentManifest(shape, short, one)),
    ...Object.entries(shape.previews).map(([short, one]) => previewManifest(shape, short, one)),
  ];
}
