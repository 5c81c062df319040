import { expect, test } from "vitest";
import { account, testBench, token } from "../../sandbox/cloudflare/testing.ts";
import { secretValues } from "../../controller/runtime/secret-value.ts";
import { readBundle } from "./bundle.ts";
import { preview } from "./preview.ts";
import { file, moduleBundle, testClient, testSlot } from "./test-context.ts";
import type { PreviewDesired } from "./types.ts";

const secret = secretValues("key");
const path = `/accounts/${account}/workers/workers/shop-api-dev/previews`;

function desired(overrides: Partial<PreviewDesired> = {}): PreviewDesired {
  return {
    accountId: account,
    workerName: "shop-api-dev",
    previewName: "feature-x",
    bundle: moduleBundle(),
    vars: { MODE: "preview" },
    secrets: { DATABASE_URL: secret("postgres://canary") },
    bindings: [],
    revision: "a".repeat(40),
    ...overrides,
  };
}

/** @param altered what becomes of each answer on its way */
async function setUp(altered?: (response: Response) => Promise<Response>) {
  const bench = testBench();
  const send = async (request: Request): Promise<Response> => {
    const response = await bench.cloudflare.fetch(request);
    return altered === undefined ? response : altered(response);
  };
  const client = testClient(send, { apiToken: token });
  await bench.upload("shop-api-dev");
  await bench.call("POST", `/accounts/${account}/workers/scripts/shop-api-dev/subdomain`, {
    enabled: true,
    previews_enabled: true,
  });
  return { ...bench, client, slot: testSlot(preview, { client }) };
}

test("a created preview has an address and shows no difference; a shallow look is one read", async () => {
  const { slot, context } = await setUp();
  expect((await slot.converge(desired({ message: "try it" }))).did).toBe("created");
  expect(await slot.differences(desired())).toEqual([]);
  const before = context.journal.since(0).length;
  expect(await slot.observe(desired(), { depth: "shallow" })).toMatchObject({
    state: "present",
    owner: "ours",
    depth: "shallow",
  });
  expect(context.journal.since(0).length - before).toBe(1);
  expect(await slot.differences(desired(), { depth: "shallow" })).toEqual([]);
  expect(await slot.outputs(desired())).toMatchObject({
    url: "https://feature-x-shop-api-dev.acme.workers.dev",
    slug: "feature-x",
    revision: "a".repeat(40),
  });
});

test("answers that do not say when it was deployed do not have it deployed again and again", async () => {
  const { cloudflare, context, slot } = await setUp(async (response) => {
    const text = (await response.text()).replaceAll(/"deployed_on":"[^"]*"/g, '"deployed_on":null');
    return new Response(text, response);
  });
  await slot.converge(desired());
  expect(await slot.differences(desired())).toEqual([]);
  const before = context.journal.since(0).filter(({ changed }) => changed).length;
  expect(await slot.differences(desired(), { depth: "shallow" })).toEqual([]);
  await slot.converge(desired());
  expect(context.journal.since(0).filter(({ changed }) => changed)).toHaveLength(before);
  expect(JSON.stringify(cloudflare.state())).toContain("deployedOn");
});

test("before previews are enabled on the Worker, the address is the one that it is going to have", async () => {
  const { slot, call } = await setUp();
  await call("POST", `/accounts/${account}/workers/scripts/shop-api-dev/subdomain`, {
    enabled: false,
    previews_enabled: false,
  });
  await slot.converge(desired());
  expect(await slot.outputs(desired())).toMatchObject({
    url: "https://feature-x-shop-api-dev.acme.workers.dev",
  });
});

test.each<[string, Partial<PreviewDesired>, string[]]>([
  ["code", { bundle: moduleBundle("export default { fetch() { return new Response('two'); } };") }, ["code"]],
  ["a variable", { vars: { MODE: "other" } }, ["vars.MODE"]],
  ["a removed variable", { vars: {} }, ["bindings.MODE"]],
  ["a secret", { secrets: { DATABASE_URL: secret("other") } }, ["secrets.DATABASE_URL"]],
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
])("a change of %s is named, deployed and then no difference", async (_what, change, fields) => {
  const { slot } = await setUp();
  await slot.converge(desired());
  expect(await slot.differences(desired(change))).toEqual(fields);
  await slot.converge(desired(change));
  expect(await slot.differences(desired(change))).toEqual([]);
});

test("what somebody else deployed to it is found by a shallow look and replaced", async () => {
  const { slot, call, context } = await setUp();
  await slot.converge(desired());
  context.clock.advance(1000);
  const modules = [
    {
      name: "x.js",
      content_type: "application/javascript+module",
      content_base64: Buffer.from("export default {};").toString("base64"),
    },
  ];
  const deployed = await call("POST", `${path}/feature-x/deployments`, {
    main_module: "x.js",
    modules,
    compatibility_date: "2025-01-01",
    env: { EXTRA: { type: "plain_text", text: "1" } },
  });
  expect(deployed.status).toBe(200);
  expect(await slot.differences(desired(), { depth: "shallow" })).toEqual([
    "bindings.EXTRA",
    "code",
    "compatibilityDate",
    "secrets.DATABASE_URL",
    "vars.MODE",
  ]);
  await slot.converge(desired());
  expect(await slot.differences(desired())).toEqual([]);
});

test("static assets and the Worker's secrets are the preview's own", async () => {
  const { slot, cloudflare, call } = await setUp();
  const bundle = readBundle({
    path: "site",
    kind: "directory",
    files: [
      file("wrangler.json", '{"compatibility_date":"2026-01-01","assets":{"directory":"public"}}'),
      file("public/index.html", "<h1>preview</h1>"),
      file("public/_headers", "/*\n  X-Frame-Options: DENY"),
      file("public/_redirects", "/old / 301"),
    ],
  });
  await slot.converge(desired({ bundle, vars: {}, secrets: {} }));
  expect(await slot.differences(desired({ bundle, vars: {}, secrets: {} }))).toEqual([]);
  expect(JSON.stringify(cloudflare.state())).not.toContain("canary");
  const { result } = await call("GET", `${path}/feature-x/deployments/latest`);
  expect(result["assets"]).toEqual({ _headers: "/*\n  X-Frame-Options: DENY", _redirects: "/old / 301" });
});

test("a preview runs every module of its bundle, by the name it is imported by", async () => {
  const { slot, call } = await setUp();
  const bundle = readBundle({
    path: "code",
    kind: "directory",
    files: [
      file("wrangler.json", '{"compatibility_date":"2026-01-01","main":"index.js"}'),
      file(
        "index.js",
        'import text from "./lib/page.txt"; export default { fetch: () => new Response(text) };',
      ),
      file("lib/page.txt", "hello"),
    ],
  });
  await slot.converge(desired({ bundle }));
  const { result } = await call("GET", `${path}/feature-x/deployments/latest?include=modules`);
  expect(result).toMatchObject({
    main_module: "index.js",
    modules: [{ name: "index.js" }, { name: "lib/page.txt", content_base64: btoa("hello") }],
  });
});

test("a preview whose first deployment failed is deployed at the next attempt", async () => {
  const { slot, context } = await setUp();
  context.faults.add({
    provider: "cloudflare",
    method: "POST",
    path: "/deployments",
    status: 500,
    body: { success: false, errors: [] },
  });
  // It exists: a failure of what comes after is no failure of the create.
  expect((await slot.create(desired())).pending).toContain("its first deployment");
  expect(await slot.observe(desired())).toMatchObject({ state: "present", owner: "ours" });
  expect(await slot.differences(desired())).toEqual(["code"]);
  await slot.converge(desired());
  expect(await slot.differences(desired())).toEqual([]);
});

test("a preview of somebody else is not ours", async () => {
  const { slot, client, call } = await setUp();
  await call("POST", path, { name: "feature-x" });
  expect(await slot.observe(desired())).toMatchObject({ owner: "unmarked" });
  const ours = testSlot(preview, { client });
  await ours.converge(desired({ previewName: "feature-y" }));
  expect(
    await testSlot(preview, { client, installation: "other" }).observe(desired({ previewName: "feature-y" })),
  ).toMatchObject({ owner: "foreign" });
});

test("with the inventory lost nothing is deployed again", async () => {
  const { slot, client, context } = await setUp();
  await slot.converge(desired());
  const before = context.journal.since(0).filter((entry) => entry.changed).length;
  const next = testSlot(preview, { client });
  const again = (value: string): PreviewDesired =>
    desired({ secrets: { DATABASE_URL: secretValues("another key")(value) } });
  expect(await next.converge(again("postgres://canary"))).toMatchObject({ did: "nothing" });
  expect(context.journal.since(0).filter((entry) => entry.changed)).toHaveLength(before);
  expect(next.entry?.data).toMatchObject({ deployment: slot.entry?.data?.["deployment"] });
  expect(await testSlot(preview, { client }).differences(again("postgres://new"))).toEqual(["hash"]);
});

test("with the inventory lost, what somebody else deployed over it is replaced", async () => {
  const { slot, client, call } = await setUp();
  await slot.converge(desired());
  const { result } = await call<{ env: Record<string, unknown> }>(
    "GET",
    `${path}/feature-x/deployments/latest?include=modules`,
  );
  const env = { ...result.env, DATABASE_URL: { type: "secret_text", text: "stolen" } };
  const { main_module, modules, compatibility_date, compatibility_flags } = result as Record<string, unknown>;
  const theirs = { main_module, modules, compatibility_date, compatibility_flags, env };
  expect((await call("POST", `${path}/feature-x/deployments`, theirs)).status).toBe(200);
  expect(await testSlot(preview, { client }).differences(desired())).toEqual(["hash"]);
});

test("a removed preview is absent, also when its Worker is gone", async () => {
  const { slot, call } = await setUp();
  await slot.converge(desired());
  const reference = { ...preview.reference(desired()), id: slot.entry?.id ?? "" };
  await slot.remove(reference);
  expect(await slot.observe(desired())).toEqual({ state: "absent" });
  await call("DELETE", `/accounts/${account}/workers/scripts/shop-api-dev`);
  await slot.remove(reference);
  expect(await slot.observe(desired())).toEqual({ state: "absent" });
  expect(await slot.observe(desired(), { depth: "shallow" })).toEqual({ state: "absent" });
});

test("a failed list is not an empty list", async () => {
  const { slot, context } = await setUp();
  await slot.converge(desired());
  context.faults.add({
    provider: "cloudflare",
    method: "GET",
    path: "/previews",
    status: 404,
    body: "<html>not found</html>",
    times: 0,
  });
  await expect(slot.observe(desired(), { depth: "shallow" })).rejects.toMatchObject({
    code: "INTEGRATION_RESPONSE_INVALID",
  });
  await expect(slot.observe(desired())).rejects.toMatchObject({ code: "INTEGRATION_RESPONSE_INVALID" });
});
