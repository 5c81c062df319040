/** manifests/ as a person installs them, on a real API server, with stock kubectl. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { parseAllDocuments } from "yaml";
import packageJson from "../../package.json" with { type: "json" };
import { crdOf, kinds } from "../../crds/index.ts";
import type { KubernetesObject } from "../../controller/store/resource-client.ts";
import { eventually } from "../contract/contract-helpers.ts";
import { installManifests, manifests, type Installed } from "./harness/installed.ts";

const binaries = inject("binaries");
const SYSTEM = "flaresmith-system";

interface PodTemplate {
  metadata: { labels: Record<string, string> };
  spec: {
    securityContext: Record<string, unknown>;
    containers: {
      image: string;
      args: string[];
      securityContext: Record<string, unknown>;
      resources: { requests: Record<string, string>; limits: Record<string, string> };
      volumeMounts: { name: string; mountPath: string }[];
      [field: string]: unknown;
    }[];
    [field: string]: unknown;
  };
}
interface Deployment extends KubernetesObject {
  spec: { template: PodTemplate };
}

describe.skipIf(binaries === undefined)("kubectl apply -k manifests/base", () => {
  let installed: Installed;
  beforeAll(async () => {
    installed = await installManifests({
      binaries: binaries ?? "",
      kubectl: inject("kubectl"),
      folder: "base",
    });
  });
  afterAll(() => installed.stop());

  const built = async (folder: string): Promise<KubernetesObject[]> => {
    const text = await installed.kubectl.succeed(["kustomize", folder]);
    return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
  };
  const deployment = async (): Promise<Deployment> =>
    JSON.parse(
      await installed.kubectl.succeed(["get", "deployment", "flaresmith", "-n", SYSTEM, "-o", "json"]),
    ) as Deployment;

  test("everything is created, and nothing is warned about", async () => {
    const { err, out } = installed.applied;
    expect(err).toBe("");
    const lines = out.trim().split("\n");
    expect(lines).toHaveLength((await built(join(manifests, "base"))).length);
    expect(lines.filter((line) => !line.endsWith(" created"))).toEqual([]);
  });

  test("applying again changes nothing, and the roles keep the rules that were added up for them", async () => {
    const path = join(manifests, "base");
    const stored = async (): Promise<(KubernetesObject & { rules?: unknown[] })[]> => {
      const text = await installed.kubectl.succeed(["get", "-k", path, "-o", "json"]);
      return (JSON.parse(text) as { items: KubernetesObject[] }).items;
    };
    const settled = await eventually(async () => {
      const objects = await stored();
      const added = objects.filter((object) => "aggregationRule" in object);
      expect(added).toHaveLength(4);
      expect(added.filter(({ rules }) => (rules ?? []).length === 0)).toEqual([]);
      return objects;
    });
    const { code, err } = await installed.kubectl.run(["apply", "-k", path]);
    expect([code, err]).toEqual([0, ""]);
    expect(await stored()).toEqual(settled);
  });

  test("server-side apply does the same for whoever prefers it", async () => {
    const path = join(manifests, "base");
    const { code, err } = await installed.kubectl.run([
      "apply",
      "--server-side",
      "--force-conflicts",
      "--field-manager=flux",
      "--dry-run=server",
      "-k",
      path,
    ]);
    expect([code, err]).toEqual([0, ""]);
  });

  test("every kind is served", async () => {
    const names = kinds.map((kind) => `crd/${crdOf(kind).metadata.name}`);
    await installed.kubectl.succeed(["wait", "--for=condition=Established", ...names]);
    const listed = await installed.kubectl.succeed([
      "api-resources",
      "--categories=flaresmith",
      "-o",
      "name",
    ]);
    expect(listed.trim().split("\n").toSorted()).toEqual(
      kinds.map((kind) => crdOf(kind).metadata.name).toSorted(),
    );
  });

  describe("the pod", () => {
    const create = (template: PodTemplate, name: string) =>
      installed.kubectl.run(["create", "-f", "-"], {
        input: JSON.stringify({
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name, namespace: SYSTEM, labels: template.metadata.labels },
          spec: template.spec,
        }),
      });

    test("passes the restricted Pod Security Standard that its namespace enforces", async () => {
      const { template } = (await deployment()).spec;
      expect(await create(template, "as-it-stands")).toMatchObject({ code: 0, err: "" });
      await installed.kubectl.succeed([
        "delete",
        "pod",
        "as-it-stands",
        "-n",
        SYSTEM,
        "--grace-period=0",
        "--force",
      ]);
    });

    // What the namespace refuses is what would go unnoticed elsewhere.
    test.each<[string, (template: PodTemplate) => void, RegExp]>([
      ["as root", ({ spec }) => void (spec.securityContext["runAsUser"] = 0), /runAsUser=0/],
      [
        "whoever it likes",
        ({ spec }) => void delete spec.securityContext["runAsNonRoot"],
        /runAsNonRoot != true/,
      ],
      ["without seccomp", ({ spec }) => void delete spec.securityContext["seccompProfile"], /seccompProfile/],
      [
        "with capabilities",
        ({ spec }) => void delete spec.containers[0]?.securityContext["capabilities"],
        /unrestricted capabilities/,
      ],
      [
        "with a way to more rights",
        ({ spec }) => void delete spec.containers[0]?.securityContext["allowPrivilegeEscalation"],
        /allowPrivilegeEscalation != false/,
      ],
    ])("is refused %s", async (_, weaken, message) => {
      const { template } = (await deployment()).spec;
      weaken(template);
      const { code, err } = await create(template, "weakened");
      expect(code).toBe(1);
      expect(err).toMatch(/violates PodSecurity "restricted:latest"/);
      expect(err).toMatch(message);
    });

    test("has what the standard does not ask for: a root that cannot be written to, and nobody's user id", async () => {
      const { spec } = (await deployment()).spec.template;
      expect(spec.securityContext).toMatchObject({ runAsUser: 65_532, runAsGroup: 65_532, fsGroup: 65_532 });
      expect(spec.containers.map(({ securityContext }) => securityContext)).toEqual([
        {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
          privileged: false,
          readOnlyRootFilesystem: true,
        },
      ]);
      // The only places it can write to.
      expect(spec.containers[0]?.volumeMounts.map(({ mountPath }) => mountPath)).toEqual(["/data", "/tmp"]);
      expect(["hostNetwork", "hostPID", "hostIPC"].filter((field) => field in spec)).toEqual([]);
    });

    test("says what it needs, and is asked how it is", async () => {
      const [container] = (await deployment()).spec.template.spec.containers;
      expect(Object.keys(container?.resources.requests ?? {})).toEqual([
        "cpu",
        "ephemeral-storage",
        "memory",
      ]);
      expect(Object.keys(container?.resources.limits ?? {})).toEqual(["ephemeral-storage", "memory"]);
      expect(container).toMatchObject({
        startupProbe: { httpGet: { path: "/healthz", port: "ops" } },
        livenessProbe: { httpGet: { path: "/healthz", port: "ops" } },
        readinessProbe: { httpGet: { path: "/readyz", port: "ops" } },
      });
    });

    test("runs this version", async () => {
      const [container] = (await deployment()).spec.template.spec.containers;
      expect(container?.image).toBe(`flaresmith:${packageJson.version}`);
    });
  });

  describe("overlays", () => {
    test.each(["single", "ha"])("%s is accepted over the base, without a warning", async (name) => {
      const path = join(manifests, "overlays", name);
      const { code, err } = await installed.kubectl.run(["apply", "--dry-run=server", "-k", path]);
      expect([code, err]).toEqual([0, ""]);
    });
  });
});
