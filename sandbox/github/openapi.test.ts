import { generateKeyPairSync, createSign } from "node:crypto";
import { readFileSync } from "node:fs";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import sodium from "libsodium-wrappers";
import { expect, it } from "vitest";
import { bench, TOKEN } from "./testing.ts";

await sodium.ready;

type Json = Record<string, unknown>;
const extract = JSON.parse(readFileSync(new URL("openapi-extract.json", import.meta.url), "utf8")) as {
  operations: Record<string, Record<string, Json | null>>;
  schemas: Record<string, Json>;
};

/** OpenAPI 3.0 to JSON Schema: `nullable` becomes a type array, references point into this document. */
function converted(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(converted);
  if (typeof node !== "object" || node === null) return node;
  const { nullable, ...rest } = node as Json;
  const result: Json = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, converted(value)]),
  );
  if (typeof result["$ref"] === "string")
    result["$ref"] = result["$ref"].replace("#/components/schemas/", "#/$defs/");
  if (nullable !== true) return result;
  if (Array.isArray(result["enum"])) result["enum"] = [...(result["enum"] as unknown[]), null];
  if (typeof result["type"] === "string") return { ...result, type: [result["type"], "null"] };
  return { anyOf: [result, { type: "null" }] };
}

const ajv = new Ajv({ strict: false, allErrors: true });
(addFormats as unknown as (target: Ajv) => void)(ajv);
ajv.addSchema({ $id: "github", $defs: converted(extract.schemas) as Json });
const compiled = new Map<string, ValidateFunction>();

function validator(operation: string, status: number, schema: Json): ValidateFunction {
  const key = `${operation} ${status}`;
  const text = JSON.stringify(converted(schema)).replaceAll("#/$defs/", "github#/$defs/");
  const known = compiled.get(key) ?? ajv.compile(JSON.parse(text) as Json);
  compiled.set(key, known);
  return known;
}

function pattern(template: string): RegExp {
  const source = template
    .replace(/[.*+?^$()|[\]\\]/g, "\\$&")
    .replace(/\{(path|ref|tree_sha|branch)\}/g, ".+")
    .replace(/\{\w+\}/g, "[^/]+");
  return new RegExp(`^${source}$`);
}
const operations = Object.keys(extract.operations)
  .map((name) => ({ name, method: name.split(" ")[0] ?? "", template: name.split(" ")[1] ?? "" }))
  // The template with the fewest parameters is the one that is meant.
  .toSorted((left, right) => left.template.split("{").length - right.template.split("{").length)
  .map((item) => ({ ...item, matches: pattern(item.template) }));

/** Deviations that are known and why; `specs/emulators/github.md` lists the same. */
const EXCEPTIONS: Record<string, string> = {
  "POST /repos/{owner}/{repo}/actions/variables 409":
    "seen in practice (cli/cli falls back to PATCH on it), missing from the description",
  "POST /repos/{owner}/{repo}/environments/{environment_name}/variables 409": "as above",
  "GET /app/installations 200":
    "the description asks an account to be a user and an enterprise at once (allOf where the single form has anyOf)",
};

it("answers everything in the shapes that GitHub describes", async () => {
  const world = bench();
  const { github, advance } = world;
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const app = github.registerApp({
    slug: "flaresmith",
    owner: "acme",
    publicKey,
    permissions: { contents: "write", administration: "write" },
    installations: [{ account: "acme" }],
  });
  const now = Math.floor(world.context.clock.now() / 1000);
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = `${part({ alg: "RS256", typ: "JWT" })}.${part({ iat: now - 30, exp: now + 300, iss: app.appId })}`;
  const jwt = `${unsigned}.${createSign("RSA-SHA256").update(unsigned).sign(privateKey, "base64url")}`;
  const team = github.addTeam({ organization: "acme", slug: "ops" });
  github.seedRepository({
    owner: "acme",
    name: "starter",
    isTemplate: true,
    visibility: "public",
    files: { "README.md": "# s\n", "a/b.txt": "b\n" },
  });

  const problems: string[] = [];
  const covered = new Set<string>();
  const call = async (method: string, path: string, body?: unknown, token = TOKEN): Promise<Json> => {
    const answer = await world.send(method, path, { token, ...(body === undefined ? {} : { body }) });
    const operation = operations.find(
      (item) => item.method === method && item.matches.test(path.split("?")[0] ?? ""),
    );
    if (!operation) throw new Error(`${method} ${path} is not in the extract`);
    const { name } = operation;
    const described = extract.operations[name] ?? {};
    const known = EXCEPTIONS[`${name} ${answer.status}`];
    covered.add(name);
    if (!(String(answer.status) in described) && known === undefined)
      problems.push(`${name}: ${answer.status} is not described: ${answer.text}`);
    const schema = described[String(answer.status)];
    if (schema && known === undefined) {
      const validate = validator(name, answer.status, schema);
      if (!validate(answer.json))
        problems.push(`${name} ${answer.status}: ${ajv.errorsText(validate.errors?.slice(0, 5))}`);
    } else if (answer.text !== "" && answer.status < 300 && schema === null)
      problems.push(`${name} ${answer.status}: a body where none is described`);
    return answer.json;
  };

  for (const path of [
    "/user",
    "/rate_limit",
    "/orgs/acme",
    "/users/ada",
    "/users/ada/repos",
    "/user/repos",
    "/orgs/acme/repos",
    "/orgs/acme/teams/ops",
  ])
    await call("GET", path);
  await call("GET", "/app", undefined, jwt);
  await call("GET", "/app/installations", undefined, jwt);
  await call("GET", `/app/installations/${app.installationIds[0]}`, undefined, jwt);
  const minted = await call(
    "POST",
    `/app/installations/${app.installationIds[0]}/access_tokens`,
    { repositories: ["starter"] },
    jwt,
  );
  await call("GET", "/installation/repositories", undefined, String(minted["token"]));
  await call("POST", "/user/repos", { name: "mine" }, TOKEN).catch(() => undefined);
  await call("POST", "/orgs/acme/repos", { name: "plain", private: true, auto_init: true });
  await call("POST", "/orgs/acme/repos", { name: "plain" });
  await call("POST", "/repos/acme/starter/generate", { owner: "acme", name: "shop", private: true });
  await call("GET", "/repos/acme/shop/git/ref/heads/main");
  advance(5000);
  const R = "/repos/acme/shop";
  await call("GET", R);
  await call("PATCH", R, {
    description: "d",
    homepage: "https://example.test",
    delete_branch_on_merge: true,
  });
  await call("PUT", `${R}/topics`, { names: ["a", "b"] });
  await call("GET", `${R}/topics`);
  const ref = await call("GET", `${R}/git/ref/heads/main`);
  const head = (ref["object"] as { sha: string }).sha;
  await call("GET", `${R}/git/matching-refs/heads/`);
  const blob = await call("POST", `${R}/git/blobs`, { content: "aGk=", encoding: "base64" });
  await call("GET", `${R}/git/blobs/${String(blob["sha"])}`);
  const old = await call("GET", `${R}/git/commits/${head}`);
  const tree = await call("POST", `${R}/git/trees`, {
    base_tree: (old["tree"] as { sha: string }).sha,
    tree: [
      { path: "x", mode: "100644", type: "blob", sha: blob["sha"] },
      { path: "y/z", mode: "100755", content: "z" },
      { path: "a/b.txt", mode: "100644", sha: null },
    ],
  });
  await call("GET", `${R}/git/trees/${String(tree["sha"])}?recursive=1`);
  const commit = await call("POST", `${R}/git/commits`, { message: "m", tree: tree["sha"], parents: [head] });
  await call("PATCH", `${R}/git/refs/heads/main`, { sha: commit["sha"] });
  await call("POST", `${R}/git/refs`, { ref: "refs/heads/b", sha: head });
  await call("POST", `${R}/git/refs`, { ref: "refs/heads/b", sha: head });
  await call("DELETE", `${R}/git/refs/heads/b`);
  await call("GET", `${R}/commits`);
  await call("GET", `${R}/commits/main`);
  await call("GET", `${R}/branches`);
  await call("GET", `${R}/branches/main`);
  await call("GET", `${R}/contents/y`);
  const file = await call("GET", `${R}/contents/y/z`);
  await call("PUT", `${R}/contents/y/z`, { message: "u", content: "eg==", sha: file["sha"] });
  const made = await call("PUT", `${R}/contents/new.txt`, { message: "n", content: "eg==" });
  await call("DELETE", `${R}/contents/new.txt`, {
    message: "r",
    sha: (made["content"] as { sha: string }).sha,
  });
  await call("GET", `${R}/contents/missing`);
  const ada = await call("GET", "/users/ada");
  await call("PUT", `${R}/environments/prod`, {
    wait_timer: 30,
    prevent_self_review: true,
    reviewers: [
      { type: "User", id: ada["id"] },
      { type: "Team", id: team },
    ],
    deployment_branch_policy: { protected_branches: false, custom_branch_policies: true },
  });
  await call("GET", `${R}/environments`);
  await call("GET", `${R}/environments/prod`);
  const policies = `${R}/environments/prod/deployment-branch-policies`;
  const policy = await call("POST", policies, { name: "main" });
  await call("POST", policies, { name: "main" });
  await call("GET", policies);
  await call("GET", `${policies}/${String(policy["id"])}`);
  await call("PUT", `${policies}/${String(policy["id"])}`, { name: "release/*" });
  await call("DELETE", `${policies}/${String(policy["id"])}`);
  for (const base of [`${R}/actions`, `${R}/environments/prod`]) {
    await call("POST", `${base}/variables`, { name: "V", value: "1" });
    await call("POST", `${base}/variables`, { name: "V", value: "1" });
    await call("GET", `${base}/variables`);
    await call("GET", `${base}/variables/V`);
    await call("PATCH", `${base}/variables/V`, { value: "2" });
    await call("DELETE", `${base}/variables/V`);
    const key = await call("GET", `${base}/secrets/public-key`);
    const sealed = Buffer.from(
      sodium.crypto_box_seal("s", Buffer.from(String(key["key"]), "base64")),
    ).toString("base64");
    await call("PUT", `${base}/secrets/S`, { encrypted_value: sealed, key_id: key["key_id"] });
    await call("PUT", `${base}/secrets/S`, { encrypted_value: sealed, key_id: key["key_id"] });
    await call("GET", `${base}/secrets`);
    await call("GET", `${base}/secrets/S`);
    await call("DELETE", `${base}/secrets/S`);
  }
  const ruleset = await call("POST", `${R}/rulesets`, {
    name: "main",
    enforcement: "active",
    target: "branch",
    bypass_actors: [{ actor_id: 5, actor_type: "RepositoryRole", bypass_mode: "always" }],
    conditions: { ref_name: { include: ["~DEFAULT_BRANCH"], exclude: [] } },
    rules: [
      { type: "deletion" },
      {
        type: "pull_request",
        parameters: {
          dismiss_stale_reviews_on_push: true,
          require_code_owner_review: false,
          require_last_push_approval: false,
          required_approving_review_count: 1,
          required_review_thread_resolution: false,
        },
      },
    ],
  });
  await call("GET", `${R}/rulesets`);
  await call("GET", `${R}/rulesets/${String(ruleset["id"])}`);
  await call("PUT", `${R}/rulesets/${String(ruleset["id"])}`, { enforcement: "disabled" });
  await call("DELETE", `${R}/rulesets/${String(ruleset["id"])}`);
  const hook = await call("POST", `${R}/hooks`, {
    config: { url: "https://h.example.test", secret: "s", content_type: "json" },
    events: ["push"],
  });
  const one = `${R}/hooks/${String(hook["id"])}`;
  await call("POST", `${R}/hooks`, {
    config: { url: "https://h.example.test", content_type: "json" },
    events: ["push"],
  });
  await call("GET", `${R}/hooks`);
  await call("GET", one);
  await call("PATCH", one, { add_events: ["create"] });
  await call("GET", `${one}/config`);
  await call("PATCH", `${one}/config`, { content_type: "form" });
  await call("POST", `${one}/pings`);
  await call("DELETE", one);
  await call("DELETE", `${R}/environments/prod`);
  await call("DELETE", R);
  await call("GET", R);
  expect(problems).toEqual([]);
  expect(operations.map((item) => item.name).filter((name) => !covered.has(name))).toEqual([]);
});
