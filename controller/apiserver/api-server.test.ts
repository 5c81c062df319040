import { beforeAll, describe, expect, test } from "vitest";
import { kinds } from "../../crds/index.ts";
import { seededRandom, virtualClock } from "../runtime/adapters/virtual.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../store/embedded/index.ts";
import { createApiServer, type ApiServer } from "./api-server.ts";
import { BODY_LIMIT } from "./body.ts";

const PROJECTS = "/apis/flaresmith.dev/v1alpha1/namespaces/default/projects";
const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

let app: ApiServer;
let yields = 0;

beforeAll(async () => {
  const clock = virtualClock();
  const random = seededRandom();
  const store = await openEmbeddedStore({
    path: ":memory:",
    clock,
    random,
    types: [...builtinTypes, ...kinds.map(kindType)],
  });
  app = createApiServer({
    store,
    clock,
    random,
    tokens: [{ token: "right", username: "u", groups: ["g"] }],
    ready: () => false,
    yieldToLoop: () => {
      yields += 1;
      return Promise.resolve();
    },
  });
});

interface Asked {
  method?: string;
  token?: string;
  accept?: string;
  type?: string;
  body?: string;
  headers?: Record<string, string>;
}

async function ask(path: string, options: Asked = {}) {
  const { method = "GET", token = "right", accept, type, body, headers = {} } = options;
  const response = await app.request(`https://127.0.0.1${path}`, {
    method,
    headers: {
      ...headers,
      ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
      ...(accept === undefined ? {} : { accept }),
      ...(type === undefined ? {} : { "content-type": type }),
    },
    ...(body === undefined ? {} : { body }),
  });
  return { code: response.status, headers: response.headers, text: await response.text() };
}
const read = async (path: string, options: Asked = {}): Promise<Record<string, unknown>> =>
  JSON.parse((await ask(path, options)).text) as Record<string, unknown>;

describe("who may ask", () => {
  test.each(["", "wrong", "righ", "right2"])(
    "token %j gets 401 everywhere but for probes and version",
    async (token) => {
      for (const path of [PROJECTS, "/api", "/apis", "/openapi/v3", "/nothing", "/"])
        expect((await ask(path, { token })).code, path).toBe(401);
      for (const path of ["/livez", "/healthz", "/version"])
        expect((await ask(path, { token })).code, path).toBe(200);
    },
  );

  test("readyz says when the process is not ready", async () => {
    expect((await ask("/readyz", { token: "" })).code).toBe(500);
  });
});

describe("somebody who asks to act as another", () => {
  const refusal = (what: string, resource: string, place = 'in API group "" at the cluster scope'): string =>
    `${what} is forbidden: User "u" cannot impersonate resource "${resource}" ${place}: impersonation is not served here`;
  const extra = 'in API group "authentication.k8s.io" at the cluster scope';
  const cases: [Record<string, string>, string][] = [
    [{ "Impersonate-User": "bob" }, refusal('users "bob"', "users")],
    [{ "impersonate-group": "viewers", "impersonate-user": "bob" }, refusal('users "bob"', "users")],
    [
      { "Impersonate-User": "system:serviceaccount:shop:robot" },
      refusal('serviceaccounts "robot"', "serviceaccounts", 'in API group "" in the namespace "shop"'),
    ],
    [{ "Impersonate-User": "" }, refusal("users", "users")],
    [{ "Impersonate-Group": "viewers" }, refusal('groups "viewers"', "groups")],
    [{ "Impersonate-Uid": "7" }, refusal('uids.authentication.k8s.io "7"', "uids", extra)],
    [
      { "Impersonate-Extra-scopes": "read" },
      refusal('userextras.authentication.k8s.io "read"', "userextras/scopes", extra),
    ],
  ];

  test.each(cases)("%j is refused, whatever is asked for", async (headers, message) => {
    const name = "kept";
    const path = "/api/v1/namespaces/default/secrets";
    await ask(path, {
      method: "POST",
      type: "application/json",
      body: JSON.stringify({ metadata: { name } }),
    });
    for (const [method, target] of [
      ["DELETE", `${path}/${name}`],
      ["GET", path],
      ["GET", "/version"],
      ["GET", "/backup"],
      ["POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"],
    ] as const) {
      const { code, text } = await ask(target, { method, headers });
      expect(code, target).toBe(403);
      expect(JSON.parse(text), target).toMatchObject({
        kind: "Status",
        status: "Failure",
        reason: "Forbidden",
        message,
        details: { kind: /^[a-z]+/.exec(message)?.[0] },
        code: 403,
      });
    }
    expect((await ask(`${path}/${name}`)).code).toBe(200);
  });

  test("without a token gets 401 as everybody does, and health is told to anybody", async () => {
    const headers = { "Impersonate-User": "bob" };
    expect((await ask(PROJECTS, { token: "", headers })).code).toBe(401);
    expect((await ask("/livez", { token: "", headers })).code).toBe(200);
  });
});

describe("bodies", () => {
  test("above 3 MiB is refused with 413, told by length or not", async () => {
    const body = " ".repeat(BODY_LIMIT + 1);
    expect((await ask(PROJECTS, { method: "POST", type: "application/json", body })).code).toBe(413);
  });

  test("nested too deep is refused", async () => {
    const body = `{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
    const { code, text } = await ask(PROJECTS, { method: "POST", type: "application/json", body });
    expect(code).toBe(400);
    expect(text).toContain("exceeded max depth");
  });

  test.each([
    [
      '{"name":"a","labels":{"a":1}}',
      "cannot unmarshal number into Go struct field ObjectMeta.labels of type string",
    ],
    ['{"name":"a","labels":[]}', "ObjectMeta.labels of type map[string]string"],
    ['{"name":7}', "ObjectMeta.name of type string"],
    ["[]", "metadata must be an object"],
  ])("metadata %s is refused with its place", async (metadata, message) => {
    const body = `{"apiVersion":"flaresmith.dev/v1alpha1","kind":"Project","metadata":${metadata},"spec":{}}`;
    const { code, text } = await ask(PROJECTS, { method: "POST", type: "application/json", body });
    expect(code).toBe(400);
    expect(text).toContain(message);
  });

  test("a prototype in a patch changes nothing but the object", async () => {
    const body = '{"spec":{"__proto__":{"polluted":true}}}';
    await ask(`${PROJECTS}/x`, { method: "PATCH", type: "application/merge-patch+json", body });
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

describe("discovery", () => {
  test("the plain and the aggregated form name the same resources", async () => {
    const names = async (groups: readonly string[]): Promise<string[]> => {
      const lists = await Promise.all(groups.map((group) => read(group)));
      return lists
        .flatMap((list) => (list["resources"] as { name: string }[]).map((item) => item.name))
        .filter((name) => !name.includes("/"));
    };
    const groups = (await read("/apis"))["groups"] as { preferredVersion: { groupVersion: string } }[];
    const plain = await names([
      "/api/v1",
      ...groups.map((group) => `/apis/${group.preferredVersion.groupVersion}`),
    ]);
    const aggregated = await Promise.all(["/api", "/apis"].map((path) => read(path, { accept: AGGREGATED })));
    const items = aggregated.flatMap(
      (list) => list["items"] as { versions: { resources: { resource: string }[] }[] }[],
    );
    expect(
      items
        .flatMap((item) => item.versions.flatMap((version) => version.resources.map((one) => one.resource)))
        .toSorted(),
    ).toEqual(plain.toSorted());
    expect(plain).toContain("projects");
  });

  test("a client that cannot read the aggregated form gets the plain one", async () => {
    expect(await read("/api", { accept: "application/json" })).toMatchObject({ kind: "APIVersions" });
    const { headers } = await ask("/apis", { accept: `${AGGREGATED},application/json` });
    expect(headers.get("content-type")).toBe(AGGREGATED);
  });

  test("every document of the OpenAPI index is there, complete, and describes every field", async () => {
    const { paths } = (await read("/openapi/v3")) as { paths: Record<string, { serverRelativeURL: string }> };
    expect(Object.keys(paths)).toContain("apis/flaresmith.dev/v1alpha1");
    for (const { serverRelativeURL } of Object.values(paths)) {
      const text = (await ask(serverRelativeURL)).text;
      const { components } = JSON.parse(text) as { components: { schemas: Record<string, unknown> } };
      for (const [, name = ""] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
        expect(components.schemas).toHaveProperty([name]);
      for (const [name, schema] of Object.entries(components.schemas))
        expect(schema, name).toHaveProperty("description");
    }
  });

  test("patch of every kind names fieldValidation and dryRun, which kubectl looks for", async () => {
    const { paths } = (await read("/openapi/v3/apis/flaresmith.dev/v1alpha1")) as {
      paths: Record<
        string,
        { patch?: { parameters: { name: string }[]; "x-kubernetes-group-version-kind": { kind: string } } }
      >;
    };
    const patches = Object.values(paths).flatMap((path) => path.patch ?? []);
    expect(new Set(patches.map((patch) => patch["x-kubernetes-group-version-kind"].kind))).toEqual(
      new Set(kinds.map((kind) => kind.kind)),
    );
    for (const patch of patches) {
      expect(patch.parameters.map((parameter) => parameter.name)).toEqual(
        expect.arrayContaining(["dryRun", "fieldValidation"]),
      );
    }
  });
});

test("a long list comes in chunks and lets other work have its turn in between", async () => {
  const maps = "/api/v1/namespaces/default/configmaps";
  for (let index = 0; index < 200; index += 1) {
    const body = JSON.stringify({ metadata: { name: `m${index}` }, data: { text: "x".repeat(2000) } });
    expect((await ask(maps, { method: "POST", type: "application/json", body })).code).toBe(201);
  }
  yields = 0;
  const list = await read(maps);
  expect(list["items"]).toHaveLength(200);
  expect(yields).toBeGreaterThan(4);
  yields = 0;
  expect((await read(maps, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" }))["rows"]).toHaveLength(
    200,
  );
  expect(yields).toBeGreaterThan(0);
});

test("pages follow each other until there is no more", async () => {
  const maps = "/api/v1/namespaces/default/configmaps?limit=70";
  const names: string[] = [];
  let token = "";
  do {
    const page = (await read(`${maps}${token === "" ? "" : `&continue=${encodeURIComponent(token)}`}`)) as {
      items: { metadata: { name: string } }[];
      metadata: { continue?: string };
    };
    names.push(...page.items.map((item) => item.metadata.name));
    token = page.metadata.continue ?? "";
  } while (token !== "");
  expect(new Set(names).size).toBe(200);
});

test("a method that a resource does not have gets 405", async () => {
  expect(
    (await ask("/api/v1/namespaces", { method: "PUT", type: "application/json", body: "{}" })).code,
  ).toBe(405);
  expect((await ask("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")).code).toBe(405);
});

test("nothing is deleted or created across namespaces, nor are namespaces deleted together", async () => {
  const json = { type: "application/json" };
  const ready = { method: "POST", ...json };
  await ask("/api/v1/namespaces", { ...ready, body: '{"metadata":{"name":"other"}}' });
  for (const [namespace, name] of [
    ["default", "one"],
    ["other", "two"],
  ] as const) {
    const body = JSON.stringify({ metadata: { name } });
    await ask(`/api/v1/namespaces/${namespace}/secrets`, { ...ready, body });
  }
  const names = async (path: string): Promise<string[]> => {
    const { items } = (await read(path)) as { items: { metadata: { name: string } }[] };
    return items.map(({ metadata }) => metadata.name);
  };
  const before = { secrets: await names("/api/v1/secrets"), namespaces: await names("/api/v1/namespaces") };
  expect(before.secrets).toEqual(expect.arrayContaining(["one", "two"]));
  for (const path of ["/api/v1/secrets", "/api/v1/secrets?labelSelector=a", "/api/v1/namespaces"])
    expect((await ask(path, { method: "DELETE" })).code, path).toBe(405);
  expect((await ask("/apis/flaresmith.dev/v1alpha1/projects", { method: "DELETE" })).code).toBe(404);
  const body = '{"metadata":{"name":"three","namespace":"default"}}';
  expect((await ask("/api/v1/secrets", { ...ready, body })).code).toBe(405);
  expect(await names("/api/v1/secrets")).toEqual(before.secrets);
  expect(await names("/api/v1/namespaces")).toEqual(before.namespaces);
  expect((await ask("/api/v1/namespaces/other/secrets", { method: "DELETE" })).code).toBe(200);
  expect(await names("/api/v1/secrets")).toEqual(before.secrets.filter((name) => name !== "two"));
});
