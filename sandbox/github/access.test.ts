import { createSign, generateKeyPairSync } from "node:crypto";
import { expect, it } from "vitest";
import { bench, TOKEN, type Bench } from "./testing.ts";

function world(): Bench {
  const made = bench();
  made.github.seedRepository({ owner: "acme", name: "shop", files: { "README.md": "# shop\n" } });
  made.github.seedRepository({
    owner: "acme",
    name: "site",
    visibility: "public",
    files: { "README.md": "# site\n" },
  });
  return made;
}

it("refuses wrong, expired and revoked tokens with 401 Bad credentials", async () => {
  const { send, github, advance, context } = world();
  github.addToken({ token: "short", owner: "acme", user: "ada", expiresAt: context.clock.now() + 1000 });
  expect((await send("GET", "/user", { token: "short" })).json).toMatchObject({ login: "ada" });
  advance(1000);
  github.addToken({ token: "gone", owner: "acme", user: "ada" });
  github.revokeToken("gone");
  for (const token of ["nonsense", "short", "gone"]) {
    const answer = await send("GET", "/repos/acme/site", { token });
    expect([answer.status, answer.json]).toMatchObject([401, { message: "Bad credentials", status: "401" }]);
  }
});

it("understands token, Bearer and Basic, and nobody is let in to /user without them", async () => {
  const { send } = world();
  const basic = Buffer.from(`ada:${TOKEN}`).toString("base64");
  for (const authorization of [`token ${TOKEN}`, `Bearer ${TOKEN}`, `Basic ${basic}`])
    expect((await send("GET", "/user", { token: null, headers: { authorization } })).status).toBe(200);
  expect((await send("GET", "/user", { token: null })).status).toBe(401);
});

it("hides a private repository with 404 from whoever has no access, and shows a public one to everybody", async () => {
  const { send, github } = world();
  github.addToken({ token: "narrow", owner: "acme", user: "ada", repositories: ["site"] });
  for (const token of ["narrow", null]) {
    expect((await send("GET", "/repos/acme/shop", { token })).status).toBe(404);
    expect((await send("PATCH", "/repos/acme/shop", { token, body: {} })).status).toBe(404);
    expect((await send("GET", "/repos/acme/site", { token })).json).toMatchObject({ name: "site" });
  }
  const listed = (await send("GET", "/orgs/acme/repos", { token: "narrow" })).json as unknown as {
    name: string;
  }[];
  expect(listed.map((item) => item.name)).toEqual(["site"]);
  github.changeToken("narrow", { repositories: ["acme/shop"] });
  expect((await send("GET", "/repos/acme/shop", { token: "narrow" })).status).toBe(200);
});

it("names the missing permission with 403 and X-Accepted-GitHub-Permissions", async () => {
  const { send, github } = world();
  github.addToken({
    token: "reader",
    owner: "acme",
    user: "ada",
    permissions: { contents: "read", actions: "read" },
  });
  const cases = [
    ["PATCH", "", "administration=write"],
    ["PUT", "/environments/dev", "administration=write"],
    ["POST", "/git/refs", "contents=write"],
    ["GET", "/actions/variables", "actions_variables=read"],
    ["GET", "/actions/secrets", "secrets=read"],
    ["GET", "/environments/dev/secrets", "environments=read"],
    ["GET", "/hooks", "repository_hooks=read"],
  ] as const;
  for (const [method, path, accepted] of cases) {
    const answer = await send(method, `/repos/acme/shop${path}`, {
      token: "reader",
      ...(method === "GET" ? {} : { body: {} }),
    });
    expect([path, answer.status, answer.json["message"]]).toEqual([
      path,
      403,
      "Resource not accessible by personal access token",
    ]);
    expect(answer.headers.get("x-accepted-github-permissions")).toBe(accepted);
  }
  const repository = (await send("GET", "/repos/acme/shop", { token: "reader" })).json;
  expect(Object.keys(repository)).not.toContain("allow_squash_merge");
  expect(Object.keys(repository)).not.toContain("security_and_analysis");
});

it("needs the workflows permission to write workflow files", async () => {
  const { send, github } = world();
  github.addToken({ token: "writer", owner: "acme", user: "ada", permissions: { contents: "write" } });
  const body = { message: "m", content: "eA==" };
  const refused = await send("PUT", "/repos/acme/shop/contents/.github/workflows/ci.yml", {
    token: "writer",
    body,
  });
  expect([refused.status, refused.headers.get("x-accepted-github-permissions")]).toEqual([
    403,
    "contents=write,workflows=write",
  ]);
  github.changeToken("writer", { permissions: { contents: "write", workflows: "write" } });
  expect(
    (await send("PUT", "/repos/acme/shop/contents/.github/workflows/ci.yml", { token: "writer", body }))
      .status,
  ).toBe(201);
});

it("keeps an archived repository read-only until it is un-archived", async () => {
  const { send } = world();
  await send("PATCH", "/repos/acme/shop", { body: { archived: true } });
  for (const [method, path, body] of [
    ["PUT", "/topics", { names: [] }],
    ["PATCH", "", { description: "x" }],
    ["POST", "/actions/variables", { name: "A", value: "b" }],
  ] as const) {
    const answer = await send(method, `/repos/acme/shop${path}`, { body });
    expect([answer.status, answer.json["message"]]).toEqual([
      403,
      "Repository was archived so is read-only.",
    ]);
  }
  expect((await send("GET", "/repos/acme/shop")).json).toMatchObject({ archived: true });
  expect((await send("PATCH", "/repos/acme/shop", { body: { archived: false } })).json).toMatchObject({
    archived: false,
  });
});

it("redirects an old name by id, 301 for reads and 307 for writes, until the name is used again", async () => {
  const { send, octokit } = world();
  await octokit.rest.repos.update({ owner: "acme", repo: "shop", name: "store" });
  const read = await send("GET", "/repos/acme/shop/branches/main?x=1");
  const id = ((await send("GET", "/repos/acme/store")).json as unknown as { id: number }).id;
  expect([read.status, read.headers.get("location")]).toEqual([
    301,
    `http://github.example.test/repositories/${id}/branches/main?x=1`,
  ]);
  expect((await send("PATCH", "/repos/acme/shop", { body: {} })).status).toBe(307);
  expect((await send("GET", `/repositories/${id}/branches/main`)).json).toMatchObject({ name: "main" });
  await octokit.rest.repos.createInOrg({ org: "acme", name: "shop" });
  expect((await send("GET", "/repos/acme/shop")).json).not.toMatchObject({ id });
});

it("speaks one API version, at the root and under the Enterprise prefix, and knows no other path", async () => {
  const { send, client } = world();
  const old = await send("GET", "/user", { headers: { "x-github-api-version": "2019-01-01" } });
  expect(old.status).toBe(400);
  const answer = await send("GET", "/api/v3/repos/acme/shop", {
    headers: { "x-github-api-version": "2022-11-28" },
  });
  expect([answer.status, answer.headers.get("x-github-api-version-selected")]).toEqual([200, "2022-11-28"]);
  expect((await client(TOKEN, "/api/v3").rest.repos.get({ owner: "acme", repo: "shop" })).data.name).toBe(
    "shop",
  );
  for (const path of ["/nothing/here", "/repos/acme/shop/", "/repos/acme/shop/nothing"]) {
    const missing = await send("GET", path);
    expect([missing.status, missing.json]).toMatchObject([
      404,
      { message: "Not Found", documentation_url: expect.any(String) as string },
    ]);
  }
});

it("refuses bodies that are no JSON, no object, or of the wrong types", async () => {
  const { send } = world();
  const patch = async (body: unknown): Promise<unknown[]> => {
    const answer = await send("PATCH", "/repos/acme/shop", { body });
    return [answer.status, answer.json["message"]];
  };
  expect(await patch("{")).toEqual([400, "Problems parsing JSON"]);
  expect(await patch("[1]")).toEqual([400, "Body should be a JSON object"]);
  expect(await patch({ has_wiki: "yes" })).toEqual([
    422,
    `Invalid request.\n\nFor 'properties/has_wiki', "yes" is not a boolean.`,
  ]);
  expect(await patch({ visibility: "secret" })).toMatchObject([
    422,
    expect.stringContaining("is not a member of") as string,
  ]);
  const created = await send("POST", "/orgs/acme/repos", { body: { name: "x", archived: true } });
  expect([created.status, created.json["message"]]).toEqual([
    422,
    `Invalid request.\n\n"archived" is not a permitted key.`,
  ]);
});

it("mints installation tokens for an App's JWT, narrowed as asked, ending with the installation", async () => {
  const { send, github, context, advance } = world();
  const pair = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const { appId, installationIds } = github.registerApp({
    slug: "flaresmith",
    owner: "acme",
    publicKey: pair.publicKey,
    permissions: { contents: "write", administration: "read" },
    installations: [{ account: "acme", repositories: ["shop"] }],
  });
  const [installation = 0] = installationIds;
  const jwt = (claims: Record<string, unknown> = {}): string => {
    const now = Math.floor(context.clock.now() / 1000);
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const unsigned = `${part({ alg: "RS256" })}.${part({ iat: now - 60, exp: now + 540, iss: String(appId), ...claims })}`;
    return `${unsigned}.${createSign("RSA-SHA256").update(unsigned).sign(pair.privateKey, "base64url")}`;
  };
  const mint = (body: unknown = {}, token = jwt()): ReturnType<Bench["send"]> =>
    send("POST", `/app/installations/${installation}/access_tokens`, { token, body });
  const now = Math.floor(context.clock.now() / 1000);
  expect((await mint({}, jwt({ exp: now + 3600 }))).json["message"]).toBe(
    "'Expiration time' claim ('exp') is too far in the future",
  );
  expect((await mint({}, jwt({ exp: now - 1 }))).status).toBe(401);
  expect((await mint({}, `${jwt().slice(0, -6)}AAAAAA`)).json["message"]).toBe(
    "A JSON web token could not be decoded",
  );
  expect((await mint({ repositories: ["site"] })).status).toBe(422);
  expect((await mint({ permissions: { administration: "write" } })).status).toBe(422);
  expect((await send("GET", "/user/repos", { token: jwt() })).status).toBe(403);

  const minted = (await mint({ permissions: { contents: "read" } })).json as unknown as {
    token: string;
    expires_at: string;
  };
  expect(Date.parse(minted.expires_at) - context.clock.now()).toBe(3_600_000);
  const { token } = minted;
  expect((await send("GET", "/installation/repositories", { token })).json).toMatchObject({
    total_count: 1,
    repositories: [{ name: "shop" }],
  });
  const refused = await send("PUT", "/repos/acme/shop/contents/a", {
    token,
    body: { message: "m", content: "" },
  });
  expect([refused.status, refused.json["message"]]).toEqual([403, "Resource not accessible by integration"]);
  expect((await send("GET", "/user", { token })).status).toBe(403);
  github.suspendInstallation(installation, true);
  expect((await send("GET", "/repos/acme/shop", { token })).status).toBe(403);
  github.suspendInstallation(installation, false);
  advance(3_600_000);
  expect((await send("GET", "/repos/acme/shop", { token })).status).toBe(401);
});
