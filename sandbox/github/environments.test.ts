import sodium from "libsodium-wrappers";
import { expect, it } from "vitest";
import { bench, type Bench } from "./testing.ts";

await sodium.ready;
const R = "/repos/acme/shop";

function world(
  plan: "free" | "team" | "enterprise" = "enterprise",
  visibility: "private" | "public" = "private",
): Bench {
  const made = bench({
    owners: [
      { login: "acme", type: "Organization", plan },
      { login: "ada", type: "User" },
    ],
  });
  made.github.seedRepository({ owner: "acme", name: "shop", visibility, files: { a: "a" } });
  return made;
}

async function ids({ send, github }: Bench): Promise<{ user: number; team: number }> {
  const user = (await send("GET", "/users/ada")).json as unknown as { id: number };
  return { user: user.id, team: github.addTeam({ organization: "acme", slug: "ops" }) };
}

it("creates and updates an environment by PUT, ignoring the case of its name, slashes included", async () => {
  const made = world();
  const { send } = made;
  const { user, team } = await ids(made);
  const body = {
    wait_timer: 30,
    prevent_self_review: true,
    reviewers: [
      { type: "User", id: user },
      { type: "Team", id: team },
    ],
    deployment_branch_policy: null,
  };
  const first = await send("PUT", `${R}/environments/eu%2FProd`, { body });
  const again = await send("PUT", `${R}/environments/EU%2Fprod`, { body });
  expect([first.status, again.json["id"], again.json["name"]]).toEqual([200, first.json["id"], "eu/Prod"]);
  expect((await send("GET", `${R}/environments/eu%2Fprod`)).json).toMatchObject({
    protection_rules: [
      { type: "wait_timer", wait_timer: 30 },
      {
        type: "required_reviewers",
        prevent_self_review: true,
        reviewers: [
          { type: "User", reviewer: { login: "ada" } },
          { type: "Team", reviewer: { slug: "ops" } },
        ],
      },
    ],
    deployment_branch_policy: null,
    can_admins_bypass: true,
  });
  expect((await send("GET", `${R}/environments`)).json).toMatchObject({ total_count: 1 });
});

it("does not count a PUT of what is there as a change", async () => {
  const { send, context } = world();
  for (let pass = 0; pass < 2; pass += 1)
    await send("PUT", `${R}/environments/dev`, { body: { wait_timer: 1 } });
  expect(context.journal.since(0).map((entry) => entry.changed)).toEqual([true, false]);
});

it("refuses what the service refuses", async () => {
  const { send } = world();
  const put = async (body: unknown): Promise<number> =>
    (await send("PUT", `${R}/environments/dev`, { body })).status;
  expect(
    await put({ deployment_branch_policy: { protected_branches: true, custom_branch_policies: true } }),
  ).toBe(422);
  expect(await put({ wait_timer: 43_201 })).toBe(422);
  expect(await put({ wait_timer: "1" })).toBe(422);
  expect(await put({ reviewers: [{ type: "User", id: 1 }] })).toBe(422);
  expect((await send("GET", `${R}/environments/dev`)).status).toBe(404);
});

it("keeps branch patterns only under custom policies; a duplicate is answered 303 without a body", async () => {
  const { send } = world();
  const policies = `${R}/environments/dev/deployment-branch-policies`;
  await send("PUT", `${R}/environments/dev`, {
    body: { deployment_branch_policy: { protected_branches: true, custom_branch_policies: false } },
  });
  expect((await send("GET", policies)).status).toBe(404);
  await send("PUT", `${R}/environments/dev`, {
    body: { deployment_branch_policy: { protected_branches: false, custom_branch_policies: true } },
  });
  const made = await send("POST", policies, { body: { name: "release/*" } });
  const twice = await send("POST", policies, { body: { name: "release/*" } });
  expect([made.status, twice.status, twice.text]).toEqual([200, 303, ""]);
  expect((await send("GET", policies)).json).toMatchObject({
    total_count: 1,
    branch_policies: [{ name: "release/*", type: "branch" }],
  });
  await send("DELETE", `${policies}/${String(made.json["id"])}`);
  expect((await send("GET", policies)).json).toMatchObject({ total_count: 0 });
});

it("gates protections and environments of private repositories by plan", async () => {
  const team = world("team");
  const refused = await team.send("PUT", `${R}/environments/dev`, { body: { wait_timer: 0 } });
  expect([refused.status, refused.json["message"]]).toMatchObject([
    422,
    expect.stringContaining("billing plan"),
  ]);
  expect(
    (await team.send("PUT", `${R}/environments/dev`, { body: { deployment_branch_policy: null } })).status,
  ).toBe(200);
  const free = world("free");
  expect((await free.send("PUT", `${R}/environments/dev`, { body: {} })).status).toBe(404);
  expect((await free.send("GET", `${R}/rulesets`)).status).toBe(403);
  expect(
    (await world("free", "public").send("PUT", `${R}/environments/dev`, { body: { wait_timer: 5 } })).status,
  ).toBe(200);
});

it("loses its variables and secrets with the environment", async () => {
  const { send } = world();
  await send("PUT", `${R}/environments/dev`, { body: {} });
  await send("POST", `${R}/environments/dev/variables`, { body: { name: "A", value: "1" } });
  expect((await send("DELETE", `${R}/environments/dev`)).status).toBe(204);
  expect((await send("GET", `${R}/environments/dev/variables`)).status).toBe(404);
  await send("PUT", `${R}/environments/dev`, { body: {} });
  expect((await send("GET", `${R}/environments/dev/variables`)).json).toEqual({
    total_count: 0,
    variables: [],
  });
});

it("stores variables under upper-case names, refuses a second POST with 409 and reserved names with 422", async () => {
  const { send } = world();
  const base = `${R}/actions/variables`;
  expect((await send("POST", base, { body: { name: "region", value: "eu" } })).status).toBe(201);
  const twice = await send("POST", base, { body: { name: "Region", value: "us" } });
  expect([twice.status, twice.json["message"]]).toEqual([409, "Already exists - Variable already exists"]);
  expect((await send("GET", `${base}/region`)).json).toMatchObject({ name: "REGION", value: "eu" });
  for (const name of ["GITHUB_X", "1A", "a-b", ""])
    expect((await send("POST", base, { body: { name, value: "v" } })).status).toBe(422);
  expect((await send("PATCH", `${base}/NOPE`, { body: { value: "v" } })).status).toBe(404);
  expect((await send("PATCH", `${base}/region`, { body: { name: "ZONE", value: "b" } })).status).toBe(204);
  expect((await send("GET", base)).json).toMatchObject({ variables: [{ name: "ZONE", value: "b" }] });
});

it("opens secrets sealed for its key only, never shows them, and refuses boxes for a rotated key", async () => {
  const { send, github, context } = world();
  const base = `${R}/actions/secrets`;
  const put = async (
    value: string,
    key: { key: string; key_id: string },
    keyId = key.key_id,
  ): Promise<number> => {
    const sealed = Buffer.from(sodium.crypto_box_seal(value, Buffer.from(key.key, "base64"))).toString(
      "base64",
    );
    return (await send("PUT", `${base}/token`, { body: { encrypted_value: sealed, key_id: keyId } })).status;
  };
  const key = (await send("GET", `${base}/public-key`)).json as unknown as { key: string; key_id: string };
  expect([await put("one", key), await put("two", key)]).toEqual([201, 204]);
  expect(await put("x", key, "1")).toBe(422);
  expect(
    (await send("PUT", `${base}/token`, { body: { encrypted_value: "AAAA", key_id: key.key_id } })).status,
  ).toBe(422);
  const shown = await send("GET", `${base}/TOKEN`);
  expect(Object.keys(shown.json)).toEqual(["name", "created_at", "updated_at"]);
  expect(JSON.stringify(context.journal.since(0))).not.toContain("two");
  expect(github.state()).toMatchObject({ repositories: [{ secrets: { TOKEN: "two" } }] });
  github.rotateKeys();
  expect(await put("three", key)).toBe(422);
  expect((await send("DELETE", `${base}/TOKEN`)).status).toBe(204);
  expect((await send("DELETE", `${base}/TOKEN`)).status).toBe(404);
});

it("names the pattern that a secret's text must have", async () => {
  const { send } = world();
  const answer = await send("PUT", `${R}/actions/secrets/A`, {
    body: { encrypted_value: "plain text!", key_id: "1" },
  });
  expect([answer.status, answer.json["message"]]).toMatchObject([
    422,
    expect.stringMatching(/^Invalid request\.\n\nplain text! does not match /),
  ]);
});
