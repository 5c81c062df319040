import { describe, expect, test } from "vitest";
import { account, testBench, token } from "../../sandbox/cloudflare/testing.ts";
import { kvNamespace } from "./kv-namespace.ts";
import { r2Bucket } from "./r2-bucket.ts";
import { testClient, testSlot } from "./test-context.ts";

const kvPath = `/accounts/${account}/storage/kv/namespaces`;
const r2Path = `/accounts/${account}/r2/buckets`;
const kv = { accountId: account, title: "shop-cache-dev" };
const r2 = { accountId: account, name: "shop-media-dev" };
const untagged = {
  tokens: [
    { token, accounts: [account], permissions: ["Workers KV Storage Write", "Workers R2 Storage Write"] },
  ],
};

function setUp(options: Parameters<typeof testBench>[0] = {}) {
  const bench = testBench(options);
  const client = testClient(bench.cloudflare.fetch, { apiToken: token });
  const both = (installation = "test", disposable = false) => ({
    kvSlot: testSlot(kvNamespace, { client, installation }),
    r2Slot: testSlot(r2Bucket, { client, installation, disposable }),
  });
  const changes = (): number => bench.context.journal.since(0).filter((entry) => entry.changed).length;
  const requests = (): number => bench.context.journal.since(0).length;
  return { ...bench, client, both, changes, requests, ...both() };
}

test("a bucket in an account without R2 says to enable it, not to change the token", async () => {
  const { r2Slot } = setUp({
    accounts: [{ id: account, name: "Acme", workersSubdomain: "acme", r2: false }],
  });
  const refused = {
    code: "INTEGRATION_UNSUPPORTED_BY_PLAN",
    hint: expect.stringContaining("Enable R2") as string,
  };
  await expect(r2Slot.observe(r2)).rejects.toMatchObject(refused);
  await expect(r2Slot.create(r2)).rejects.toMatchObject(refused);
});

test("a token that may read tags and not write them is told so, and nothing is written again and again", async () => {
  const permissions = ["Workers KV Storage Write", "Workers R2 Storage Write", "Account Tags Read"];
  const { kvSlot } = setUp({ tokens: [{ token, accounts: [account], permissions }] });
  await kvSlot.converge(kv).catch(() => undefined);
  await expect(kvSlot.converge(kv)).rejects.toMatchObject({
    code: "INTEGRATION_PERMISSION_MISSING",
    hint: expect.stringContaining("Account Tags: Edit") as string,
  });
});

describe.each([
  ["with the Tag API", {}],
  ["where the Tag API is refused", untagged],
])("%s", (_where, options) => {
  test("a created namespace and bucket are ours and show no difference", async () => {
    const { kvSlot, r2Slot } = setUp(options);
    expect((await kvSlot.converge(kv)).did).toBe("created");
    expect((await r2Slot.converge(r2)).did).toBe("created");
    for (const depth of ["deep", "shallow"] as const) {
      expect(await kvSlot.observe(kv, { depth })).toMatchObject({ state: "present", owner: "ours", depth });
      expect(await kvSlot.differences(kv, { depth })).toEqual([]);
      expect(await r2Slot.observe(r2, { depth })).toMatchObject({ state: "present", owner: "ours", depth });
      expect(await r2Slot.differences(r2, { depth })).toEqual([]);
    }
    expect(await kvSlot.outputs(kv)).toEqual({ id: kvSlot.entry?.id, title: kv.title });
    expect(await r2Slot.outputs(r2)).toEqual({ name: r2.name });
  });

  test("after a lost answer, what was created is found and ours", async () => {
    const { kvSlot, r2Slot, context } = setUp(options);
    context.faults.add({ provider: "cloudflare", method: "POST", when: "after", drop: true, times: 2 });
    await expect(kvSlot.create(kv)).rejects.toMatchObject({ class: "unknownOutcome" });
    await expect(r2Slot.create(r2)).rejects.toMatchObject({ class: "unknownOutcome" });
    expect(await kvSlot.observe(kv)).toMatchObject({ state: "present", owner: "ours" });
    expect(await r2Slot.observe(r2)).toMatchObject({ state: "present", owner: "ours" });
    await kvSlot.converge(kv);
    await r2Slot.converge(r2);
    expect(await kvSlot.differences(kv)).toEqual([]);
    expect(await r2Slot.differences(r2)).toEqual([]);
  });

  test("what somebody else made under the name is not ours", async () => {
    const { kvSlot, r2Slot, call } = setUp(options);
    await call("POST", kvPath, { title: kv.title });
    await call("POST", r2Path, { name: r2.name });
    expect(await kvSlot.observe(kv)).toMatchObject({ state: "present", owner: "unmarked" });
    expect(await r2Slot.observe(r2)).toMatchObject({ state: "present", owner: "unmarked" });
  });

  test("what was removed is absent, and removing it again is no error", async () => {
    const { kvSlot, r2Slot } = setUp(options);
    await kvSlot.converge(kv);
    await r2Slot.converge(r2);
    for (let times = 0; times < 2; times += 1) {
      await kvSlot.remove({ scope: account, name: kv.title, id: kvSlot.entry?.id ?? "" });
      await r2Slot.remove({ scope: account, name: r2.name });
    }
    expect(await kvSlot.observe(kv)).toEqual({ state: "absent" });
    expect(await r2Slot.observe(r2)).toEqual({ state: "absent" });
    expect(await kvSlot.observe(kv, { depth: "shallow" })).toEqual({ state: "absent" });
    expect(await r2Slot.observe(r2, { depth: "shallow" })).toEqual({ state: "absent" });
  });
});

test("with the inventory lost, the tags tell that they are ours, and nothing is written", async () => {
  const { kvSlot, r2Slot, changes } = setUp();
  await kvSlot.converge(kv);
  await r2Slot.converge(r2);
  const before = changes();
  kvSlot.entry = undefined;
  r2Slot.entry = undefined;
  expect(await kvSlot.observe(kv)).toMatchObject({ owner: "ours" });
  expect(await kvSlot.converge(kv)).toMatchObject({ did: "nothing" });
  expect(await r2Slot.converge(r2)).toMatchObject({ did: "nothing" });
  expect(changes()).toBe(before);
});

test("a bucket that somebody makes under the name of one that we deleted is not ours", async () => {
  const { r2Slot, call } = setUp();
  await r2Slot.converge(r2);
  await r2Slot.remove({ scope: account, name: r2.name });
  r2Slot.entry = undefined;
  await call("POST", r2Path, { name: r2.name });
  expect(await r2Slot.observe(r2)).toMatchObject({ state: "present", owner: "unmarked" });
});

test("another installation sees foreign things", async () => {
  const { kvSlot, r2Slot, both } = setUp();
  await kvSlot.converge(kv);
  await r2Slot.converge(r2);
  const other = both("other");
  expect(await other.kvSlot.observe(kv)).toMatchObject({ owner: "foreign" });
  expect(await other.r2Slot.observe(r2)).toMatchObject({ owner: "foreign" });
});

test("a marker that was taken off is put back, beside the tags of others", async () => {
  const { kvSlot, r2Slot, call } = setUp();
  await kvSlot.converge(kv);
  await r2Slot.converge(r2);
  const id = kvSlot.entry?.id ?? "";
  for (const [resource_type, resource_id] of [
    ["kv_namespace", id],
    ["r2_bucket", r2.name],
  ]) {
    expect(
      (await call("PUT", `/accounts/${account}/tags`, { resource_type, resource_id, tags: { team: "web" } }))
        .status,
    ).toBe(200);
  }
  expect(await kvSlot.differences(kv)).toEqual(["marker"]);
  expect(await r2Slot.differences(r2)).toEqual(["marker"]);
  await kvSlot.converge(kv);
  await r2Slot.converge(r2);
  expect(await kvSlot.differences(kv)).toEqual([]);
  expect(await r2Slot.differences(r2)).toEqual([]);
  const tags = await call<{ tags: Record<string, string> }>(
    "GET",
    `/accounts/${account}/tags?resource_type=kv_namespace&resource_id=${id}`,
  );
  expect(tags.result.tags).toMatchObject({
    team: "web",
    flaresmith: expect.stringContaining("test/default/") as string,
  });
});

test("a tag that failed does not lose the namespace: it is written next time", async () => {
  const { kvSlot, context } = setUp();
  context.faults.add({
    provider: "cloudflare",
    method: "PUT",
    path: "/tags$",
    status: 500,
    body: { success: false, errors: [{ code: 1000, message: "oops" }] },
  });
  await kvSlot.converge(kv);
  expect(await kvSlot.differences(kv)).toEqual(["marker"]);
  await kvSlot.converge(kv);
  expect(await kvSlot.differences(kv)).toEqual([]);
});

test("a renamed namespace is the same namespace, and gets its title back", async () => {
  const { kvSlot, call } = setUp();
  await kvSlot.converge(kv);
  await call("PUT", `${kvPath}/${kvSlot.entry?.id ?? ""}`, { title: "renamed" });
  expect(await kvSlot.differences(kv)).toEqual(["title"]);
  expect(await kvSlot.differences(kv, { depth: "shallow" })).toEqual(["title"]);
  await kvSlot.converge(kv);
  expect((await call<{ title: string }[]>("GET", kvPath)).result.map((namespace) => namespace.title)).toEqual(
    [kv.title],
  );
  expect(await kvSlot.differences(kv)).toEqual([]);
});

test("a list of several pages is read whole, and one that breaks off proves nothing", async () => {
  const { kvSlot, call, context } = setUp({ rateLimit: false });
  for (let index = 0; index < 120; index += 1) await call("POST", kvPath, { title: `a-${index}` });
  await kvSlot.converge(kv);
  expect(await kvSlot.observe(kv, { depth: "shallow" })).toMatchObject({ state: "present" });
  const page = {
    success: true,
    errors: [],
    messages: [],
    result: [],
    result_info: { page: 2, per_page: 100, count: 0, total_count: 121, total_pages: 2 },
  };
  context.faults.add({
    provider: "cloudflare",
    method: "GET",
    path: "namespaces.*[?&]page=2",
    status: 200,
    body: page,
  });
  await expect(kvSlot.observe(kv, { depth: "shallow" })).rejects.toMatchObject({
    code: "INTEGRATION_RESPONSE_INVALID",
    message: expect.stringContaining("broke off") as string,
  });
});

test("a bucket that holds objects is not deleted, and the remedy is told", async () => {
  const { r2Slot, call } = setUp();
  await r2Slot.converge(r2);
  await call("PUT", `${r2Path}/${r2.name}/objects/photo.jpg`, new TextEncoder().encode("x"), {
    "content-type": "image/jpeg",
  });
  await expect(r2Slot.remove({ scope: account, name: r2.name })).rejects.toMatchObject({
    code: "INTEGRATION_REJECTED",
    hint: expect.stringContaining("Empty the bucket") as string,
  });
});

describe("a bucket whose objects are copies", () => {
  const reference = { scope: account, name: r2.name };
  const put = (call: ReturnType<typeof setUp>["call"], count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        call("PUT", `${r2Path}/${r2.name}/objects/photos/${index} ä.jpg`, new Uint8Array([1]), {
          "content-type": "image/jpeg",
        }),
      ),
    );
  const isGone = async (call: ReturnType<typeof setUp>["call"]): Promise<boolean> =>
    (await call("GET", `${r2Path}/${r2.name}`)).status === 404;

  test("is emptied and deleted, a thousand objects at a time", async () => {
    const { both, call, requests } = setUp();
    const { r2Slot } = both("test", true);
    await r2Slot.converge(r2);
    await put(call, 1050);
    const before = requests();
    await r2Slot.remove(reference);
    expect(requests() - before).toBeLessThan(8);
    expect(await isGone(call)).toBe(false);
    expect((await call<unknown[]>("GET", `${r2Path}/${r2.name}/objects?per_page=1000`)).result).toHaveLength(
      50,
    );
    await r2Slot.remove(reference);
    expect(await isGone(call)).toBe(true);
  });

  test("loses none where its marker is gone: somebody else may have made it anew", async () => {
    const { both, call } = setUp();
    const { r2Slot } = both("test", true);
    await r2Slot.converge(r2);
    await put(call, 1);
    const tags = { resource_type: "r2_bucket", resource_id: r2.name, tags: {} };
    expect((await call("PUT", `/accounts/${account}/tags`, tags)).status).toBe(200);
    await expect(r2Slot.remove(reference)).rejects.toMatchObject({
      code: "INTEGRATION_REJECTED",
      hint: expect.stringContaining("Empty the bucket") as string,
    });
    expect((await call<unknown[]>("GET", `${r2Path}/${r2.name}/objects`)).result).toHaveLength(1);
  });

  test("is left, with the remedy, where it is not empty although it lists no object", async () => {
    const { both, call, context } = setUp();
    const { r2Slot } = both("test", true);
    await r2Slot.converge(r2);
    context.faults.add({
      method: "DELETE",
      path: `/r2/buckets/${r2.name}$`,
      status: 409,
      body: {
        success: false,
        errors: [{ code: 10008, message: "The bucket is not empty." }],
        messages: [],
        result: null,
      },
      times: 0,
    });
    await expect(r2Slot.remove(reference)).rejects.toMatchObject({
      code: "INTEGRATION_REJECTED",
      hint: expect.stringContaining("multipart uploads") as string,
    });
    context.faults.clear();
    await r2Slot.remove(reference);
    expect(await isGone(call)).toBe(true);
  });

  test("goes although somebody else deletes an object at the same time", async () => {
    const { both, call, context } = setUp();
    const { r2Slot } = both("test", true);
    await r2Slot.converge(r2);
    await put(call, 2);
    context.faults.add({
      method: "DELETE",
      path: "/objects$",
      when: "after",
      status: 200,
      body: {
        success: false,
        errors: [{ code: 10007, message: "The specified key does not exist." }],
        messages: [],
        result: null,
      },
    });
    await r2Slot.remove(reference);
    expect(await isGone(call)).toBe(true);
  });
});

test("without the permission for KV, it is named", async () => {
  const { kvSlot } = setUp({
    tokens: [{ token, accounts: [account], permissions: ["Workers R2 Storage Write"] }],
  });
  await expect(kvSlot.observe(kv)).rejects.toMatchObject({
    code: "INTEGRATION_PERMISSION_MISSING",
    hint: expect.stringContaining("Workers KV Storage") as string,
  });
});
