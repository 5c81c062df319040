/** Requests that are well-formed HTTP and nonsense otherwise: refused with a reason, nothing is stored, nothing is polluted. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { kinds } from "../../crds/index.ts";
import { seededRandom, virtualClock } from "../runtime/adapters/virtual.ts";
import { builtinTypes, kindType, openEmbeddedStore, type EmbeddedStore } from "../store/embedded/index.ts";
import { createApiServer, type ApiServer } from "./api-server.ts";

const PROJECTS = "/apis/flaresmith.dev/v1alpha1/namespaces/default/projects";
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const SECRETS = "/api/v1/namespaces/default/secrets";
const JSON_TYPE = "application/json";
const APPLY = "application/apply-patch+yaml";
const clock = virtualClock();

let app: ApiServer;
let store: EmbeddedStore;
const errors: unknown[] = [];

beforeAll(async () => {
  const random = seededRandom();
  const types = [...builtinTypes, ...kinds.map(kindType)];
  store = await openEmbeddedStore({ path: ":memory:", clock, random, types });
  app = createApiServer({
    store,
    clock,
    random,
    tokens: [{ token: "t", username: "u", groups: [] }],
    onError: (error) => errors.push(error),
  });
});

async function ask(method: string, path: string, body?: string, type = JSON_TYPE) {
  const response = await app.request(`https://127.0.0.1${path}`, {
    method,
    headers: { authorization: "Bearer t", "content-type": type },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return { code: response.status, text, warnings: response.headers.get("warning") ?? "" };
}
const project = (spec: object, metadata: object = {}): string =>
  JSON.stringify({
    apiVersion: "flaresmith.dev/v1alpha1",
    kind: "Project",
    metadata: { name: "shop", ...metadata },
    spec,
  });
const shop = { github: { connectionRef: { name: "github" }, repository: "shop" } };

beforeEach(async () => {
  await ask("POST", PROJECTS, project(shop));
  await ask("POST", CONFIG_MAPS, '{"metadata":{"name":"map"},"data":{"a":"1"}}');
  await ask("POST", SECRETS, '{"metadata":{"name":"secret"},"stringData":{"token":"hunter22"}}');
});
afterEach(async () => {
  for (const collection of [PROJECTS, CONFIG_MAPS, SECRETS]) await ask("DELETE", collection, "{}");
  expect(errors).toEqual([]);
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

describe("a body that is no object", () => {
  test.each<[string, string, RegExp]>([
    ["nothing", "", /unexpected end of JSON input/],
    ["half of one", '{"kind": "Project"', /unexpected end of JSON input/],
    ["two", "{}{}", /invalid character '\{' at position 2/],
    ["a list", "[]", /it is not an object/],
    ["null", "null", /Object 'Kind' is missing/],
    ["a number", "5", /it is not an object/],
    ["no UTF-8", "\xff\xfe", /.*/],
    ["an object without kind", '{"apiVersion": "v1"}', /Object 'Kind' is missing/],
    [
      "a kind that is no text",
      '{"apiVersion": "v1", "kind": {"toString": null}}',
      /Object 'Kind' is missing/,
    ],
    [
      "a number that nobody can hold",
      project(shop).replace('"shop"}}', "1e400}}"),
      /spec\.github\.repository into Go value of type float64/,
    ],
    ["a number of 400 digits", project(shop).replace('"shop"}}', `${"9".repeat(400)}}}`), /float64/],
    ["nested without end", `{"a":${"[".repeat(100_000)}`, /exceeded max depth/],
    ["nested objects without end", '{"a":'.repeat(100_000), /exceeded max depth/],
  ])("%s", async (_name, body, message) => {
    const { code, text } = await ask("POST", PROJECTS, body);
    expect(code).toBe(400);
    expect(JSON.parse(text)).toMatchObject({
      kind: "Status",
      reason: "BadRequest",
      message: expect.stringMatching(message),
    });
  });

  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json,text/plain",
    "application/jsonp",
    "application/cbor",
    ";;;",
    "application/json application/yaml",
  ])("of type %s is refused with what is taken", async (type) => {
    const { code, text } = await ask("POST", PROJECTS, project(shop, { name: "other" }), type);
    expect(code).toBe(415);
    expect(text).toContain("accepted media types include: application/json, application/yaml");
  });

  test("in YAML is refused within limits, and nothing of it is resolved", async () => {
    const head = "apiVersion: flaresmith.dev/v1alpha1\nkind: Project\nmetadata: {name: y1}\n";
    const cases: [string, RegExp][] = [
      [`${head}spec: &a {b: *a}`, /anchors \(&name\) are not supported/],
      [`a: *b`, /aliases \(\*name\) are not supported/],
      [`${head}spec: !!js/function x`, /tags are not supported/],
      [`${head}spec: {<<: {a: b}}`, /merge keys/],
      [`a: ${"[".repeat(50_000)}`, /nested more than 100 deep/],
      [`a:\n${"- b\n".repeat(200_000)}`, /more than 50,000 names, values and signs/],
      [`${head}---\n${head}`, /a second document begins here/],
      ["a: \0", /the character U\+0000 is not allowed/],
      ["a: 'x", /Missing closing/],
    ];
    for (const [body, message] of cases) {
      for (const [method, path, type] of [
        ["POST", PROJECTS, "application/yaml"],
        ["PATCH", `${PROJECTS}/y1?fieldManager=m`, APPLY],
      ] as const) {
        const { code, text } = await ask(method, path, body, type);
        expect(code).toBe(400);
        expect((JSON.parse(text) as { message: string }).message).toMatch(message);
      }
    }
  });

  test("in protobuf is refused, however often it says the same", async () => {
    const type = "application/vnd.kubernetes.protobuf";
    // Envelope: typeMeta {v1, ConfigMap}, raw: metadata (field 1) with half a million finalizers (field 14, empty text).
    const field = (number: number, bytes: Buffer): Buffer => {
      const length: number[] = [];
      for (let left = bytes.length; ; left >>>= 7) {
        length.push(left > 0x7f ? (left & 0x7f) | 0x80 : left);
        if (left <= 0x7f) break;
      }
      return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
    };
    const meta = Buffer.concat([field(1, Buffer.from("v1")), field(2, Buffer.from("ConfigMap"))]);
    const many = Buffer.concat([
      field(1, Buffer.from("p")),
      ...Array.from({ length: 400_000 }, () => field(14, Buffer.from("x/y"))),
    ]);
    const body = Buffer.concat([Buffer.from("k8s\0"), field(1, meta), field(2, field(1, many))]);
    const response = await app.request(`https://127.0.0.1${CONFIG_MAPS}?dryRun=All`, {
      method: "POST",
      headers: { authorization: "Bearer t", "content-type": type },
      body: new Uint8Array(body),
    });
    expect([201, 413, 422]).toContain(response.status);
    for (const text of ["", "k8s", "k8s\0", "k8s\0\n\xff", "k8s\0garbage", "k8s\0\x0a\x01"]) {
      expect((await ask("POST", CONFIG_MAPS, text, type)).code).toBe(400);
    }
  });
});

describe("a prototype", () => {
  const hostile = '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}';
  test.each<[string, string, string, string, string]>([
    [
      "create",
      "POST",
      `${PROJECTS}?dryRun=All`,
      JSON_TYPE,
      project(shop, { name: "p" }).replace('"spec":{', `${hostile},"spec":{${hostile},`),
    ],
    [
      "merge patch",
      "PATCH",
      `${PROJECTS}/shop`,
      "application/merge-patch+json",
      `{${hostile},"spec":{${hostile}}}`,
    ],
    [
      "JSON patch",
      "PATCH",
      `${PROJECTS}/shop`,
      "application/json-patch+json",
      '[{"op":"add","path":"/__proto__","value":{"polluted":true}},{"op":"add","path":"/spec/constructor","value":{"prototype":{"polluted":true}}}]',
    ],
    [
      "strategic merge patch",
      "PATCH",
      `${CONFIG_MAPS}/map`,
      "application/strategic-merge-patch+json",
      `{${hostile},"metadata":{"labels":{"constructor":"x"}}}`,
    ],
  ])("in a %s is an unknown field, and told as one", async (_name, method, path, type, body) => {
    const { code, warnings } = await ask(method, path, body, type);
    expect(code).toBeLessThan(300);
    expect(warnings).toContain("__proto__");
  });

  test("in an apply is refused as a field that is not declared", async () => {
    const { code, text } = await ask(
      "PATCH",
      `${PROJECTS}/shop?fieldManager=m&force=true`,
      project(shop).replace('"spec":{', `"spec":{${hostile},`),
      APPLY,
    );
    expect(code).toBe(500);
    expect(text).toContain(".spec.__proto__: field not declared in schema");
  });

  test("as a key of data is kept and owned like any other key", async () => {
    const key = "__proto__";
    const own = (text: string): unknown => (JSON.parse(text) as { data: Record<string, string> }).data;
    await ask(
      "PATCH",
      `${CONFIG_MAPS}/map`,
      `{"data":{"${key}":"1","constructor":"2"}}`,
      "application/merge-patch+json",
    );
    const { text } = await ask(
      "PATCH",
      `${CONFIG_MAPS}/map?fieldManager=m`,
      `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"map"},"data":{"${key}":"1"}}`,
      APPLY,
    );
    expect(Object.entries(own(text) as object).toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
      ["__proto__", "1"],
      ["a", "1"],
      ["constructor", "2"],
    ]);
    const secret = await ask(
      "PATCH",
      `${SECRETS}/secret`,
      `{"stringData":{"${key}":"x"}}`,
      "application/merge-patch+json",
    );
    expect(Object.keys(own(secret.text) as object).toSorted()).toEqual(["__proto__", "token"]);
    const selected = await ask("GET", `${CONFIG_MAPS}?labelSelector=constructor`);
    expect(selected.text).toContain('"items":[]');
  });
});

describe("what is of the wrong type", () => {
  test.each<[string, string, string]>([
    ["POST", CONFIG_MAPS, '{"metadata":{"name":"x"},"data":5}'],
    ["POST", CONFIG_MAPS, '{"metadata":{"name":"x"},"data":["a"]}'],
    ["POST", CONFIG_MAPS, '{"metadata":{"name":"x"},"data":{"a":{"b":1}}}'],
    ["POST", SECRETS, '{"metadata":{"name":"x"},"stringData":{"a":5}}'],
    ["POST", SECRETS, '{"metadata":{"name":"x"},"data":"x"}'],
    [
      "PATCH",
      `${PROJECTS}/shop`,
      '{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"A","name":"b","uid":5}]}}',
    ],
    ["PATCH", `${PROJECTS}/shop`, '{"metadata":{"ownerReferences":[null]}}'],
    ["PATCH", `${PROJECTS}/shop`, '{"metadata":{"finalizers":[{"toString":null}]}}'],
    ["PATCH", `${PROJECTS}/shop`, '{"metadata":{"managedFields":[{"time":{"a":1}}]}}'],
    ["PATCH", `${PROJECTS}/shop`, '{"metadata":{"labels":[1]}}'],
    ["PATCH", `${PROJECTS}/shop`, '{"apiVersion":{"toString":null}}'],
  ])("%s %s %s is refused with its place", async (method, path, body) => {
    const type = method === "PATCH" ? "application/merge-patch+json" : JSON_TYPE;
    const { code, text } = await ask(method, path, body, type);
    // What a patch made unreadable is no bad request, but an invalid object.
    expect(code).toBe(method === "PATCH" ? 422 : 400);
    expect((JSON.parse(text) as { message: string }).message).not.toBe("");
  });

  test("a patch that takes the metadata away is refused", async () => {
    const { code } = await ask(
      "PATCH",
      `${PROJECTS}/shop`,
      '{"metadata":null}',
      "application/merge-patch+json",
    );
    expect(code).toBe(400);
  });

  test("in the options of a delete keeps the object: it may be what was to keep it", async () => {
    for (const body of [
      '{"preconditions":5}',
      '{"preconditions":{"uid":5}}',
      '{"dryRun":"All"}',
      '{"dryRun":[{"toString":null}]}',
      '{"dryRun":["Some"]}',
      '{"orphanDependents":"false"}',
      '{"propagationPolicy":5}',
      '{"gracePeriodSeconds":"x"}',
      '{"kind":"Pod"}',
      "[]",
      "{x",
    ]) {
      const { code } = await ask("DELETE", `${PROJECTS}/shop`, body);
      expect([400, 422], body).toContain(code);
      expect((await ask("GET", `${PROJECTS}/shop`)).code).toBe(200);
    }
  });

  test("or missing in a replacement keeps the object: an empty body names nobody", async () => {
    for (const body of [
      "{}",
      '{"metadata":{}}',
      '{"metadata":{"name":""}}',
      '{"kind":"Secret","apiVersion":"v1"}',
    ]) {
      expect((await ask("PUT", `${SECRETS}/secret`, body)).code, body).toBe(400);
    }
    expect((await ask("GET", `${SECRETS}/secret`)).text).toContain(
      Buffer.from("hunter22").toString("base64"),
    );
  });
});

test("no message about a Secret quotes it", async () => {
  const token = "hunter22";
  for (const [method, path, body, type] of [
    ["POST", SECRETS, `{"stringData":{"token":"${token}"`, JSON_TYPE],
    ["POST", SECRETS, `{"token": ${token}}`, JSON_TYPE],
    ["POST", SECRETS, `{"kind":5,"stringData":{"token":"${token}"}}`, JSON_TYPE],
    ["POST", SECRETS, `{"kind":"Secret","apiVersion":"","stringData":{"token":"${token}"}}`, JSON_TYPE],
    ["POST", SECRETS, `token: !${token}`, "application/yaml"],
    ["POST", SECRETS, `{"metadata":{"name":"x"},"data":{"token":"${token}!"}}`, JSON_TYPE],
    ["POST", SECRETS, `{"metadata":{"name":"x"},"data":{"token":["${token}"]}}`, JSON_TYPE],
    ["PATCH", `${SECRETS}/secret`, `{"data":{"token":"${token}!"}}`, "application/merge-patch+json"],
    [
      "PATCH",
      `${SECRETS}/secret`,
      `[{"op":"test","path":"/data/token","value":"${token}"}]`,
      "application/json-patch+json",
    ],
    ["PATCH", `${SECRETS}/secret`, `{"data": ${token}}`, "application/merge-patch+json"],
    [
      "PATCH",
      `${SECRETS}/secret?fieldManager=m`,
      `kind: Secret\napiVersion: v1\nstringData: {token: !${token}}`,
      APPLY,
    ],
    [
      "PATCH",
      `${SECRETS}/secret?fieldManager=m`,
      `{"kind":"Secret","apiVersion":"v1","data":{"token":"${token}!"}}`,
      APPLY,
    ],
  ] as const) {
    const { code, text } = await ask(method, path, body, type);
    expect(code, body).toBeGreaterThanOrEqual(400);
    expect(text, body).not.toContain(token);
  }
});

test.each<[string, string]>([
  [
    '{"stringData":{"password":8675309}}',
    ".stringData.password: expected string, got numeric (int or float)",
  ],
  ['{"data":["8675309"]}', ".data: expected map, got list"],
  ['{"data":"8675309"}', ".data: expected map, got string"],
  ['{"immutable":8675309}', ".immutable: expected boolean, got numeric (int or float)"],
])("an applied Secret of the wrong shape is refused without its value: %s", async (content, message) => {
  const body = `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"secret"},${content.slice(1)}`;
  const { code, text } = await ask("PATCH", `${SECRETS}/secret?fieldManager=m`, body, APPLY);
  expect(code).toBe(500);
  expect((JSON.parse(text) as { message: string }).message).toContain(message);
  expect(text).not.toContain("8675309");
});

describe("a query", () => {
  test.each<[string, number]>([
    ["limit=-1", 200],
    ["limit=99999999999999999999", 400],
    ["limit=1e3", 400],
    ["limit=0x10", 400],
    ["limit=%20", 400],
    ["continue=garbage", 400],
    ["continue=%00", 400],
    [`continue=${Buffer.from('{"v":1,"rv":1e999,"start":"x"}').toString("base64url")}`, 400],
    [`continue=${Buffer.from('{"v":1,"rv":99999,"start":"x"}').toString("base64url")}`, 410],
    [`continue=${Buffer.from('{"v":1,"rv":-1,"start":"x"}').toString("base64url")}`, 410],
    [`continue=${Buffer.from('{"__proto__":{"v":1},"rv":1,"start":"x"}').toString("base64url")}`, 400],
    ["resourceVersion=-1", 400],
    ["resourceVersion=99999999999999999999999", 400],
    ["resourceVersion=99999999999999", 504],
    ["resourceVersion=abc", 400],
    ["timeoutSeconds=abc", 400],
    ["timeoutSeconds=99999999999999999999", 400],
    ["labelSelector=a%20in%20(((((", 400],
    [`labelSelector=${encodeURIComponent("a,".repeat(4000))}`, 400],
    [`labelSelector=${encodeURIComponent(`a in (${"b,".repeat(4000)})`)}`, 200],
    [`fieldSelector=${encodeURIComponent("metadata.name!=".repeat(500))}`, 400],
    ["fieldSelector=constructor%3Dx", 400],
    ["fieldSelector=__proto__%3Dx", 400],
  ])("%.60s is answered with %i", async (query, expected) => {
    expect((await ask("GET", `${CONFIG_MAPS}?${query}`)).code).toBe(expected);
  });

  test("for a watch of a million years does not end at once; for one of less than no time does", async () => {
    const open = async (seconds: string) =>
      app.request(
        `https://127.0.0.1${CONFIG_MAPS}?watch=true&resourceVersion=${store.revision}&timeoutSeconds=${seconds}`,
        {
          headers: { authorization: "Bearer t" },
        },
      );
    const long = await open("31536000000000");
    const end = long.body?.getReader().read();
    await clock.advance(3_600_000);
    expect(store.statistics.watches).toBe(1);
    const short = await open("-5");
    await clock.advance(1);
    expect(await short.text()).toBe("");
    expect(store.statistics.watches).toBe(1);
    await ask("POST", CONFIG_MAPS, '{"metadata":{"name":"event"}}');
    expect((await end)?.done).toBe(false);
  });
});

describe("a client that hangs up", () => {
  const send = (
    method: string,
    path: string,
    body: string | ReadableStream<Uint8Array>,
    signal: AbortSignal,
  ) =>
    app.fetch(
      new Request(`https://127.0.0.1${path}`, {
        method,
        headers: { authorization: "Bearer t", "content-type": JSON_TYPE },
        body,
        signal,
        duplex: "half",
      }),
    );

  // That nothing is logged is looked at after each.
  test("while its write waits is no failure of the server, and nothing is written", async () => {
    const stop = new AbortController();
    const created = send("POST", CONFIG_MAPS, '{"metadata":{"name":"late"}}', stop.signal);
    const deleted = send("DELETE", `${CONFIG_MAPS}/map`, "{}", stop.signal);
    stop.abort();
    await Promise.all([created, deleted]);
    expect((await ask("GET", `${CONFIG_MAPS}/late`)).code).toBe(404);
    expect((await ask("GET", `${CONFIG_MAPS}/map`)).code).toBe(200);
  });

  test("in the middle of its body is none either", async () => {
    const stop = new AbortController();
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        stop.abort();
        controller.error(stop.signal.reason);
      },
    });
    await send("POST", CONFIG_MAPS, body, stop.signal);
    expect((await ask("GET", CONFIG_MAPS)).code).toBe(200);
  });
});
