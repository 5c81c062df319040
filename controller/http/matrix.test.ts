import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../store/resource-client.ts";
import { environmentMatrix } from "./matrix.ts";

const condition = (status: string, observedGeneration = 1) => ({
  type: "Ready",
  status,
  observedGeneration,
  lastTransitionTime: "2026-01-01T00:00:00Z",
  reason: status === "True" ? "Succeeded" : "ProviderUnavailable",
  message: status === "True" ? "Everything is as specified." : "Neon answers 503.",
});
const object = (
  kind: string,
  name: string,
  body: { spec?: object; status?: object; generation?: number; namespace?: string } = {},
): KubernetesObject => ({
  apiVersion: "flaresmith.dev/v1alpha1",
  kind,
  metadata: { name, namespace: body.namespace ?? "team", generation: body.generation ?? 1 },
  spec: { projectRef: { name: "shop" }, ...body.spec },
  ...(body.status === undefined ? {} : { status: body.status }),
});
const active = { state: "active", conditions: [condition("True")] };
const shop = object("Project", "shop", {
  spec: {
    github: { connectionRef: { name: "gh" } },
    neon: { connectionRef: { name: "db", namespace: "platform" } },
    cloudflare: { connectionRef: { name: "cf" } },
  },
});
const matrix = (input: Partial<Parameters<typeof environmentMatrix>[0]>) =>
  environmentMatrix({ project: shop, environments: [], previews: [], connections: [], ...input });

describe("the environment matrix", () => {
  it("shows each environment and preview of the project, stages in order, previews last", () => {
    const result = matrix({
      environments: [
        object("Environment", "prod", {
          spec: { stage: "Production", deploy: { branch: "main" } },
          status: {
            ...active,
            branch: "main",
            revision: "abc",
            url: "https://shop.example",
            neonBranch: "main",
          },
        }),
        object("Environment", "staging", { spec: { stage: "Staging" }, status: active }),
        object("Environment", "dev", { spec: { stage: "Dev" }, status: active }),
        object("Environment", "blog-dev", { spec: { stage: "Dev", projectRef: { name: "blog" } } }),
        object("Environment", "elsewhere", { namespace: "other" }),
      ],
      previews: [
        object("Preview", "pr-1", {
          spec: { branch: "fix" },
          status: { ...active, expiresAt: "2026-01-04T00:00:00Z", queuePosition: 2 },
        }),
      ],
    });
    expect(result.rows.map(({ kind, name, stage }) => `${kind} ${name} ${stage}`)).toEqual([
      "Environment dev Dev",
      "Environment staging Staging",
      "Environment prod Production",
      "Preview pr-1 Preview",
    ]);
    expect(result.ready).toBe(true);
    expect(result.rows[2]).toMatchObject({
      branch: "main",
      commit: "abc",
      url: "https://shop.example",
      neonBranch: "main",
      deployment: "active",
      ready: "True",
      message: "Everything is as specified.",
      health: "Healthy",
    });
    expect(result.rows[3]).toMatchObject({
      branch: "fix",
      expiresAt: "2026-01-04T00:00:00Z",
      queuePosition: 2,
    });
  });

  it("says what is not known yet instead of guessing", () => {
    const [fresh, lagging] = matrix({
      environments: [
        object("Environment", "a", { spec: { stage: "Dev", deploy: { branch: "main" } } }),
        object("Environment", "b", { spec: { stage: "Dev" }, status: active, generation: 2 }),
      ],
    }).rows;
    expect(fresh).toMatchObject({
      ready: "Unknown",
      deployment: "pending",
      health: "Progressing",
      branch: "main",
      commit: null,
      url: null,
    });
    expect(lagging).toMatchObject({ ready: "Unknown", reason: "NotReconciled" });
    expect(matrix({}).ready).toBe(false);
  });

  it.each([
    ["active", "True", "Healthy"],
    ["active", "False", "Degraded"],
    ["provisioning", "False", "Progressing"],
    ["updating", "False", "Progressing"],
    ["failed", "False", "Degraded"],
    ["archived", "False", "Archived"],
    ["novel", "True", "Unknown"],
  ])("state %s and Ready %s is %s", (state, ready, health) => {
    const status = { state, conditions: [condition(ready)] };
    expect(matrix({ environments: [object("Environment", "a", { status })] }).rows[0]?.health).toBe(health);
  });

  it("says so when an environment is suspended", () => {
    const environments = [object("Environment", "a", { spec: { suspend: true }, status: active })];
    expect(matrix({ environments }).rows[0]?.health).toBe("Suspended");
  });

  it("shows the breaker of each provider's Connection, also from another namespace", () => {
    const connections = [
      object("Connection", "gh", { status: { breaker: "Closed" } }),
      object("Connection", "db", { namespace: "platform", status: { breaker: "Open" } }),
      object("Connection", "db", { status: { breaker: "Closed" } }),
    ];
    const { rows } = matrix({ connections, environments: [object("Environment", "a")] });
    expect(rows[0]?.breaker).toEqual({ github: "Closed", neon: "Open", cloudflare: "Unknown" });
  });

  it("is computed from any objects without failing, in one order", () => {
    const any = fc
      .record({
        spec: fc.jsonValue({ maxDepth: 3 }),
        status: fc.jsonValue({ maxDepth: 3 }),
        name: fc.string({ minLength: 1 }),
      })
      .map(({ name, spec, status }): KubernetesObject => ({
        apiVersion: "v1",
        kind: "Environment",
        metadata: { name, namespace: "team" },
        spec: { projectRef: { name: "shop" }, ...(spec as object) },
        status,
      }));
    fc.assert(
      fc.property(fc.uniqueArray(any, { selector: ({ metadata }) => metadata.name }), (environments) => {
        const forward = matrix({ environments });
        expect(matrix({ environments: environments.toReversed() })).toEqual(forward);
      }),
    );
  });
});
