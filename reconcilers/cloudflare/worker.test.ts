import { describe, expect, test } from "vitest";
import { account, testBench, token } from "../../sandbox/cloudflare/testing.ts";
import { secretValues } from "../../controller/runtime/secret-value.ts";
import { isFlaresmithError } from "../../controller/runtime/errors.ts";
import { readBundle } from "./bundle.ts";
import type { CloudflareClient } from "./client.ts";
import { file, moduleBundle, testClient, testSlot } from "./test-context.ts";
import type { WorkerDesired } from "./types.ts";
import { worker } from "./worker.ts";

const secret = secretValues("key");
const path = `/accounts/${account}/workers/scripts/shop-api-dev`;

function desired(overrides: Partial<WorkerDesired> = {}): WorkerDesired {
  return {
    accountId: account,
    scriptName: "shop-api-dev",
    bundle: moduleBundle(),
    vars: { MODE: "dev" },
    secrets: { DATABASE_URL: secret("postgres://canary") },
    bindings: [],
    bindingsPolicy: "Preserve",
    revision: "a".repeat(40),
    ...overrides,
  };
}

function setUp(options: Parameters<typeof testBench>[0] = {}) {
  const bench = testBench(options);
  const client = testClient(bench.cloudflare.fetch, { apiToken: token });
  const requests = (): number => bench.context.journal.since(0).length;
  const changes = (): number => bench.context.journal.since(0).filter((entry) => entry.changed).length;
  return { ...bench, client, requests, changes, slot: testSlot(worker, { client }) };
}

async function settings(
  call: ReturnType<typeof setUp>["call"],
): Promise<{ bindings: { name: string; type: string; text?: string }[] }> {
  return (
    await call<{ bindings: { name: string; type: string; text?: string }[] }>("GET", `${path}/settings`)
  ).result;
}

test("a created Worker shows no difference, shallow or deep, and a shallow look is one read", async () => {
  const { slot, requests } = setUp();
  expect(await slot.converge(desired())).toEqual({ did: "created", changes: [] });
  expect(await slot.differences(desired())).toEqual([]);
  const before = requests();
  const shallow = await slot.observe(desired(), { depth: "shallow" });
  expect(shallow).toMatchObject({ state: "present", owner: "ours", depth: "shallow" });
  expect(await slot.differences(desired(), { depth: "shallow" })).toEqual([]);
  expect(requests() - before).toBe(2);
});

test("the upload carries code, vars and secrets, and says which commit it is", async () => {
  const { slot, cloudflare, call } = setUp();
  await slot.converge(desired({ message: "release" }));
  expect((await settings(call)).bindings).toEqual([
    { name: "DATABASE_URL", type: "secret_text" },
    { name: "MODE", type: "plain_text", text: "dev" },
  ]);
  expect(JSON.stringify(cloudflare.state())).toContain("postgres://canary");
  const settled = (await call<{ annotations: Record<string, string> }>("GET", `${path}/settings`)).result;
  expect(settled.annotations).toMatchObject({
    "workers/tag": "a".repeat(40),
    "workers/message": expect.stringMatching(/^release \[flaresmith:[0-9a-f]{32}\]$/) as string,
  });
});

test.each<[string, Partial<WorkerDesired>, string[]]>([
  ["code", { bundle: moduleBundle("export default { fetch() { return new Response('two'); } };") }, ["code"]],
  ["a variable", { vars: { MODE: "prod" } }, ["vars.MODE"]],
  ["an added variable", { vars: { MODE: "dev", REGION: "eu" } }, ["vars.REGION"]],
  ["a removed variable", { vars: {} }, ["bindings.MODE"]],
  ["a secret", { secrets: { DATABASE_URL: secret("postgres://other") } }, ["secrets.DATABASE_URL"]],
  ["a removed secret", { secrets: {} }, ["bindings.DATABASE_URL"]],
  [
    "configuration of the code",
    {
      bundle: readBundle({
        path: "dist",
        kind: "directory",
        files: [
          file(
            "wrangler.json",
            '{"main":"worker.js","compatibility_date":"2026-02-01","compatibility_flags":["nodejs_compat"],"observability":{"enabled":true}}',
          ),
          file("worker.js", "export default { fetch() { return new Response('hello'); } };"),
        ],
      }),
    },
    ["code", "compatibilityDate", "compatibilityFlags", "observability"],
  ],
])("a change of %s in the spec is named, uploaded and then no difference", async (_what, change, fields) => {
  const { slot } = setUp();
  await slot.converge(desired());
  expect(await slot.differences(desired(change))).toEqual(fields);
  expect(await slot.converge(desired(change))).toEqual({ did: "updated", changes: fields });
  expect(await slot.differences(desired(change))).toEqual([]);
});

test("the same code at another commit is not deployed again", async () => {
  const { slot } = setUp();
  await slot.converge(desired());
  expect(await slot.differences(desired({ revision: "b".repeat(40), message: "other" }))).toEqual([]);
});

test("an edit in the dashboard moves the fingerprint, so that a shallow look finds it", async () => {
  const { slot, call, context } = setUp();
  await slot.converge(desired());
  context.clock.advance(1000);
  const edited = await call("PATCH", `${path}/settings`, {
    bindings: [
      { name: "MODE", type: "plain_text", text: "hacked" },
      { name: "DATABASE_URL", type: "inherit" },
    ],
    compatibility_date: "2025-05-05",
    compatibility_flags: ["nodejs_compat"],
  });
  expect(edited.status).toBe(200);
  expect(await slot.differences(desired(), { depth: "shallow" })).toEqual([
    "compatibilityDate",
    "compatibilityFlags",
    "vars.MODE",
  ]);
  await slot.converge(desired());
  expect(await slot.differences(desired())).toEqual([]);
  expect((await settings(call)).bindings).toContainEqual({ name: "MODE", type: "plain_text", text: "dev" });
});

test("a secret that was deleted or replaced by a plain variable comes back", async () => {
  const { slot, call, cloudflare } = setUp();
  await slot.converge(desired());
  await call("DELETE", `${path}/secrets/DATABASE_URL`);
  expect(await slot.differences(desired())).toEqual(["secrets.DATABASE_URL"]);
  await slot.converge(desired());
  expect(await slot.differences(desired())).toEqual([]);
  expect(JSON.stringify(cloudflare.state())).toContain("postgres://canary");
});

test("a secret that somebody else gave another value is written again, without it being readable", async () => {
  const { slot, call, context, cloudflare } = setUp();
  await slot.converge(desired());
  context.clock.advance(1000);
  await call("PUT", `${path}/secrets`, { name: "DATABASE_URL", type: "secret_text", text: "stolen" });
  expect(await slot.differences(desired(), { depth: "shallow" })).toEqual(["secrets.DATABASE_URL"]);
  await slot.converge(desired());
  expect(await slot.differences(desired())).toEqual([]);
  expect(JSON.stringify(cloudflare.state())).not.toContain("stolen");
});

test("a Worker that another one is bound to is not deleted, and goes once it is free", async () => {
  const { slot, call, upload } = setUp();
  await slot.converge(desired());
  await upload("user", { bindings: [{ name: "API", type: "service", service: "shop-api-dev" }] });
  await expect(slot.remove({ scope: account, name: "shop-api-dev" })).rejects.toMatchObject({
    class: "transient",
    message: expect.stringContaining("user") as string,
  });
  await call("DELETE", `/accounts/${account}/workers/scripts/user`);
  await slot.remove({ scope: account, name: "shop-api-dev" });
  expect(await slot.observe(desired())).toEqual({ state: "absent" });
});

test("code that somebody else uploaded is named and replaced", async () => {
  const { slot, call, upload } = setUp();
  await slot.converge(desired());
  const tags = (await call<{ tags: string[] }>("GET", `${path}/settings`)).result.tags;
  await upload("shop-api-dev", {
    tags,
    bindings: [
      { name: "MODE", type: "plain_text", text: "dev" },
      { name: "DATABASE_URL", type: "inherit" },
    ],
  });
  expect(await slot.differences(desired(), { depth: "shallow" })).toEqual(["code"]);
  await slot.converge(desired());
  expect(await slot.differences(desired())).toEqual([]);
});

test("bindings of others stay, unless they are excluded", async () => {
  const { slot, call } = setUp();
  await slot.converge(desired());
  await call("PUT", `${path}/secrets`, { name: "THEIRS", type: "secret_text", text: "kept" });
  expect(await slot.differences(desired())).toEqual([]);
  expect((await slot.converge(desired({ vars: { MODE: "prod" } }))).did).toBe("updated");
  expect((await settings(call)).bindings.map((binding) => binding.name).toSorted()).toEqual([
    "DATABASE_URL",
    "MODE",
    "THEIRS",
  ]);
  const exclusive = desired({ vars: { MODE: "prod" }, bindingsPolicy: "Exclusive" });
  expect(await slot.differences(exclusive)).toEqual(["bindings.THEIRS"]);
  await slot.converge(exclusive);
  expect((await settings(call)).bindings.map((binding) => binding.name).toSorted()).toEqual([
    "DATABASE_URL",
    "MODE",
  ]);
  expect(await slot.differences(exclusive)).toEqual([]);
});

test("settings that the spec cannot say survive our uploads", async () => {
  const { slot, call } = setUp();
  await slot.converge(desired());
  await call("PATCH", `${path}/script-settings`, { logpush: true, observability: { enabled: true } });
  await slot.converge(desired({ vars: { MODE: "prod" } }));
  expect((await call("GET", `${path}/script-settings`)).result).toMatchObject({
    logpush: true,
    observability: { enabled: true },
  });
});

describe("with the store lost", () => {
  /** As after a lost store: no inventory, and another key for what it remembers of secrets. */
  const lost = (client: CloudflareClient, credential?: string) =>
    testSlot(worker, { client, ...(credential === undefined ? {} : { credential }) });
  const again = (value = "postgres://canary"): WorkerDesired =>
    desired({ secrets: { DATABASE_URL: secretValues("another key")(value) } });

  test("it is recognised and nothing is written", async () => {
    const { slot, client, changes } = setUp();
    await slot.converge(desired());
    const before = changes();
    const next = lost(client);
    expect(await next.observe(again())).toMatchObject({ state: "present", owner: "ours" });
    expect(await next.converge(again())).toEqual({ did: "nothing", changes: [] });
    expect(changes()).toBe(before);
  });

  test("another value of a secret is written", async () => {
    const { slot, client } = setUp();
    await slot.converge(desired());
    expect(await lost(client).differences(again("postgres://new"))).toEqual(["hash"]);
  });

  test("a secret that somebody else set meanwhile is written again", async () => {
    const { slot, client, call, cloudflare } = setUp();
    await slot.converge(desired());
    await call("PUT", `${path}/secrets`, { name: "DATABASE_URL", type: "secret_text", text: "stolen" });
    const next = lost(client);
    expect(await next.converge(again())).toEqual({ did: "updated", changes: ["hash"] });
    expect(await next.differences(again())).toEqual([]);
    expect(JSON.stringify(cloudflare.state())).not.toContain("stolen");
  });

  test("code that somebody else put in place of ours, tags and all, is replaced", async () => {
    const { slot, client, call, upload } = setUp();
    await slot.converge(desired());
    const tags = (await call<{ tags: string[] }>("GET", `${path}/settings`)).result.tags;
    await upload("shop-api-dev", {
      tags,
      bindings: [
        { name: "MODE", type: "plain_text", text: "dev" },
        { name: "DATABASE_URL", type: "inherit" },
      ],
    });
    expect(await lost(client).differences(again())).toEqual(["hash"]);
  });

  test("what is recognised is remembered from then on, so that another credential changes nothing", async () => {
    const { slot, client, call, context } = setUp();
    await slot.converge(desired());
    const next = lost(client);
    await next.converge(again());
    expect(next.entry?.data).toMatchObject({
      ...slot.entry?.data,
      "secret.DATABASE_URL": expect.any(String),
    });
    const rotated = lost(client, "another credential");
    rotated.entry = next.entry;
    expect(await rotated.differences(again())).toEqual([]);
    context.clock.advance(1000);
    await call("PUT", `${path}/secrets`, { name: "DATABASE_URL", type: "secret_text", text: "stolen" });
    expect(await rotated.differences(again())).toEqual(["secrets.DATABASE_URL"]);
  });

  test("and another credential, it is written once", async () => {
    const { slot, client } = setUp();
    await slot.converge(desired());
    const next = lost(client, "another credential");
    expect(await next.converge(again())).toEqual({ did: "updated", changes: ["hash"] });
    expect(await next.differences(again())).toEqual([]);
  });
});

test("a Worker of another installation is foreign, one without our tags is unmarked, adopting keeps its tags", async () => {
  const { slot, client, upload, call } = setUp();
  await upload("shop-api-dev", { tags: ["team:web"] });
  expect(await slot.observe(desired())).toMatchObject({ state: "present", owner: "unmarked" });
  await slot.converge(desired());
  expect(await slot.observe(desired())).toMatchObject({ owner: "ours" });
  expect((await call<{ tags: string[] }>("GET", `${path}/settings`)).result.tags).toContain("team:web");
  const other = testSlot(worker, { client, installation: "other" });
  expect(await other.observe(desired())).toMatchObject({ state: "present", owner: "foreign" });
});

test("a marker that is longer than one tag is read back whole", async () => {
  const { client } = setUp();
  const slot = testSlot(worker, { client, slot: `worker/${"x".repeat(600)}` });
  await slot.converge(desired());
  expect(await slot.observe(desired())).toMatchObject({ owner: "ours" });
});

test("a removed Worker is absent, and removing it again is no error", async () => {
  const { slot } = setUp();
  await slot.converge(desired());
  await slot.remove({ scope: account, name: "shop-api-dev" });
  expect(await slot.observe(desired())).toEqual({ state: "absent" });
  expect(await slot.observe(desired(), { depth: "shallow" })).toEqual({ state: "absent" });
  await slot.remove({ scope: account, name: "shop-api-dev" });
});

test("a lost answer leaves an unknown outcome, and the Worker is then found with our marker", async () => {
  const { slot, context } = setUp();
  context.faults.add({ provider: "cloudflare", method: "PUT", when: "after", drop: true });
  await expect(slot.create(desired())).rejects.toMatchObject({
    code: "INTEGRATION_UNKNOWN_OUTCOME",
    class: "unknownOutcome",
  });
  expect(await slot.observe(desired())).toMatchObject({ state: "present", owner: "ours" });
  expect(await slot.differences(desired())).toEqual([]);
});

test.each<[string, { status: number; body?: unknown }, string]>([
  [
    "500",
    { status: 500, body: { success: false, errors: [{ code: 10001, message: "internal error" }] } },
    "INTEGRATION_UNAVAILABLE",
  ],
  ["an HTML page", { status: 502, body: "<html>bad gateway</html>" }, "INTEGRATION_UNAVAILABLE"],
  ["an HTML page with 200", { status: 200, body: "<html>sign in</html>" }, "INTEGRATION_RESPONSE_INVALID"],
  ["an HTML page with 404", { status: 404, body: "<html>not found</html>" }, "INTEGRATION_RESPONSE_INVALID"],
  [
    "a 404 that is not about the Worker",
    { status: 404, body: { success: false, errors: [{ code: 7003, message: "could not route" }] } },
    "INTEGRATION_NOT_FOUND",
  ],
  [
    "success: false with 200",
    { status: 200, body: { success: false, errors: [{ code: 1, message: "odd" }] } },
    "INTEGRATION_RESPONSE_INVALID",
  ],
  [
    "an answer of another shape",
    { status: 200, body: { success: true, errors: [], result: "none" } },
    "INTEGRATION_RESPONSE_INVALID",
  ],
  [
    "429",
    { status: 429, body: { success: false, errors: [{ code: 971, message: "Please wait" }] } },
    "INTEGRATION_RATE_LIMITED",
  ],
  [
    "401",
    { status: 401, body: { success: false, errors: [{ code: 10000, message: "Authentication error" }] } },
    "INTEGRATION_CREDENTIALS_INVALID",
  ],
  [
    "403",
    { status: 403, body: { success: false, errors: [{ code: 10000, message: "Authentication error" }] } },
    "INTEGRATION_PERMISSION_MISSING",
  ],
])("%s is never taken for absence", async (_what, fault, code) => {
  const { slot, context } = setUp();
  await slot.converge(desired());
  context.faults.add({ provider: "cloudflare", method: "GET", times: 0, ...fault });
  for (const look of [{ depth: "deep" }, { depth: "shallow" }] as const) {
    const error: unknown = await slot.observe(desired(), look).catch((thrown: unknown) => thrown);
    expect(isFlaresmithError(error) && error.code).toBe(code);
  }
});

test("a refused upload says why, and names the remedy for missing permissions", async () => {
  const { client } = setUp({
    tokens: [{ token, accounts: [account], permissions: ["Workers Scripts Read"] }],
  });
  const error: unknown = await testSlot(worker, { client })
    .create(desired())
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "INTEGRATION_PERMISSION_MISSING",
    hint: expect.stringContaining("Workers Scripts: Edit") as string,
  });
});

test("a binding whose target is unknown is retried, one name for two things is the spec's fault", async () => {
  const { slot } = setUp();
  const bindings = [{ name: "CACHE", type: "kv_namespace" as const, target: "f".repeat(32) }];
  await expect(slot.create(desired({ bindings }))).rejects.toMatchObject({
    class: "transient",
    message: expect.stringContaining("10041") as string,
  });
  await expect(
    slot.create(desired({ bindings: [{ ...bindings[0], name: "MODE", type: "service", target: "x" }] })),
  ).rejects.toMatchObject({ code: "SPEC_INVALID", message: expect.stringContaining("MODE") as string });
});

test("bindings reach their targets, and a target that was changed is named", async () => {
  const { slot, call, upload } = setUp();
  const kv = await call<{ id: string }>("POST", `/accounts/${account}/storage/kv/namespaces`, {
    title: "cache",
  });
  await call("POST", `/accounts/${account}/r2/buckets`, { name: "media" });
  await upload("auth");
  const bindings = [
    { name: "CACHE", type: "kv_namespace" as const, target: kv.result.id },
    { name: "MEDIA", type: "r2_bucket" as const, target: "media" },
    { name: "AUTH", type: "service" as const, target: "auth" },
  ];
  await slot.converge(desired({ bindings }));
  expect(await slot.differences(desired({ bindings }))).toEqual([]);
  await upload("other");
  const moved = bindings.map((binding) =>
    binding.name === "AUTH" ? { ...binding, target: "other" } : binding,
  );
  expect(await slot.differences(desired({ bindings: moved }))).toEqual(["bindings.AUTH"]);
});

test("static assets are uploaded once, and only what changed goes up again", async () => {
  const { slot, context, cloudflare } = setUp();
  const site = (page: string): WorkerDesired =>
    desired({
      bundle: readBundle({
        path: "site",
        kind: "directory",
        files: [
          file(
            "wrangler.jsonc",
            '{ // site\n "main": "worker.js", "compatibility_date": "2026-01-01", "assets": {"directory": "public", "binding": "ASSETS", "not_found_handling": "404-page"}, }',
          ),
          file("worker.js", "export default { fetch(request, env) { return env.ASSETS.fetch(request); } };"),
          file("public/index.html", page),
          file("public/_headers", "/*\n  X-Frame-Options: DENY"),
        ],
      }),
    });
  await slot.converge(site("<h1>one</h1>"));
  expect(await slot.differences(site("<h1>one</h1>"))).toEqual([]);
  const uploads = (): number =>
    context.journal.since(0).filter((entry) => entry.path.includes("/assets/upload?")).length;
  expect(uploads()).toBe(1);
  await slot.converge(site("<h1>two</h1>"));
  expect(uploads()).toBe(2);
  expect(await slot.differences(site("<h1>two</h1>"))).toEqual([]);
  await slot.converge({ ...site("<h1>two</h1>"), vars: { MODE: "prod" } });
  expect(uploads()).toBe(2);
  expect(JSON.stringify(cloudflare.state())).toContain("/index.html");
});

test("a listing that lags behind the upload is waited for", async () => {
  const { slot, context } = setUp();
  context.faults.setLag({ provider: "cloudflare", resource: "script_list", milliseconds: 5000 });
  await slot.converge(desired());
  expect(await slot.observe(desired())).toMatchObject({
    state: "present",
    owner: "ours",
    pending: expect.any(String) as string,
  });
  context.clock.advance(6000);
  expect(await slot.differences(desired())).toEqual([]);
});

test("no error or difference tells a secret", async () => {
  const { slot, context } = setUp();
  await slot.converge(desired());
  const changed = desired({ secrets: { DATABASE_URL: secret("canary-two") } });
  const observation = await slot.observe(changed);
  if (observation.state !== "present") throw new Error("present");
  expect(
    JSON.stringify([worker.diff(changed, observation.observed, slot.entry, ""), slot.entry, observation]),
  ).not.toContain("canary");
  context.faults.add({
    provider: "cloudflare",
    method: "PUT",
    status: 400,
    body: { success: false, errors: [{ code: 10021, message: "no" }] },
  });
  const error: unknown = await slot.converge(changed).catch((thrown: unknown) => thrown);
  expect(
    isFlaresmithError(error) && JSON.stringify([error.message, error.context, error.stack]),
  ).not.toContain("canary");
});
