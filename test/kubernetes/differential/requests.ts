/** A step of a sequence as a request. Steps are small numbers that point into tables, so that they shrink well. */
import { metadatas, resources, type Body, type Resource } from "./resources.ts";

/** One request; texts hold `$ns`, `$rv`, `$old`, `$uid` and `$continue`, which each server fills in from its own answers. */
export interface Request {
  method: string;
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
  /** Which object it is about, as `plural/name`: whose versions the placeholders stand for. */
  about: string;
  /** The body starts from the stored object, into which it is merged. */
  onStored?: boolean;
}

export interface Step {
  verb: (typeof VERBS)[number];
  /** Which of the sequence's types. */
  on: number;
  name: number;
  body: number;
  metadata: number;
  options: number;
  /** Whatever else a verb can vary. */
  variant: number;
}

export const VERBS = [
  "create",
  "update",
  "apply",
  "merge",
  "json",
  "strategic",
  "status",
  "get",
  "list",
  "delete",
  "deletecollection",
  "odd",
] as const;

export const NAMES = ["a", "b", "c", "", "Not_Valid", "a.b", "-a", "x".repeat(254)] as const;

const JSON_TYPE = "application/json";
const YAML_TYPE = "application/yaml";
const MERGE = "application/merge-patch+json";
const JSON_PATCH = "application/json-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json";
const APPLY = "application/apply-patch+yaml";
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const OTHER_UID = "99999999-2222-3333-4444-555555555555";

const WRITE_QUERIES = [
  "",
  "fieldManager=m",
  "dryRun=All",
  "fieldValidation=Strict",
  "fieldValidation=Warn",
  "fieldValidation=Ignore",
  "fieldValidation=Wrong",
  "dryRun=Some",
  "dryRun=",
  `fieldManager=${"m".repeat(129)}`,
  "fieldManager=a%0Ab",
  "force=true",
  "pretty=true",
  "unheardOf=1",
] as const;

const ACCEPTS = [
  JSON_TYPE,
  TABLE,
  "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json",
  "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json",
  "*/*",
  "application/*",
  "text/html,application/json;q=0.5",
  "text/xml",
  "application/json;as=Table;v=v9;g=meta.k8s.io",
] as const;

const LIST_QUERIES = [
  "",
  "labelSelector=app%3Dx",
  "labelSelector=app%21%3Dx",
  "labelSelector=app+in+(x,y),tier",
  "labelSelector=%21app",
  "labelSelector=app+notin+(x)",
  "labelSelector=app%3D%3Dy",
  "labelSelector=app+in",
  "labelSelector=app%3Dnot+valid",
  "labelSelector=a%2Fb%2Fc%3Dx",
  "labelSelector=app%3E1",
  "fieldSelector=metadata.name%3Da",
  "fieldSelector=metadata.name%21%3Da",
  "fieldSelector=metadata.namespace%3Dother",
  "fieldSelector=metadata.name%3Da%2Cmetadata.namespace%3D$ns",
  "fieldSelector=spec.x%3D1",
  "fieldSelector=type%3DNormal",
  "fieldSelector=involvedObject.name%3Dshop%2Creason%3DMade",
  "fieldSelector=metadata.name",
  "limit=1",
  "limit=2",
  "limit=1&labelSelector=app",
  "limit=1&continue=$continue",
  "continue=$continue",
  "continue=garbage",
  "limit=-1",
  "limit=x",
  "limit=0",
  "resourceVersion=0",
  "resourceVersion=$rv",
  "resourceVersion=$rv&resourceVersionMatch=NotOlderThan",
  "resourceVersion=$old&resourceVersionMatch=Exact",
  "resourceVersion=$rv&resourceVersionMatch=Exact&limit=1",
  "resourceVersion=abc",
  "resourceVersion=-1",
  "resourceVersionMatch=Exact",
  "resourceVersion=0&resourceVersionMatch=Exact",
  "resourceVersion=1&resourceVersionMatch=Wrong",
  "resourceVersion=$rv&continue=$continue",
  "sendInitialEvents=true",
  "timeoutSeconds=x",
  "pretty=true",
] as const;

const META_PATCHES: readonly Body[] = [
  { metadata: { labels: { app: "z" } } },
  { metadata: { labels: { app: null } } },
  { metadata: { finalizers: null } },
  { metadata: { finalizers: ["example.com/hold"] } },
  { metadata: { finalizers: [] } },
  { metadata: { annotations: { a: "1" } } },
  { metadata: { annotations: null, labels: null } },
  {},
  { metadata: null },
  { metadata: "text" },
  { metadata: { name: "other" } },
  { metadata: { namespace: "other" } },
  { metadata: { uid: OTHER_UID } },
  { metadata: { uid: null } },
  { metadata: { resourceVersion: "$rv" } },
  { metadata: { resourceVersion: "$old" } },
  { metadata: { resourceVersion: "abc" } },
  { metadata: { resourceVersion: null } },
  { metadata: { generation: 9 } },
  { metadata: { creationTimestamp: null } },
  { metadata: { deletionTimestamp: "2020-01-01T00:00:00Z" } },
  { metadata: { generateName: "made-" } },
  { metadata: { labels: { app: 5 } } },
  { metadata: { labels: { app: "not valid!" } } },
  { metadata: { managedFields: [{}] } },
  { metadata: { managedFields: null } },
  { metadata: { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap" }] } },
  { metadata: { unknown: 1 } },
  { kind: "Other" },
  { apiVersion: "v9" },
  { kind: null },
  { extra: 1 },
  { status: { observedGeneration: 4 } },
];

const JSON_PATCHES: readonly unknown[] = [
  [{ op: "add", path: "/metadata/labels", value: { app: "x" } }],
  [{ op: "replace", path: "/metadata/labels/app", value: "y" }],
  [{ op: "remove", path: "/metadata/labels/app" }],
  [{ op: "remove", path: "/metadata/labels" }],
  [{ op: "add", path: "/metadata/finalizers", value: ["example.com/hold"] }],
  [{ op: "add", path: "/metadata/finalizers/-", value: "example.com/other" }],
  [{ op: "add", path: "/metadata/finalizers/0", value: "example.com/first" }],
  [{ op: "remove", path: "/metadata/finalizers/0" }],
  [{ op: "remove", path: "/metadata/finalizers" }],
  [{ op: "test", path: "/metadata/name", value: "a" }],
  [{ op: "test", path: "/metadata/name", value: "nobody" }],
  [
    { op: "test", path: "/metadata/resourceVersion", value: "$rv" },
    { op: "add", path: "/metadata/annotations", value: { a: "1" } },
  ],
  [
    { op: "add", path: "/metadata/annotations", value: { "b/c": "1" } },
    { op: "move", from: "/metadata/annotations/b~1c", path: "/metadata/annotations/d" },
    { op: "copy", from: "/metadata/annotations/d", path: "/metadata/annotations/e" },
  ],
  [],
  [{ op: "add", path: "/metadata/annotations/x", value: "1" }],
  [{ op: "add", path: "/nowhere/deep", value: 1 }],
  [{ op: "add", path: "/extra", value: 1 }],
  [{ op: "frobnicate", path: "/spec" }],
  [{ op: "add", path: "/metadata/labels" }],
  [{ op: "add", value: 1 }],
  [{ op: "replace", path: "", value: {} }],
  [{ op: "remove", path: "/kind" }],
  [{ op: "replace", path: "/metadata/name", value: "other" }],
  [{ op: "replace", path: "/metadata/uid", value: OTHER_UID }],
  [{ op: "replace", path: "/metadata/resourceVersion", value: "$old" }],
  {},
  "text",
  [5],
];

const STRATEGIC_PATCHES: readonly unknown[] = [
  { metadata: { labels: { app: "x" } } },
  { data: { z: "eg==" } },
  { data: { a: null } },
  { data: { $patch: "replace", z: "eg==" } },
  { data: { $patch: "delete" } },
  { metadata: { finalizers: ["example.com/hold"] } },
  {
    metadata: {
      finalizers: ["example.com/other"],
      "$setElementOrder/finalizers": ["example.com/other", "example.com/hold"],
    },
  },
  { metadata: { "$deleteFromPrimitiveList/finalizers": ["example.com/hold"] } },
  { metadata: { labels: { $patch: "wrong" } } },
  { metadata: { annotations: { a: "1" }, labels: null } },
  { spec: { holderIdentity: "c" } },
  { message: "patched" },
  { source: { component: "patched" } },
  { extra: 1 },
  {},
  [],
];

const STATUSES: readonly unknown[] = [
  { observedGeneration: 2 },
  {
    observedGeneration: 1,
    conditions: [
      {
        type: "Ready",
        status: "True",
        reason: "Succeeded",
        message: "as declared",
        lastTransitionTime: "2026-01-01T00:00:00Z",
        observedGeneration: 1,
      },
    ],
  },
  { conditions: [{ type: "Ready", status: "Maybe", reason: "", message: "", lastTransitionTime: "now" }] },
  { conditions: [{ type: "Ready" }, { type: "Ready" }] },
  { observedGeneration: "2" },
  { nonsense: 1 },
  {},
  null,
  "text",
];

const DELETE_OPTIONS: readonly unknown[] = [
  undefined,
  {},
  { preconditions: { uid: "$uid" } },
  { preconditions: { uid: OTHER_UID } },
  { preconditions: { resourceVersion: "$rv" } },
  { preconditions: { resourceVersion: "$old" } },
  { preconditions: { uid: "$uid", resourceVersion: "$old" } },
  { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Background" },
  { gracePeriodSeconds: 0 },
  { gracePeriodSeconds: 5 },
  { gracePeriodSeconds: -1 },
  { gracePeriodSeconds: "5" },
  { orphanDependents: false },
  { propagationPolicy: "Wrong" },
  { propagationPolicy: "Background", orphanDependents: false },
  { dryRun: ["All"] },
  { dryRun: ["Some"] },
  { dryRun: "All" },
  { unheardOf: 1 },
  { kind: "Other" },
  { kind: "DeleteOptions", apiVersion: "v9" },
  { preconditions: "text" },
  [],
  "text",
];

const DELETE_QUERIES = [
  "",
  "propagationPolicy=Background",
  "gracePeriodSeconds=0",
  "gracePeriodSeconds=x",
  "orphanDependents=false",
  "propagationPolicy=Wrong",
  "dryRun=Some",
] as const;

/** Requests that do not fit the API: `$p` stands for the collection. */
const ODD: readonly (readonly [method: string, path: string, type?: string, body?: string])[] = [
  ["POST", "$p/a", JSON_TYPE, "{}"],
  ["PUT", "$p", JSON_TYPE, "{}"],
  ["PATCH", "$p", MERGE, "{}"],
  ["DELETE", "$p/a/status"],
  ["GET", "$p/a/status"],
  ["GET", "$p/a/scale"],
  ["POST", "$p", JSON_TYPE, ""],
  ["POST", "$p", JSON_TYPE, "{"],
  ["POST", "$p", JSON_TYPE, "[]"],
  ["POST", "$p", JSON_TYPE, "null"],
  ["POST", "$p", JSON_TYPE, "5"],
  ["POST", "$p", JSON_TYPE, "{}"],
  ["POST", "$p", YAML_TYPE, "a: b: c"],
  ["POST", "$p", "text/plain", "{}"],
  ["PUT", "$p/a", JSON_TYPE, "{"],
  ["PATCH", "$p/a", MERGE, "{"],
  ["PATCH", "$p/a", MERGE, ""],
  ["PATCH", "$p/a", MERGE, "null"],
  ["PATCH", "$p/a", JSON_PATCH, "{"],
  ["PATCH", "$p/a", `${APPLY}; charset=utf-8`, "a: b: c"],
  ["PATCH", "$p/a", JSON_TYPE, "{}"],
  ["PATCH", "$p/a?fieldManager=m", APPLY, "{}"],
  ["PATCH", "$p/a?fieldManager=m", APPLY, "[]"],
  ["DELETE", "$p/a", "text/plain", "{}"],
  ["DELETE", "$p/a", JSON_TYPE, "{"],
  ["GET", "$p/a?resourceVersion=0"],
  ["GET", "$p/a?resourceVersion=$rv"],
  ["GET", "$p/a?resourceVersion=abc"],
  ["GET", "$p?watch=1&resourceVersion=abc"],
  ["GET", "$p?watch=1&sendInitialEvents=true"],
  ["GET", "$p?watch=1&labelSelector=app+in"],
  ["GET", "$p?watch=1&fieldSelector=spec.x%3D1"],
  ["GET", "$p?watch=1&limit=1&resourceVersionMatch=Exact"],
  ["HEAD", "$p/a"],
  ["OPTIONS", "$p/a"],
];

/** How many variants each table has, for the generator. */
export const SIZES = {
  names: NAMES.length,
  metadatas: metadatas.length,
  writeQueries: WRITE_QUERIES.length,
  variants: 48,
} as const;

const at = <T>(table: readonly T[], index: number): T => table[index % table.length] as T;

function withQuery(path: string, ...queries: readonly string[]): string {
  const query = queries.filter((text) => text !== "").join("&");
  return query === "" ? path : `${path}${path.includes("?") ? "&" : "?"}${query}`;
}

/**
 * What an applied configuration does not say here, because kube-apiserver stores it as it stands: deletion marks make an
 * object that is being deleted; empty maps and lists, and nulls in them, go with the next write of whatever.
 */
function isMisread(name: string, value: unknown): boolean {
  const isEmpty =
    value === null || (typeof value === "object" && Object.values(value).every((one) => one === null));
  return (
    name === "deletionTimestamp" ||
    name === "deletionGracePeriodSeconds" ||
    (isEmpty && name !== "managedFields")
  );
}

/** The object of a step: kind, name, metadata and the rest. */
function objectOf(resource: Resource, step: Step): Body {
  const { apiVersion, kind, bodies } = resource;
  const name = at(NAMES, step.name);
  const metadata = { ...(name === "" ? {} : { name }), ...at(metadatas, step.metadata) };
  return { apiVersion, kind, ...at(bodies, step.body), metadata };
}

/** What one step asks. @param pair the types of the sequence, as indexes */
export function requestOf(step: Step, pair: readonly number[]): Request {
  const resource = at(resources, at(pair, step.on));
  const name = at(NAMES, step.name);
  const one = `${resource.path}/${name === "" ? "a" : name}`;
  const about = `${resource.plural}/${name === "" ? "a" : name}`;
  const query = at(WRITE_QUERIES, step.options);
  const write = (method: string, path: string, type: string, body: unknown): Request => ({
    method,
    path,
    headers: { "content-type": type },
    body: typeof body === "string" ? body : JSON.stringify(body),
    about,
  });
  switch (step.verb) {
    case "create": {
      // JSON is YAML; a field that stands twice is only seen in the text.
      const type = step.variant % 8 === 7 ? YAML_TYPE : JSON_TYPE;
      // kube-apiserver answers a dry run with whatever version the client sent.
      const object = objectOf(resource, query === "dryRun=All" ? { ...step, metadata: 0 } : step);
      const text = JSON.stringify(object);
      const twice = step.variant % 8 === 6 ? `{"kind":"Wrong",${text.slice(1)}` : text;
      return write("POST", withQuery(resource.path, query), type, twice);
    }
    case "update": {
      const { metadata, ...rest } = objectOf(resource, step);
      const { name: _, ...more } = metadata as Body;
      const versions = [
        {},
        { resourceVersion: "$old" },
        { resourceVersion: "" },
        { uid: OTHER_UID },
        { name: "other" },
      ];
      const change = {
        ...rest,
        metadata: { ...more, ...at(versions, step.variant % 3 === 0 ? step.variant / 3 : 0) },
      };
      return { ...write("PUT", withQuery(one, query), JSON_TYPE, change), onStored: step.variant % 7 !== 6 };
    }
    case "apply": {
      const manager = step.variant % 2 === 0 ? "fieldManager=one" : "fieldManager=two";
      const force = step.variant % 6 < 2 ? "force=true" : "";
      const other = step.options % 2 === 0 ? "" : query.replace(/^f(ieldManager|orce)=.*/, "");
      const subresource = step.variant % 16 === 15 ? "/status" : "";
      const { metadata, ...rest } = objectOf(resource, step);
      const kept = Object.fromEntries(
        Object.entries(metadata as Body).filter(([name, value]) => !isMisread(name, value)),
      );
      const config = { ...rest, metadata: kept };
      return write("PATCH", withQuery(one + subresource, manager, force, other), APPLY, config);
    }
    case "merge": {
      const patch = step.variant % 3 === 0 ? at(resource.bodies, step.body) : at(META_PATCHES, step.variant);
      return write("PATCH", withQuery(one, query), MERGE, patch);
    }
    case "json":
      return write("PATCH", withQuery(one, query), JSON_PATCH, at(JSON_PATCHES, step.variant));
    case "strategic":
      return write("PATCH", withQuery(one, query), STRATEGIC, at(STRATEGIC_PATCHES, step.variant));
    case "status": {
      const status = at(STATUSES, step.variant);
      if (step.variant % 2 === 0) return write("PATCH", withQuery(`${one}/status`, query), MERGE, { status });
      // A spec beside it is ignored; one that kube-apiserver cannot type makes it forget all ownership, a defect.
      const change = { ...(step.variant % 5 === 0 ? at(resource.bodies, step.body % 2) : {}), status };
      return { ...write("PUT", withQuery(`${one}/status`, query), JSON_TYPE, change), onStored: true };
    }
    case "get":
      return { method: "GET", path: one, headers: { accept: at(ACCEPTS, step.options) }, about };
    case "list": {
      const path = withQuery(resource.path, at(LIST_QUERIES, step.variant));
      return { method: "GET", path, headers: { accept: at(ACCEPTS, step.options) }, about };
    }
    case "delete": {
      const path = withQuery(one, at(DELETE_QUERIES, step.options));
      const options = at(DELETE_OPTIONS, step.variant);
      return options === undefined
        ? { method: "DELETE", path, headers: {}, about }
        : write("DELETE", path, JSON_TYPE, options);
    }
    case "deletecollection": {
      const selector = step.variant % 2 === 0 ? "labelSelector=app" : "fieldSelector=metadata.name%3Da";
      return {
        method: "DELETE",
        path: withQuery(resource.path, step.variant % 5 === 4 ? "" : selector),
        headers: {},
        about,
      };
    }
    case "odd": {
      const [method, path, type, body] = at(ODD, step.variant);
      return {
        method,
        path: path.replace("$p", resource.path),
        headers: type === undefined ? {} : { "content-type": type },
        ...(body === undefined ? {} : { body }),
        about,
      };
    }
  }
}
