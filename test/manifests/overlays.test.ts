/** What the overlays make of the base, as the kustomize in kubectl puts them together. It needs no cluster. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../controller/store/resource-client.ts";

const kubectl = process.env["FLARESMITH_KUBECTL"];
const manifests = join(import.meta.dirname, "../../manifests");

interface Deployment extends KubernetesObject {
  spec: {
    replicas: number;
    strategy: object;
    template: { spec: { containers: { image: string; args: string[] }[] } };
  };
}

async function built(folder: string): Promise<KubernetesObject[]> {
  const { stdout } = await promisify(execFile)(kubectl ?? "", ["kustomize", folder]);
  return parseAllDocuments(stdout).map((document) => document.toJS() as KubernetesObject);
}

const overlay = (name: string): Promise<KubernetesObject[]> => built(join(manifests, "overlays", name));

function one<T extends KubernetesObject>(objects: KubernetesObject[], kind: string): T {
  const found = objects.filter((object) => object.kind === kind);
  expect(found, kind).toHaveLength(1);
  return found[0] as T;
}

describe.skipIf(kubectl === undefined)("overlays", () => {
  test("single: one replica at a time, and nothing in the way of a drain", async () => {
    const objects = await overlay("single");
    expect(one<Deployment>(objects, "Deployment").spec).toMatchObject({
      replicas: 1,
      strategy: { type: "Recreate" },
    });
    expect(objects.filter(({ kind }) => kind === "PodDisruptionBudget")).toEqual([]);
  });

  test("ha: two replicas that keep apart", async () => {
    const { replicas, template } = one<Deployment>(await overlay("ha"), "Deployment").spec;
    expect(replicas).toBe(2);
    expect(template.spec).toMatchObject({
      affinity: {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { podAffinityTerm: { topologyKey: "kubernetes.io/hostname" } },
          ],
        },
      },
      topologySpreadConstraints: [{ topologyKey: "topology.kubernetes.io/zone" }],
    });
  });

  test("prometheus: what is scraped is there, and the dashboard comes as Grafana's sidecar looks for it", async () => {
    const objects = await overlay("prometheus");
    const monitor = one(objects, "ServiceMonitor")["spec"] as {
      selector: { matchLabels: Record<string, string> };
      endpoints: { port: string }[];
    };
    const scraped = objects.filter(
      ({ kind, metadata }) =>
        kind === "Service" &&
        Object.entries(monitor.selector.matchLabels).every(
          ([key, value]) => metadata.labels?.[key] === value,
        ),
    );
    expect(scraped.map(({ metadata }) => metadata.name)).toEqual(["flaresmith-ops"]);
    const ports = scraped.flatMap(({ spec }) => (spec as { ports: object[] }).ports);
    expect(ports).toMatchObject([{ name: monitor.endpoints[0]?.port, targetPort: "ops" }]);
    const dashboard = one(objects, "ConfigMap");
    expect(dashboard.metadata.labels).toMatchObject({ grafana_dashboard: "1" });
    const { "flaresmith.json": text = "" } = dashboard["data"] as Record<string, string>;
    expect((JSON.parse(text) as { uid: string }).uid).toBe("flaresmith");
    one(objects, "PrometheusRule");
  });

  test("an overlay of one's own: namespace, image, replicas, metrics, an option, Secrets of one namespace only", async () => {
    const folder = await mkdtemp(join(tmpdir(), "overlay-"));
    const kustomization = {
      namespace: "platform",
      resources: [relative(folder, join(manifests, "overlays/ha"))],
      components: [relative(folder, join(manifests, "components/prometheus"))],
      images: [{ name: "flaresmith", newName: "registry.example/flaresmith", newTag: "1" }],
      patches: [
        {
          target: { kind: "Deployment", name: "flaresmith" },
          patch: JSON.stringify([
            {
              op: "add",
              path: "/spec/template/spec/containers/0/args/-",
              value: "--public-url=https://flaresmith.example.com",
            },
          ]),
        },
        {
          patch: JSON.stringify({
            $patch: "delete",
            apiVersion: "rbac.authorization.k8s.io/v1",
            kind: "ClusterRoleBinding",
            metadata: { name: "flaresmith-secret-reader" },
          }),
        },
      ],
    };
    await writeFile(join(folder, "kustomization.yaml"), JSON.stringify(kustomization));
    const objects = await built(folder);
    await rm(folder, { recursive: true });
    const namespaces = objects.flatMap(({ metadata }) => metadata.namespace ?? []);
    expect(new Set(namespaces)).toEqual(new Set(["platform"]));
    expect(one(objects, "Namespace").metadata.name).toBe("platform");
    const subjects = objects.flatMap((object) => (object["subjects"] ?? []) as { namespace: string }[]);
    expect(new Set(subjects.map(({ namespace }) => namespace))).toEqual(new Set(["platform"]));
    expect(one(objects, "ClusterRoleBinding").metadata.name).toBe("flaresmith-controller");
    one(objects, "ServiceMonitor");
    const { replicas, template } = one<Deployment>(objects, "Deployment").spec;
    const [container] = template.spec.containers;
    expect(replicas).toBe(2);
    expect(container?.image).toBe("registry.example/flaresmith:1");
    expect(container?.args.at(-1)).toBe("--public-url=https://flaresmith.example.com");
  });
});
