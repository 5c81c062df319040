import { expect, test } from "vitest";
import { neonHarness } from "./neon-harness.ts";

const day = 24 * 3_600_000;

test("a branch is gone once its expiry has passed, and can be recovered without it for seven days", async () => {
  const { call, context, ok, project, settle } = neonHarness();
  const base = `/projects/${(await project())["project"]?.["id"]}/branches`;
  const preview = (
    await ok("POST", base, { branch: { name: "preview", expires_at: "2026-01-02T00:00:00Z" } })
  )["branch"];
  expect(preview).toMatchObject({ expires_at: "2026-01-02T00:00:00Z", ttl_interval_seconds: 86_340 });
  settle();
  context.clock.advance(day);
  expect((await call("GET", `${base}/${preview?.["id"]}`)).status).toBe(404);
  expect((await ok("GET", base))["branches"]).toHaveLength(1);
  const deleted = (await ok("GET", `${base}?include_deleted=true`))["branches"]?.find(
    (branch) => branch["name"] === "preview",
  );
  expect(deleted?.["recovery"]).toMatchObject({ deletion_method: "ttl" });
  const recovered = await ok("POST", `${base}/${preview?.["id"]}/recover`);
  expect(recovered["branch"]).not.toHaveProperty("expires_at");
  await ok("DELETE", `${base}/${preview?.["id"]}`);
  context.clock.advance(7 * day + 1);
  expect((await call("POST", `${base}/${preview?.["id"]}/recover`)).status).toBe(404);
  expect((await ok("GET", `${base}?include_deleted=true`))["branches"]).toHaveLength(1);
});

test("an expiry is refused in the past, beyond 30 days, and on default, protected and parent branches", async () => {
  const { call, ok, project, settle } = neonHarness();
  const shop = await project();
  const base = `/projects/${shop["project"]?.["id"]}/branches`;
  const main = shop["branch"]?.["id"];
  const create = async (fields: object) => (await call("POST", base, { branch: fields })).status;
  expect(await create({ name: "a", expires_at: "2025-12-31T00:00:00Z" })).toBe(400);
  expect(await create({ name: "a", expires_at: "2026-03-01T00:00:00Z" })).toBe(400);
  expect(await create({ name: "a", expires_at: "tomorrow" })).toBe(400);
  expect(await create({ name: "a", protected: true, expires_at: "2026-01-03T00:00:00Z" })).toBe(422);
  const dev = (await ok("POST", base, { branch: { name: "dev" } }))["branch"]?.["id"];
  settle();
  const leaf = (
    await ok("POST", base, {
      branch: { name: "leaf", parent_id: dev, expires_at: "2026-01-03T00:00:00+02:00" },
    })
  )["branch"];
  settle();
  expect(leaf?.["expires_at"]).toBe("2026-01-02T22:00:00Z");
  const expire = async (id: unknown) =>
    (await call("PATCH", `${base}/${String(id)}`, { branch: { expires_at: "2026-01-05T00:00:00Z" } })).status;
  expect(await expire(main)).toBe(422);
  expect(await expire(dev)).toBe(422);
  expect(await expire(leaf?.["id"])).toBe(200);
  expect((await call("PATCH", `${base}/${leaf?.["id"]}`, { branch: { protected: true } })).status).toBe(422);
  expect((await call("POST", base, { branch: { name: "below", parent_id: leaf?.["id"] } })).status).toBe(422);
  const cleared = await ok("PATCH", `${base}/${leaf?.["id"]}`, { branch: { expires_at: null } });
  expect(cleared["branch"]).not.toHaveProperty("expires_at");
  expect((await call("PATCH", `${base}/${leaf?.["id"]}`, { branch: { protected: true } })).status).toBe(200);
});
