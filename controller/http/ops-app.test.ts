import { describe, expect, it } from "vitest";
import { seededRandom, virtualClock } from "../runtime/adapters/virtual.ts";
import { createTracker } from "../runtime/tracker.ts";
import type { KubernetesObject } from "../store/resource-client.ts";
import { listen } from "./listen.ts";
import { createOpsApp } from "./ops-app.ts";
import type { OpsAppOptions } from "./ops-app.ts";

const object = (kind: string, name: string, spec: object = {}): KubernetesObject => ({
  apiVersion: "flaresmith.dev/v1alpha1",
  kind,
  metadata: { name, namespace: "team", generation: 1 },
  spec: { projectRef: { name: "shop" }, stage: "Dev", ...spec },
});

const setUp = (more: Partial<OpsAppOptions> = {}) => {
  const clock = virtualClock();
  const tracker = createTracker({ clock });
  const environments = ["a", "b", "c", "d", "e"].map((name) => object("Environment", name));
  const app = createOpsApp({
    clock,
    random: seededRandom(),
    tracker,
    ready: [{ name: "caches", check: () => undefined }],
    authenticate: (token) => token === "good",
    reader: {
      project: ({ namespace, name }) =>
        namespace === "team" && name === "shop" ? object("Project", "shop") : undefined,
      environments: () => environments,
      previews: () => [object("Preview", "pr-1", { branch: "fix" })],
      connections: () => [],
    },
    ...more,
  });
  const get = (path: string, token = "good") =>
    app.request(path, { headers: token === "" ? {} : { authorization: `Bearer ${token}` } });
  return { app, get, tracker, environments };
};

describe("probes and metrics", () => {
  it("answer without a token", async () => {
    const { get, tracker } = setUp();
    tracker.stateChanged("pending", "active");
    expect((await get("/healthz", "")).status).toBe(200);
    expect(await (await get("/readyz", "")).text()).toBe("[+]caches ok\nreadyz check passed\n");
    const metrics = await get("/metrics", "");
    expect(metrics.headers.get("content-type")).toContain("text/plain");
    expect(await metrics.text()).toContain(
      'environment_state_transitions_total{from="pending",to="active"} 1',
    );
  });

  it("readyz is 503 and names what is not ready, checks that throw included", async () => {
    const { get } = setUp({
      ready: [
        { name: "store", check: () => undefined },
        { name: "caches", check: async () => "projects are still listed" },
        {
          name: "leader",
          check: () => {
            throw new Error("no lease");
          },
        },
      ],
    });
    const response = await get("/readyz", "");
    expect(response.status).toBe(503);
    expect(await response.text()).toBe(
      "[+]store ok\n[-]caches failed: projects are still listed\n[-]leader failed: no lease\nreadyz check failed\n",
    );
  });
});

describe("the read API", () => {
  it("serves the matrix in pages that neither skip nor repeat, also when rows go in between", async () => {
    const { get, environments } = setUp();
    const seen: string[] = [];
    let cursor: string | null = "";
    for (let page = 0; page < 5 && cursor !== null; page++) {
      const response = await get(
        `/projects/team/shop/environments?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`,
      );
      expect(response.status).toBe(200);
      const body = (await response.json()) as {
        items: { name: string }[];
        nextCursor: string | null;
        hasMore: boolean;
      };
      expect(body.hasMore).toBe(body.nextCursor !== null);
      seen.push(...body.items.map(({ name }) => name));
      cursor = body.nextCursor;
      if (page === 0) environments.splice(1, 1);
    }
    expect(seen).toEqual(["a", "b", "c", "d", "e", "pr-1"]);
  });

  it("refuses who has no valid token, in the error envelope", async () => {
    const { get } = setUp();
    for (const token of ["", "bad"]) {
      const response = await get("/projects/team/shop/environments", token);
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      const { error } = (await response.json()) as { error: Record<string, unknown> };
      expect(error).toMatchObject({
        code: "REQUEST_UNAUTHENTICATED",
        severity: "warn",
        retryPolicy: "none",
        timestamp: "2026-01-01T00:00:00Z",
        requestId: response.headers.get("x-request-id"),
        causeChain: [],
        context: {},
      });
      expect(error["hint"]).toContain("Authorization");
    }
  });

  it("names what does not exist and what is wrong with a request", async () => {
    const { get } = setUp();
    const answers = await Promise.all(
      [
        "/projects/team/unknown/environments",
        "/elsewhere",
        "/projects/team/shop/environments?limit=0",
        "/projects/team/shop/environments?limit=many",
        "/projects/team/shop/environments?cursor=bogus",
      ].map(async (path) => {
        const response = await get(path);
        const { error } = (await response.json()) as { error: { code: string; message: string } };
        return `${response.status} ${error.code}`;
      }),
    );
    expect(answers).toEqual([
      "404 REQUEST_NOT_FOUND",
      "404 REQUEST_NOT_FOUND",
      "400 REQUEST_INVALID",
      "400 REQUEST_INVALID",
      "400 REQUEST_INVALID",
    ]);
  });

  it("tells nobody what broke inside", async () => {
    const { get } = setUp({
      authenticate: () => {
        throw new Error("canary: /home/somebody/secret");
      },
    });
    const response = await get("/projects/team/shop/environments");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("canary");
  });
});

describe("a listener", () => {
  it("serves over TCP, says clearly when the address is taken, and closes", async () => {
    const { app } = setUp();
    const options = { fetch: app.fetch, name: "ops", host: "127.0.0.1", port: 0 };
    const listener = await listen(options);
    expect(await (await fetch(`${listener.url}/healthz`)).text()).toContain("passed");
    await expect(listen({ ...options, port: listener.port })).rejects.toThrow(
      `the ops listener cannot use 127.0.0.1:${listener.port}`,
    );
    await listener.close(AbortSignal.abort());
    await expect(fetch(`${listener.url}/healthz`)).rejects.toThrow();
  });
});
