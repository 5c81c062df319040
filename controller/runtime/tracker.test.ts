import { describe, expect, it } from "vitest";
import { seededRandom, virtualClock } from "./adapters/virtual.ts";
import { FlaresmithError } from "./errors.ts";
import { createTracker } from "./tracker.ts";
import type { TrackerOptions } from "./tracker.ts";
import { createWorkQueue, priorities } from "./work-queue.ts";

const setUp = (options: Partial<TrackerOptions> = {}) => {
  const clock = virtualClock();
  const lines: string[] = [];
  const tracker = createTracker({
    clock,
    destination: { write: (line) => void lines.push(line) },
    ...options,
  });
  const last = (): unknown => JSON.parse(lines.at(-1) ?? "null");
  return { clock, tracker, lines, last };
};

const preview = {
  kind: "Preview",
  namespace: "team",
  name: "pr-1",
  ready: "True",
  suspended: false,
  state: "active",
};

describe("log lines", () => {
  it("are JSON with the facts of the reconciliation and the time of the injected clock", () => {
    const { tracker, last } = setUp();
    const child = tracker.child({
      controller: "project",
      namespace: "team",
      name: "shop",
      reconcileID: "r-1",
    });
    child.log.info("created", { provider: "github" });
    expect(last()).toEqual({
      level: "info",
      time: "2026-01-01T00:00:00.000Z",
      controller: "project",
      namespace: "team",
      name: "shop",
      reconcileID: "r-1",
      provider: "github",
      message: "created",
    });
  });

  it("describe our errors by code and causes, others with their stack", () => {
    const { tracker, last } = setUp();
    const cause = new Error("socket hang up");
    const error = new FlaresmithError({
      code: "INTEGRATION_TIMEOUT",
      message: "no answer",
      context: { provider: "neon" },
      cause,
    });
    tracker.log.warn("failed", { error });
    expect(last()).toMatchObject({
      error: { code: "INTEGRATION_NEON_TIMEOUT", severity: "warn", cause: { message: "socket hang up" } },
    });
    tracker.log.error("failed", { error: cause });
    expect(last()).toMatchObject({
      error: { name: "Error", stack: expect.stringContaining("tracker.test") },
    });
  });

  it("carry no secret, wherever it slipped in and in whatever form", () => {
    const { tracker, lines } = setUp();
    const secret = 'canary"\n-value-42';
    tracker.secrets.add(secret);
    tracker.log.info(`saw ${secret}`, {
      url: `https://x/?t=${encodeURIComponent(secret)}`,
      nested: { list: [{ value: secret }] },
      authorization: "anything",
      error: new FlaresmithError({
        code: "INTEGRATION_REJECTED",
        message: `bad ${secret}`,
        cause: new Error(Buffer.from(secret).toString("base64")),
      }),
    });
    tracker.child({ note: secret }).log.info("child");
    const text = lines.join("");
    for (const form of [
      "canary",
      encodeURIComponent(secret),
      Buffer.from(secret).toString("base64"),
      "anything",
    ]) {
      expect(text).not.toContain(form);
    }
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  });

  it("are not made below the level, and not at all without a destination", () => {
    const { tracker, lines } = setUp({ level: "warn" });
    tracker.log.info("quiet");
    tracker.log.debug("quiet");
    expect(lines).toEqual([]);
    expect(() => createTracker({ clock: virtualClock() }).log.error("nowhere")).not.toThrow();
  });
});

describe("metrics", () => {
  const text = async (tracker: ReturnType<typeof createTracker>): Promise<string> =>
    (await tracker.exposition()).body;

  it("have the promised names and labels", async () => {
    const { clock, tracker } = setUp();
    const error = new FlaresmithError({
      code: "INTEGRATION_UNAVAILABLE",
      message: "m",
      context: { provider: "neon" },
    });
    tracker.controllerStarted("project", 4);
    tracker.reconcileStarted("project");
    tracker.reconcileEnded({ controller: "project", outcome: "error", duration: 20, error });
    tracker.providerRequest({
      provider: "github",
      connection: "team/gh",
      method: "GET",
      route: "/user",
      code: "200",
      seconds: 0.1,
    });
    tracker.providerQuota({
      provider: "github",
      connection: "team/gh",
      resource: "core",
      limit: 5000,
      remaining: 4999,
    });
    tracker.driftDetected({ kind: "Project", provider: "github", mode: "Correct" });
    tracker.provisioned({ provider: "neon", environmentKind: "Preview", duration: 2000 });
    tracker.breakerOpened("neon");
    tracker.retried({ provider: "neon", operation: "/projects", attempts: 3 });
    tracker.stateChanged("pending", "active");
    tracker.leading("flaresmith", true);
    tracker.storeRequest({ method: "GET", code: "200", host: "localhost" });
    tracker.webhookReceived("github", "accepted");
    tracker.cacheChanged("Project", 7);
    tracker.watchResources(() => [
      { kind: "Project", namespace: "team", name: "shop", ready: "True", suspended: false, state: "active" },
      { kind: "Project", namespace: "team", name: "blog", ready: "True", suspended: false, state: "active" },
      ...["pr-1", "pr-2"].map((name) => ({ ...preview, name, activePreviewOf: "shop" })),
      { ...preview, name: "pr-3" },
    ]);
    const queue = createWorkQueue({
      clock,
      random: seededRandom(),
      observer: tracker.queueObserver("project"),
    });
    tracker.watchQueue("project", queue);
    queue.add("a", { priority: priorities.userEdit });
    queue.add("b");
    queue.tryGet();
    const body = await text(tracker);
    for (const line of [
      'controller_runtime_reconcile_total{controller="project",result="error"} 1',
      'controller_runtime_reconcile_total{controller="project",result="success"} 0',
      'errors_total{code="INTEGRATION_NEON_UNAVAILABLE",severity="error"} 1',
      'flaresmith_provider_requests_total{provider="github",connection="team/gh",method="GET",route="/user",code="200"} 1',
      'flaresmith_provider_quota_limit{provider="github",connection="team/gh",resource="core"} 5000',
      'flaresmith_provider_quota_remaining{provider="github",connection="team/gh",resource="core"} 4999',
      'flaresmith_drift_detected_total{kind="Project",provider="github",mode="Correct"} 1',
      'provision_duration_seconds_sum{provider="neon",environmentKind="Preview"} 2',
      'circuit_breaker_open_total{provider="neon"} 1',
      'retry_attempts_sum{provider="neon",operation="/projects"} 3',
      'preview_env_active_total{namespace="team",project="shop"} 2',
      'controller_runtime_reconcile_panics_total{controller="project"} 0',
      'controller_runtime_terminal_reconcile_errors_total{controller="project"} 0',
      'environment_state_transitions_total{from="pending",to="active"} 1',
      'leader_election_master_status{name="flaresmith"} 1',
      'rest_client_requests_total{method="GET",code="200",host="localhost"} 1',
      'workqueue_depth{name="project",controller="project"} 1',
      'workqueue_adds_total{name="project",controller="project",priority="userEdit"} 1',
      'flaresmith_resource_info{kind="Project",namespace="",name="",ready="True",suspended="false",state="active"} 2',
    ]) {
      expect(body).toContain(line);
    }
  });

  it("speak of a store of its own only where there is one", async () => {
    const { tracker } = setUp();
    expect(await text(tracker)).not.toContain("flaresmith_store_writable");
    tracker.storeWritable(true);
    tracker.storeWritable(false);
    expect(await text(tracker)).toContain("flaresmith_store_writable 0");
  });

  it("no longer count the previews of a project that has none", async () => {
    const { tracker } = setUp();
    const previews = [{ ...preview, activePreviewOf: "shop" }];
    tracker.watchResources(() => previews);
    expect(await text(tracker)).toContain('preview_env_active_total{namespace="team",project="shop"} 1');
    previews.pop();
    expect(await text(tracker)).not.toContain("preview_env_active_total{");
  });

  it("tell objects apart only when asked to, and carry no secret", async () => {
    const { tracker } = setUp({ perObjectMetrics: true });
    tracker.watchResources(() => [
      { kind: "Project", namespace: "team", name: "shop", ready: "False", suspended: true, state: "pending" },
    ]);
    tracker.secrets.add("canary-value");
    tracker.providerRequest({
      provider: "github",
      connection: "c",
      method: "GET",
      route: "/x/canary-value",
      code: "404",
      seconds: 1,
    });
    const body = await text(tracker);
    expect(body).toContain(
      'flaresmith_resource_info{kind="Project",namespace="team",name="shop",ready="False",suspended="true",state="pending"} 1',
    );
    expect(body).not.toContain("canary-value");
  });
});
