/** What is asked of a real kube-apiserver and of the HTTP API, beside what is stored: negotiation, options, refusals. */

export interface HttpStep {
  title: string;
  method: string;
  /** From `/`; `$p` stands for the collection of widgets in the namespace of these steps. */
  path: string;
  accept?: string;
  contentType?: string;
  body?: string;
}

/** Namespace of the steps. */
export const HTTP_NAMESPACE = "http";

const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const JSON_TYPE = "application/json";
const MERGE = "application/merge-patch+json";
const JSON_PATCH = "application/json-patch+json";
const APPLY = "application/apply-patch+yaml";

const widget = (name: string, extra: Record<string, unknown> = {}): string =>
  JSON.stringify({
    apiVersion: "probe.dev/v1alpha1",
    kind: "Widget",
    metadata: { name },
    spec: { name: "abc" },
    ...extra,
  });

const get = (title: string, path: string, accept?: string): HttpStep => ({
  title,
  method: "GET",
  path,
  ...(accept === undefined ? {} : { accept }),
});
const send = (title: string, method: string, path: string, contentType: string, body: string): HttpStep => ({
  title,
  method,
  path,
  contentType,
  body,
});

/** What scanners and mistaken people select by, and what only looks like an operator. */
const hostileSelectors = [
  "a in b",
  "a=b=c",
  "a,,b",
  "!!a",
  "a in (b",
  "a in (((((",
  "=b",
  "a,",
  "a=-",
  "/x=1",
  "a>b",
  "a>99999999999999999999",
  "__proto__",
  "constructor",
  "!constructor",
  "a in ()",
  "state=in-progress",
  "notin/x in (in,notin)",
  "a!",
  "a/b/c",
  `a=${"x".repeat(70)}!`,
  `${"a".repeat(70)}!`,
];

export const httpSteps: readonly HttpStep[] = [
  send("create answers 201", "POST", "$p", JSON_TYPE, widget("a")),
  get("get one", "$p/a"),
  get("list", "$p"),
  get("list of an empty selection", "$p?labelSelector=none"),
  get("list as a table", "$p", TABLE),
  get("table without objects", "$p?includeObject=None", TABLE),
  get("table with whole objects", "$p?includeObject=Object", TABLE),
  get("one as a table", "$p/a", TABLE),
  get("table with an unknown includeObject", "$p?includeObject=Bad", TABLE),
  get("metadata only", "$p", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"),
  get("metadata of one", "$p/a", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"),
  get("media type that is not served", "$p/a", "text/xml"),
  get("missing object", "$p/missing"),
  get("missing resource", "/apis/probe.dev/v1alpha1/namespaces/http/nothings"),
  get("missing group", "/apis/nothing.dev/v1"),
  get("missing path", "/nothing"),
  get("object of a namespaced type without its namespace", "/apis/probe.dev/v1alpha1/widgets/a"),
  get("resources of a version", "/apis/probe.dev/v1alpha1"),
  get("a group", "/apis/probe.dev"),
  get("list with a bad resourceVersion", "$p?resourceVersion=abc"),
  get("list with resourceVersionMatch alone", "$p?resourceVersionMatch=Exact"),
  get("list at exactly 0", "$p?resourceVersion=0&resourceVersionMatch=Exact"),
  get("list with an unknown match", "$p?resourceVersion=1&resourceVersionMatch=Bad"),
  get("watch with initial events and no match", "$p?watch=1&sendInitialEvents=true"),
  get(
    "watch with initial events and another match",
    "$p?watch=1&sendInitialEvents=true&resourceVersionMatch=Exact",
  ),
  get("list with initial events", "$p?sendInitialEvents=true"),
  get("list with a limit that is no number", "$p?limit=abc"),
  get("list with a broken label selector", "$p?labelSelector=a%20b"),
  get("list with an unknown field selector", "$p?fieldSelector=spec.x%3D1"),
  ...hostileSelectors.map((selector) =>
    get(
      `list with the label selector ${selector.slice(0, 40)}`,
      `$p?labelSelector=${encodeURIComponent(selector)}`,
    ),
  ),
  ...["a=b=c", "a=b\\x", "a=b\\", "constructor=x", "a"].map((selector) =>
    get(`list with the field selector ${selector}`, `$p?fieldSelector=${encodeURIComponent(selector)}`),
  ),
  get("list with a limit beyond 64 bits", "$p?limit=99999999999999999999"),
  get("list with a timeout beyond 64 bits", "$p?timeoutSeconds=99999999999999999999"),
  get("list with a resourceVersion beyond 64 bits", "$p?resourceVersion=99999999999999999999999"),
  send("create that exists", "POST", "$p", JSON_TYPE, widget("a")),
  send(
    "create as YAML",
    "POST",
    "$p?dryRun=All",
    "application/yaml",
    "apiVersion: probe.dev/v1alpha1\nkind: Widget\nmetadata: {name: yy}\nspec: {name: abc}\n",
  ),
  send("create as text", "POST", "$p", "text/plain", "{}"),
  send("create from half a body", "POST", "$p", JSON_TYPE, "{"),
  send("create from nothing", "POST", "$p", JSON_TYPE, ""),
  send("create without kind", "POST", "$p", JSON_TYPE, "{}"),
  send("create of another kind", "POST", "$p", JSON_TYPE, widget("b", { kind: "Gadget" })),
  send(
    "create in another namespace",
    "POST",
    "$p",
    JSON_TYPE,
    widget("b", { metadata: { name: "b", namespace: "other" } }),
  ),
  send(
    "create with an unknown field, strict",
    "POST",
    "$p?fieldValidation=Strict",
    JSON_TYPE,
    widget("b", { spec: { name: "abc", extra: 1 } }),
  ),
  send(
    "create with a duplicate and an unknown field, strict",
    "POST",
    "$p?fieldValidation=Strict",
    JSON_TYPE,
    '{"apiVersion":"probe.dev/v1alpha1","kind":"Widget","metadata":{"name":"b"},"spec":{"name":"abc","name":"abd","extra":1}}',
  ),
  send(
    "create with a duplicate and an unknown field, warned",
    "POST",
    "$p?dryRun=All&fieldValidation=Warn",
    JSON_TYPE,
    '{"apiVersion":"probe.dev/v1alpha1","kind":"Widget","metadata":{"name":"b"},"spec":{"name":"abc","name":"abd","extra":1}}',
  ),
  send(
    "create with an unknown field, by default",
    "POST",
    "$p?dryRun=All",
    JSON_TYPE,
    widget("b", { spec: { name: "abc", extra: 1 } }),
  ),
  send(
    "create with an unknown field, ignored",
    "POST",
    "$p?dryRun=All&fieldValidation=Ignore",
    JSON_TYPE,
    widget("b", { spec: { name: "abc", extra: 1 } }),
  ),
  send("create with an unknown fieldValidation", "POST", "$p?fieldValidation=Bad", JSON_TYPE, widget("b")),
  send("create with an unknown dryRun", "POST", "$p?dryRun=Some", JSON_TYPE, widget("b")),
  send("update under another name", "PUT", "$p/a", JSON_TYPE, widget("b")),
  send("update without resourceVersion", "PUT", "$p/a", JSON_TYPE, widget("a")),
  send("update without a name", "PUT", "$p/a", JSON_TYPE, widget("")),
  send("create as two types", "POST", "$p", "application/json,text/plain", widget("b")),
  send("create nested beyond ten thousand levels", "POST", "$p", JSON_TYPE, `{"a":${"[".repeat(10_100)}`),
  send("strategic merge patch", "PATCH", "$p/a", "application/strategic-merge-patch+json", "{}"),
  send("patch as text", "PATCH", "$p/a", "text/plain", "{}"),
  send("merge patch that is a list", "PATCH", "$p/a", MERGE, "[]"),
  send("JSON patch that is an object", "PATCH", "$p/a", JSON_PATCH, "{}"),
  send(
    "JSON patch whose test fails",
    "PATCH",
    "$p/a",
    JSON_PATCH,
    '[{"op":"test","path":"/spec/name","value":"zzz"}]',
  ),
  send(
    "JSON patch with a test for null where nothing is",
    "PATCH",
    "$p/a?dryRun=All",
    JSON_PATCH,
    '[{"op":"test","path":"/spec/mode","value":null}]',
  ),
  send(
    "JSON patch with indices from the end",
    "PATCH",
    "$p/a?dryRun=All",
    JSON_PATCH,
    '[{"op":"add","path":"/spec/list","value":["a","b"]},{"op":"replace","path":"/spec/list/-1","value":"c"}]',
  ),
  send(
    "JSON patch with a replace of what is not there",
    "PATCH",
    "$p/a?dryRun=All",
    JSON_PATCH,
    '[{"op":"replace","path":"/spec/mode","value":"A"}]',
  ),
  send("JSON patch whose path is no text", "PATCH", "$p/a", JSON_PATCH, '[{"op":"add","path":5,"value":1}]'),
  send(
    "JSON patch with prototype keys",
    "PATCH",
    "$p/a?dryRun=All",
    JSON_PATCH,
    '[{"op":"add","path":"/__proto__","value":{"x":1}},{"op":"add","path":"/spec/constructor","value":1}]',
  ),
  send(
    "JSON patch with too many operations",
    "PATCH",
    "$p/a",
    JSON_PATCH,
    `[${Array.from({ length: 10_001 }, () => '{"op":"test","path":"/kind","value":"Widget"}').join(",")}]`,
  ),
  send(
    "merge patch with prototype keys",
    "PATCH",
    "$p/a?dryRun=All",
    MERGE,
    '{"__proto__":{"x":1},"spec":{"constructor":{"prototype":{"x":1}}}}',
  ),
  send("merge patch with force", "PATCH", "$p/a?force=true", MERGE, '{"spec":{"count":4}}'),
  send("merge patch of a missing object", "PATCH", "$p/missing", MERGE, '{"spec":{"count":4}}'),
  send("merge patch", "PATCH", "$p/a?fieldManager=m", MERGE, '{"spec":{"count":4}}'),
  send("apply without a manager", "PATCH", "$p/a", APPLY, "a: b"),
  send("apply of what is no object", "PATCH", "$p/a?fieldManager=x", APPLY, "a: b"),
  send(
    "apply in conflict",
    "PATCH",
    "$p/a?fieldManager=x",
    APPLY,
    "apiVersion: probe.dev/v1alpha1\nkind: Widget\nmetadata: {name: a}\nspec: {name: abc, count: 5}\n",
  ),
  send(
    "apply by force",
    "PATCH",
    "$p/a?fieldManager=x&force=true",
    APPLY,
    "apiVersion: probe.dev/v1alpha1\nkind: Widget\nmetadata: {name: a}\nspec: {name: abc, count: 5}\n",
  ),
  send(
    "apply of an unknown field, strict",
    "PATCH",
    "$p/a?fieldManager=x&fieldValidation=Strict",
    APPLY,
    "apiVersion: probe.dev/v1alpha1\nkind: Widget\nmetadata: {name: a, namespace: http}\nspec: {name: abc, extra: 5}\n",
  ),
  send("delete with preconditions that are none", "DELETE", "$p/a", JSON_TYPE, '{"preconditions":5}'),
  send("delete with a dry run that is no list", "DELETE", "$p/a", JSON_TYPE, '{"dryRun":"All"}'),
  send("delete with an orphaning that is text", "DELETE", "$p/a", JSON_TYPE, '{"orphanDependents":"false"}'),
  send("delete with another uid", "DELETE", "$p/a", JSON_TYPE, '{"preconditions":{"uid":"nope"}}'),
  send("delete with an unknown policy", "DELETE", "$p/a", JSON_TYPE, '{"propagationPolicy":"Bad"}'),
  send(
    "delete with two policies",
    "DELETE",
    "$p/a",
    JSON_TYPE,
    '{"orphanDependents":true,"propagationPolicy":"Background"}',
  ),
  send("delete as a dry run", "DELETE", "$p/a", JSON_TYPE, '{"dryRun":["All"]}'),
  send("delete of a missing object", "DELETE", "$p/missing", JSON_TYPE, "{}"),
  send("delete", "DELETE", "$p/a", JSON_TYPE, "{}"),
  send(
    "create with a finalizer",
    "POST",
    "$p",
    JSON_TYPE,
    widget("f", { metadata: { name: "f", finalizers: ["probe.dev/x"] } }),
  ),
  send("delete held by a finalizer", "DELETE", "$p/f", JSON_TYPE, "{}"),
  send("last finalizer removed", "PATCH", "$p/f", MERGE, '{"metadata":{"finalizers":null}}'),
  send("delete of a collection", "DELETE", "$p", JSON_TYPE, "{}"),
  send(
    "access review",
    "POST",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    JSON_TYPE,
    '{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{}}',
  ),
  send(
    "rules review without a namespace",
    "POST",
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
    JSON_TYPE,
    '{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectRulesReview","spec":{}}',
  ),
];
