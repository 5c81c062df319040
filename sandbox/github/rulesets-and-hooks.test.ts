import { Webhooks } from "@octokit/webhooks";
import { expect, it } from "vitest";
import { bench, type Bench } from "./testing.ts";
import type { WebhookDelivery } from "./world.ts";

const R = "/repos/acme/shop";

function world(): Bench & { deliveries: WebhookDelivery[] } {
  const deliveries: WebhookDelivery[] = [];
  const made = bench({ deliver: (delivery) => void deliveries.push(delivery) });
  made.github.seedRepository({ owner: "acme", name: "shop", files: { a: "a\n" } });
  return { ...made, deliveries };
}

const conditions = {
  ref_name: { include: ["~DEFAULT_BRANCH", "refs/heads/release/**"], exclude: ["refs/heads/release/open"] },
};

it("lists rulesets without their rules and shows bypass actors only to those who may write", async () => {
  const { send, github } = world();
  const body = {
    name: "main",
    enforcement: "active",
    conditions,
    rules: [{ type: "deletion" }],
    bypass_actors: [{ actor_id: 5, actor_type: "RepositoryRole", bypass_mode: "always" }],
  };
  const made = await send("POST", `${R}/rulesets`, { body });
  expect([made.status, made.json]).toMatchObject([201, { ...body, target: "branch", source: "acme/shop" }]);
  const [listed] = (await send("GET", `${R}/rulesets`)).json as unknown as Record<string, unknown>[];
  expect(Object.keys(listed ?? {})).not.toContain("rules");
  github.addToken({ token: "reader", owner: "acme", user: "ada", permissions: {} });
  const seen = (await send("GET", `${R}/rulesets/${String(made.json["id"])}`, { token: "reader" })).json;
  expect(seen).toMatchObject({ rules: [{ type: "deletion" }] });
  expect(Object.keys(seen)).not.toContain("bypass_actors");
});

it("refuses second names, unknown rules, missing parameters and null bypass actors", async () => {
  const { send } = world();
  const base = { name: "main", enforcement: "active" };
  expect((await send("POST", `${R}/rulesets`, { body: base })).status).toBe(201);
  const errors = async (body: unknown): Promise<unknown> => {
    const answer = await send("POST", `${R}/rulesets`, { body });
    return [answer.status, answer.json["errors"] ?? answer.json["message"]];
  };
  expect(await errors(base)).toEqual([422, ["Name must be unique"]]);
  expect(await errors({ ...base, name: "x", bypass_actors: null })).toMatchObject([422, expect.anything()]);
  expect(await errors({ ...base, name: "x", rules: [{ type: "no_such_rule" }] })).toMatchObject([
    422,
    expect.anything(),
  ]);
  expect(
    await errors({ ...base, name: "x", rules: [{ type: "pull_request", parameters: {} }] }),
  ).toMatchObject([422, expect.anything()]);
  expect(await errors({ ...base, name: "x", enforcement: "sometimes" })).toMatchObject([
    422,
    expect.stringContaining("is not a member of"),
  ]);
});

it("changes only what a PUT names, and deletes", async () => {
  const { send } = world();
  const made = await send("POST", `${R}/rulesets`, {
    body: { name: "main", enforcement: "active", conditions, rules: [{ type: "deletion" }] },
  });
  const one = `${R}/rulesets/${String(made.json["id"])}`;
  expect((await send("PUT", one, { body: { enforcement: "disabled" } })).json).toMatchObject({
    name: "main",
    enforcement: "disabled",
    rules: [{ type: "deletion" }],
    conditions,
  });
  expect((await send("DELETE", one)).status).toBe(204);
  expect((await send("GET", one)).status).toBe(404);
});

it("holds direct changes to the branches it covers, except for those who may bypass it", async () => {
  const { send } = world();
  const parameters = {
    dismiss_stale_reviews_on_push: false,
    require_code_owner_review: false,
    require_last_push_approval: false,
    required_approving_review_count: 1,
    required_review_thread_resolution: false,
  };
  const rules = [{ type: "pull_request", parameters }, { type: "deletion" }];
  const made = await send("POST", `${R}/rulesets`, {
    body: { name: "main", enforcement: "active", conditions, rules },
  });
  const put = (branch: string): ReturnType<typeof send> =>
    send("PUT", `${R}/contents/${branch.replaceAll("/", "-")}`, {
      body: { message: "m", content: "", branch },
    });
  const refused = await put("main");
  expect([refused.status, refused.json["message"]]).toEqual([
    409,
    "Repository rule violations found\n\nChanges must be made through a pull request.\n\n",
  ]);
  const head = ((await send("GET", `${R}/git/ref/heads/main`)).json as unknown as { object: { sha: string } })
    .object.sha;
  for (const branch of ["release/1", "release/open", "topic"])
    await send("POST", `${R}/git/refs`, { body: { ref: `refs/heads/${branch}`, sha: head } });
  expect((await put("topic")).status).toBe(201);
  expect((await put("release/open")).status).toBe(201);
  expect((await put("release/1")).status).toBe(409);
  expect((await send("DELETE", `${R}/git/refs/heads/release/1`)).status).toBe(422);
  expect((await send("GET", `${R}/branches/release/1`)).json).toMatchObject({ protected: true });
  await send("PUT", `${R}/rulesets/${String(made.json["id"])}`, {
    body: { bypass_actors: [{ actor_id: 5, actor_type: "RepositoryRole", bypass_mode: "always" }] },
  });
  expect((await put("main")).status).toBe(201);
});

it("never shows a hook's secret, loses it by a PATCH of the config without it, and refuses a second of the same", async () => {
  const { send, github } = world();
  const config = { url: "https://hooks.example.test/in", content_type: "json", secret: "s3cret" };
  const made = await send("POST", `${R}/hooks`, { body: { config, events: ["push"] } });
  expect(made.json).toMatchObject({
    config: { secret: "********", insecure_ssl: "0" },
    last_response: { status: "unused" },
  });
  const twice = await send("POST", `${R}/hooks`, { body: { config, events: ["push", "create"] } });
  expect([twice.status, twice.json["errors"]]).toEqual([
    422,
    [{ resource: "Hook", code: "custom", message: "Hook already exists on this repository" }],
  ]);
  expect((await send("POST", `${R}/hooks`, { body: { config: { content_type: "json" } } })).status).toBe(422);
  const one = `${R}/hooks/${String(made.json["id"])}`;
  const secret = (): unknown =>
    (github.state() as { repositories: { hooks: { config: { secret?: string } }[] }[] }).repositories[0]
      ?.hooks[0]?.config.secret;
  await send("PATCH", one, { body: { active: false } });
  await send("PATCH", `${one}/config`, { body: { url: "https://hooks.example.test/moved" } });
  expect(secret()).toBe("s3cret");
  await send("PATCH", one, {
    body: { config: { url: "https://hooks.example.test/in", content_type: "json" } },
  });
  expect(secret()).toBeUndefined();
});

it("delivers signed events for what changed, only to hooks that asked, and a failing receiver harms nobody", async () => {
  const { send, deliveries, github } = world();
  const config = { url: "https://hooks.example.test/in", content_type: "json", secret: "s3cret" };
  await send("POST", `${R}/hooks`, { body: { config, events: ["push", "repository"] } });
  await send("PUT", `${R}/contents/b`, { body: { message: "Add b", content: "Yg==" } });
  await send("PATCH", R, { body: { description: "new", has_wiki: false } });
  await send("PATCH", R, { body: { has_wiki: true } });
  await send("POST", `${R}/rulesets`, { body: { name: "x", enforcement: "disabled" } });
  const seen = deliveries.map((item) => [
    item.headers["x-github-event"],
    (JSON.parse(item.body) as { action?: string }).action,
  ]);
  expect(seen).toEqual([
    ["ping", undefined],
    ["push", undefined],
    ["repository", "edited"],
  ]);
  for (const delivery of deliveries)
    expect(
      await new Webhooks({ secret: "s3cret" }).verify(
        delivery.body,
        delivery.headers["x-hub-signature-256"] ?? "",
      ),
    ).toBe(true);
  const head = (github.state() as { repositories: { branches: Record<string, string> }[] }).repositories[0]
    ?.branches["main"];
  expect(JSON.parse(deliveries[1]?.body ?? "{}")).toMatchObject({
    ref: "refs/heads/main",
    after: head,
    commits: [{ message: "Add b" }],
    repository: { full_name: "acme/shop" },
    sender: { login: "ada" },
  });
  expect(new Set(deliveries.map((item) => item.headers["x-github-delivery"])).size).toBe(3);

  const failing = bench({ deliver: () => Promise.reject(new Error("receiver is down")) });
  failing.github.seedRepository({ owner: "acme", name: "shop", files: { a: "a" } });
  expect((await failing.send("POST", `${R}/hooks`, { body: { config } })).status).toBe(201);
});

it("tells the hooks of a commit that somebody else made", async () => {
  const { send, deliveries, github } = world();
  const config = { url: "https://hooks.example.test/in", content_type: "json" };
  await send("POST", `${R}/hooks`, { body: { config, events: ["push"] } });
  const sha = github.commit({ owner: "acme", name: "shop", branch: "topic", files: { "b.txt": "b" } });
  await send("GET", R);
  expect(JSON.parse(deliveries[1]?.body ?? "{}")).toMatchObject({
    ref: "refs/heads/topic",
    created: true,
    after: sha,
  });
  const tree = (await send("GET", `${R}/git/trees/topic`)).json as unknown as { tree: { path: string }[] };
  expect(tree.tree.map((entry) => entry.path)).toEqual(["a", "b.txt"]);
});
