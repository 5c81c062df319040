import type { KubernetesObject } from "../../controller/store/resource-client.ts";

/** A Project as teams have them: 1.3 kB as sent, no field that a server would refuse or warn about. */
export const projectOf = (index: number): KubernetesObject => ({
  apiVersion: "flaresmith.dev/v1alpha1",
  kind: "Project",
  metadata: {
    name: `project-${String(index).padStart(5, "0")}`,
    namespace: "default",
    labels: { team: "storefront", "app.kubernetes.io/part-of": "shop" },
    annotations: { "example.com/owner": "storefront@example.com" },
  },
  spec: {
    suspend: true,
    github: {
      connectionRef: { name: "github" },
      repository: `project-${index}`,
      visibility: "Private",
      description: "One of very many projects, with as much in it as one has in practice",
      topics: ["shop", "worker", "database", "platform"],
      settings: { hasWiki: false, deleteBranchOnMerge: true },
      rulesets: [{ name: "main is protected", include: ["~DEFAULT_BRANCH"], rules: { deletion: true } }],
    },
    neon: { connectionRef: { name: "neon" }, region: "aws-eu-central-1", postgresVersion: 17 },
    cloudflare: {
      connectionRef: { name: "cloudflare" },
      workers: ["api", "web", "jobs", "mail"].map((name) => ({
        name,
        code: { path: `workers/${name}/dist` },
      })),
      kv: ["cache", "sessions"].map((name) => ({ name })),
      r2: ["pictures", "invoices"].map((name) => ({ name, scope: "Project" })),
    },
    previews: {
      environmentRef: { name: `project-${index}-staging` },
      ttl: "72h",
      max: 15,
      data: "SchemaOnly",
    },
    interval: "10m",
  },
});
