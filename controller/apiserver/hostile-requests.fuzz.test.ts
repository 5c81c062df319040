/** Whatever is asked, the answer is one of the API: never an exception, never a 500 that the server did not mean. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { FUZZ_TIMEOUT, fuzz } from "../../test/support/fuzz.ts";
import { kinds } from "../../crds/index.ts";
import { seededRandom, virtualClock } from "../runtime/adapters/virtual.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../store/embedded/index.ts";
import { ApiError } from "../store/resource-client.ts";
import { createApiServer, type ApiServer } from "./api-server.ts";
import { DecodeError, parseJsonText, parseYamlText } from "./json-text.ts";
import { decodeProtobuf } from "./protobuf.ts";
import { messageOf } from "./protobuf-messages.ts";

let app: ApiServer;
const errors: unknown[] = [];

beforeAll(async () => {
  const [clock, random] = [virtualClock(), seededRandom()];
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
    tokens: [{ token: "t", username: "u", groups: [] }],
    onError: (error) => errors.push(error),
  });
});

const segment = fc.oneof(
  fc.constantFrom(
    ..."api apis v1 v1alpha1 flaresmith.dev namespaces default projects secrets configmaps events leases status shop __proto__ constructor %2e%2e %2f %00 %ff a%2fb customresourcedefinitions apiextensions.k8s.io events.k8s.io coordination.k8s.io authorization.k8s.io selfsubjectaccessreviews openapi v3".split(
      " ",
    ),
    "",
  ),
  fc.webSegment(),
);
const place = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "/apis/flaresmith.dev/v1alpha1/namespaces/default/projects",
      "/apis/flaresmith.dev/v1alpha1/namespaces/default/projects/shop",
      "/apis/flaresmith.dev/v1alpha1/namespaces/default/sources/shop/status",
      "/api/v1/namespaces/default/secrets",
      "/api/v1/namespaces/default/configmaps/shop",
      "/api/v1/namespaces/shop",
      "/apis/coordination.k8s.io/v1/namespaces/default/leases/shop",
      "/apis/events.k8s.io/v1/namespaces/default/events",
    ),
  },
  { weight: 1, arbitrary: fc.array(segment, { maxLength: 8 }).map((segments) => `/${segments.join("/")}`) },
);
const parameter = fc.tuple(
  fc.constantFrom(
    ..."limit continue resourceVersion resourceVersionMatch sendInitialEvents timeoutSeconds labelSelector fieldSelector allowWatchBookmarks fieldManager force fieldValidation dryRun propagationPolicy orphanDependents includeObject __proto__".split(
      " ",
    ),
  ),
  fc.oneof(
    fc.constantFrom(
      "",
      "0",
      "1",
      "-1",
      "true",
      "All",
      "Strict",
      "Warn",
      "Exact",
      "NotOlderThan",
      "a=b",
      "a in (b)",
      "m",
    ),
    fc.string({ unit: "binary" }),
  ),
);
const query = fc.array(parameter, { maxLength: 4 }).map((pairs) => new URLSearchParams(pairs).toString());

const field = fc.oneof(
  fc.constantFrom(
    ..."apiVersion kind metadata spec status data stringData name namespace labels annotations finalizers ownerReferences managedFields resourceVersion uid generateName github connectionRef repository __proto__ constructor op path from value $patch preconditions dryRun".split(
      " ",
    ),
  ),
  fc.string(),
);
const { object } = fc.letrec<{ object: unknown; any: unknown }>((tie) => ({
  object: fc.dictionary(field, tie("any"), { maxKeys: 5, noNullPrototype: true }),
  any: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<unknown>(
      "v1",
      "flaresmith.dev/v1alpha1",
      "Project",
      "Secret",
      "ConfigMap",
      "shop",
      "default",
      "add",
      "replace",
      "/spec",
      "/metadata/labels",
      null,
      0,
      1,
      true,
      1e300,
    ),
    fc.string({ unit: "binary" }),
    fc.array(tie("any"), { maxLength: 3 }),
    tie("object"),
  ),
}));
const kindOf = fc.constantFrom(
  ["flaresmith.dev/v1alpha1", "Project"],
  ["flaresmith.dev/v1alpha1", "Source"],
  ["v1", "Secret"],
  ["v1", "ConfigMap"],
  ["v1", "Namespace"],
  ["coordination.k8s.io/v1", "Lease"],
  ["events.k8s.io/v1", "Event"],
);
const manifest = fc.tuple(kindOf, object, object).map(([[apiVersion, kind], rest, metadata]) =>
  Object.assign(Object.create(null) as object, rest, {
    apiVersion,
    kind,
    metadata: Object.assign(Object.create(null) as object, metadata, { name: "shop" }),
  }),
);
const body = fc.oneof(
  { weight: 4, arbitrary: manifest.map((value) => JSON.stringify(value)) },
  {
    weight: 2,
    arbitrary: fc.oneof(object, fc.array(object, { maxLength: 3 })).map((value) => JSON.stringify(value)),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
  { weight: 1, arbitrary: fc.constant("") },
);
const type = fc.oneof(
  fc.constantFrom(
    "application/json",
    "application/yaml",
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/vnd.kubernetes.protobuf",
    "text/plain",
    "",
  ),
  fc.string().map((text) => text.replaceAll(/[^\x20-\x7e]/g, "")),
);
const accept = fc.constantFrom(
  "application/json",
  "application/yaml",
  "*/*",
  "application/json;as=Table;v=v1;g=meta.k8s.io",
  "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
  "text/html",
  "application/yaml;as=Table;v=v1;g=meta.k8s.io",
);

describe("whatever is asked", { timeout: FUZZ_TIMEOUT }, () => {
  test("is answered, and by a refusal that says why where it is refused", async () => {
    const method = fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS");
    await fc.assert(
      fc.asyncProperty(
        method,
        place,
        query,
        body,
        type,
        accept,
        async (verb, path, search, text, contentType, accepts) => {
          const hasBody = verb !== "GET" && verb !== "HEAD";
          const response = await app.request(`https://127.0.0.1${path}${search === "" ? "" : `?${search}`}`, {
            method: verb,
            headers: { authorization: "Bearer t", accept: accepts, "content-type": contentType },
            ...(hasBody && text !== "" ? { body: text } : {}),
          });
          // A watch that was asked for by chance goes on.
          if (search.includes("sendInitialEvents")) await response.body?.cancel();
          else {
            const answer = await response.text();
            if (response.status >= 400 && verb !== "HEAD" && response.status !== 404)
              expect(JSON.parse(answer)).toMatchObject({
                kind: "Status",
                message: expect.stringMatching(/./),
              });
          }
          expect(errors.splice(0)).toEqual([]);
          expect(Object.keys(Object.prototype)).toEqual([]);
          expect(Object.getPrototypeOf({})).toBe(Object.prototype);
        },
      ),
      fuzz(2500),
    );
  });

  test("as JSON or YAML is read or refused, twice the same, and JSON by both alike", () => {
    const text = fc.oneof(
      fc.json(),
      fc
        .array(
          fc.oneof(
            fc.constantFrom(
              "{",
              "}",
              "[",
              "]",
              ":",
              ",",
              "- ",
              "\n",
              "  ",
              "a",
              '"',
              "'",
              "1e999",
              "&a ",
              "*a",
              "!x ",
              "<<: ",
              "---\n",
              "__proto__",
              "\\u",
              "#",
              "|",
            ),
            fc.string(),
          ),
          { maxLength: 20 },
        )
        .map((pieces) => pieces.join("")),
    );
    const outcome = (read: (text: string) => unknown, given: string): string => {
      try {
        return JSON.stringify(read(given));
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
        return (error as Error).message;
      }
    };
    fc.assert(
      fc.property(text, (given) => {
        expect(outcome(parseJsonText, given)).toBe(outcome(parseJsonText, given));
        expect(outcome(parseYamlText, given)).toBe(outcome(parseYamlText, given));
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      fuzz(3000),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (value) => {
        const json = JSON.stringify(value);
        expect(parseYamlText(json)).toEqual(parseJsonText(json));
      }),
      fuzz(500),
    );
  });

  test("as protobuf is read or refused", () => {
    const known = Buffer.concat([Buffer.from("k8s\0\n\x11\n\x02v1\x12\x09ConfigMap\x12\x04", "latin1")]);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }).map((rest) => Buffer.concat([known, rest])),
      fc.uint8Array({ maxLength: 200 }).map((rest) => Buffer.concat([Buffer.from("k8s\0"), rest])),
    );
    fc.assert(
      fc.property(bytes, (given) => {
        try {
          decodeProtobuf(Buffer.from(given), messageOf);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
          expect((error as ApiError).code).toBe(400);
        }
      }),
      fuzz(3000),
    );
  });
});
