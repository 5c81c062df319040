/** What is asked of a real kube-apiserver and of the embedded store; the answers are compared word by word. */

export interface Step {
  /** What the step shows. */
  title: string;
  verb: "create" | "update" | "merge" | "json" | "apply" | "delete" | "get";
  /** `widgets` unless given. */
  resource?: "widgets" | "secrets" | "configmaps" | "events" | "leases";
  name: string;
  /** `$rv` and `$uid` stand for those of the stored object. */
  body?: unknown;
  manager?: string;
  force?: boolean;
  status?: boolean;
  dryRun?: boolean;
  strict?: boolean;
}

type Fields = Record<string, unknown>;

/** A widget with this name and spec. */
export const widget = (name: string, spec: unknown, metadata: Fields = {}): Fields => ({
  apiVersion: "probe.dev/v1alpha1",
  kind: "Widget",
  metadata: { name, ...metadata },
  ...(spec === undefined ? {} : { spec }),
});
const core = (kind: string, name: string, rest: Fields): Fields => ({
  apiVersion: "v1",
  kind,
  metadata: { name },
  ...rest,
});

const applied = (
  title: string,
  manager: string,
  spec: unknown,
  options: { metadata?: Fields; force?: boolean } = {},
): Step => ({
  title,
  verb: "apply",
  name: "s",
  manager,
  body: widget("s", spec, options.metadata),
  ...(options.force === undefined ? {} : { force: options.force }),
});

const invalidSpecs: readonly unknown[] = [
  {},
  { name: "" },
  { name: "abcdefg", count: 11, ratio: 0.1, on: "yes", mode: "C" },
  { name: "A", count: -1, list: [], map: { a: "xxxx" } },
  { name: 5, count: "x", list: "x", map: [], nested: {} },
  { name: "a", list: ["abcd", "a", "b"] },
  { name: "a", count: 1.5 },
  { name: null, count: null, mode: null, nested: null },
  { name: "a", items: [{ name: "x" }, { name: "x" }, { name: "x" }] },
  { name: "a", items: [{ value: "x" }] },
  { name: "a", when: "zz" },
  { name: "a", when: "2024-02-31T10:00:00Z" },
  { name: "a", when: "2024-02-29T10:00:00.123+02:00" },
  { name: "a", when: "2024-02-29t10:00:00z" },
  { name: "a", when: "2024-13-01T10:00:00Z" },
  { name: "a", when: "2024-12-01T24:00:00Z" },
  { name: "a", when: "2024-12-01 10:00:00Z" },
  { name: "a", ratio: 1, count: 0 },
  { name: "abcdefg", ratio: 1, count: 0 },
  { name: { a: 1 } },
  { name: "a", items: ["x"] },
  { name: "a", items: [{ name: 5 }] },
  { name: "a", map: { k: 5 } },
  { name: "a", map: { k: null } },
  { name: "a", list: [null] },
  { name: "a", mode: 5 },
  "x",
  [],
  null,
  { name: true },
  { name: "a", ratio: "x" },
  { name: ["a"] },
  { name: "a", ratio: 1e-7 },
  { name: "ä" },
  { name: "a", list: ["äöü", "日本語"] },
  { name: "a", nested: { b: "x", junk: 1 } },
  undefined,
];

/** The steps in order; each sees what the ones before have left. */
export const steps: readonly Step[] = [
  ...invalidSpecs.map((spec, index): Step => ({
    title: `validation ${index}: ${JSON.stringify(spec) ?? "no spec"}`,
    verb: "create",
    name: "v",
    dryRun: true,
    body: widget("v", spec),
  })),
  {
    title: "strict: unknown fields",
    verb: "create",
    name: "v",
    strict: true,
    body: widget("v", { name: "a", junk: 1, items: [{ name: "q", u: 1 }], nested: { b: "1", zip: [] } }),
  },
  {
    title: "metadata: bad name",
    verb: "create",
    name: "v",
    dryRun: true,
    body: widget("A_b", { name: "a" }),
  },
  {
    title: "metadata: no name",
    verb: "create",
    name: "v",
    dryRun: true,
    body: { apiVersion: "probe.dev/v1alpha1", kind: "Widget", metadata: {}, spec: { name: "a" } },
  },
  {
    title: "metadata: labels, annotations, finalizers, owners",
    verb: "create",
    name: "v",
    dryRun: true,
    body: widget(
      "v",
      { name: "a" },
      {
        labels: { "a/b/c": "x", "-a": "_", "/x": "1", "Foo_/y": "2" },
        annotations: { "A B": "c" },
        finalizers: ["q/w/e"],
        ownerReferences: [{ apiVersion: "v1", kind: "", name: "", uid: "" }],
      },
    ),
  },
  {
    title: "metadata: two controllers",
    verb: "create",
    name: "v",
    dryRun: true,
    body: widget(
      "v",
      { name: "a" },
      {
        ownerReferences: [1, 2].map((n) => ({
          apiVersion: "v1",
          kind: "K",
          name: `n${n}`,
          uid: `u${n}`,
          controller: true,
        })),
      },
    ),
  },
  {
    title: "metadata: long label value",
    verb: "create",
    name: "v",
    dryRun: true,
    body: widget("v", { name: "a" }, { labels: { a: "x".repeat(64) } }),
  },
  {
    title: "create: another kind",
    verb: "create",
    name: "v",
    body: { ...widget("v", { name: "a" }), kind: "Widgets" },
  },
  {
    title: "create: with resourceVersion",
    verb: "create",
    name: "v",
    body: widget("v", { name: "a" }, { resourceVersion: "5" }),
  },
  {
    title: "create: system fields are not taken over",
    verb: "create",
    name: "c",
    manager: "m",
    body: widget(
      "c",
      { name: "abc" },
      {
        uid: "5",
        deletionTimestamp: "2020-01-01T00:00:00Z",
        generation: 7,
        creationTimestamp: "2020-01-01T00:00:00Z",
        labels: { l: "1" },
        annotations: { a: "1" },
      },
    ),
  },
  { title: "create: taken", verb: "create", name: "c", body: widget("c", { name: "abc" }) },
  {
    title: "update: no resourceVersion",
    verb: "update",
    name: "c",
    body: widget("c", { name: "abc", count: 4 }),
  },
  {
    title: "update: old resourceVersion",
    verb: "update",
    name: "c",
    body: widget("c", { name: "abc", count: 4 }, { resourceVersion: "1" }),
  },
  { title: "update: absent", verb: "update", name: "zz", body: widget("zz", { name: "abc" }) },
  {
    title: "update: spec",
    verb: "update",
    name: "c",
    manager: "n",
    body: widget(
      "c",
      { name: "abc", count: 4, map: { a: "b" }, list: ["a"] },
      { resourceVersion: "$rv", labels: { l: "1" } },
    ),
  },
  {
    title: "update: nothing new",
    verb: "update",
    name: "c",
    manager: "n",
    body: widget(
      "c",
      { name: "abc", count: 4, map: { a: "b" }, list: ["a"] },
      { resourceVersion: "$rv", labels: { l: "1" } },
    ),
  },
  {
    title: "update: transition rule",
    verb: "update",
    name: "c",
    body: widget("c", { name: "abd" }, { resourceVersion: "$rv" }),
  },
  {
    title: "status: only status is written",
    verb: "merge",
    status: true,
    name: "c",
    manager: "ctl",
    body: {
      status: { observedGeneration: 2, note: "n" },
      spec: { count: 9 },
      metadata: { labels: { z: "1" } },
    },
  },
  {
    title: "status: update of the main resource leaves it",
    verb: "update",
    name: "c",
    manager: "n",
    body: {
      ...widget("c", { name: "abc", count: 5 }, { resourceVersion: "$rv" }),
      status: { note: "other" },
    },
  },
  {
    title: "status: wrong type",
    verb: "merge",
    status: true,
    name: "c",
    body: { status: { observedGeneration: "x" } },
  },
  {
    title: "patch: resourceVersion",
    verb: "merge",
    name: "c",
    body: { metadata: { resourceVersion: "1" }, spec: { count: 9 } },
  },
  { title: "patch: absent", verb: "merge", name: "nope", body: { spec: { count: 9 } } },
  {
    title: "json patch",
    verb: "json",
    name: "c",
    manager: "j",
    body: [
      { op: "test", path: "/spec/count", value: 5 },
      { op: "replace", path: "/spec/count", value: 6 },
      { op: "add", path: "/metadata/labels", value: { "a/b": "c" } },
    ],
  },
  {
    title: "json patch with escapes",
    verb: "json",
    name: "c",
    manager: "j",
    body: [
      { op: "remove", path: "/metadata/labels/a~1b" },
      { op: "add", path: "/spec/list", value: ["x"] },
      { op: "add", path: "/spec/list/-", value: "y" },
      { op: "move", from: "/spec/list/0", path: "/spec/list/1" },
    ],
  },
  {
    title: "finalizer",
    verb: "merge",
    name: "c",
    manager: "ctl",
    body: { metadata: { finalizers: ["x/y"] } },
  },
  { title: "delete: uid precondition", verb: "delete", name: "c", body: { preconditions: { uid: "abc" } } },
  { title: "delete: held by a finalizer", verb: "delete", name: "c" },
  { title: "delete: again", verb: "delete", name: "c" },
  {
    title: "deleting: no new finalizers",
    verb: "merge",
    name: "c",
    body: { metadata: { finalizers: ["x/y", "x/z"] } },
  },
  {
    title: "deleting: spec may change",
    verb: "merge",
    name: "c",
    manager: "n",
    body: { spec: { count: 9 } },
  },
  {
    title: "deleting: last finalizer",
    verb: "merge",
    name: "c",
    manager: "ctl",
    body: { metadata: { finalizers: null } },
  },
  { title: "deleted: gone", verb: "get", name: "c" },
  { title: "delete: absent", verb: "delete", name: "c" },
  applied(
    "apply: creates",
    "a",
    { name: "abc", items: [{ name: "x", value: "1" }, { name: "y" }], map: { k: "v" } },
    { metadata: { labels: { l: "1" }, finalizers: ["q/w"] } },
  ),
  applied("apply: one conflict", "b", {
    name: "abc",
    items: [
      { name: "z", value: "3" },
      { name: "x", value: "2" },
    ],
  }),
  applied(
    "apply: forced, order of the applier",
    "b",
    {
      name: "abc",
      mode: "A",
      items: [
        { name: "z", value: "3" },
        { name: "x", value: "2" },
      ],
    },
    { force: true },
  ),
  {
    title: "apply: an update takes fields",
    verb: "merge",
    name: "s",
    manager: "u",
    body: { spec: { map: { k: "q", m: "n" }, ratio: 2 } },
  },
  applied(
    "apply: what is no longer named goes, unless others own it",
    "a",
    { name: "abc" },
    { metadata: { labels: { l: "1" } } },
  ),
  applied("apply: another's items go with it", "b", { name: "abc", mode: "A" }),
  applied("apply: nothing new", "b", { name: "abc", mode: "A" }),
  applied("apply: conflicts with two managers", "c", { name: "abc", mode: "B", ratio: 3, map: { k: "z" } }),
  {
    title: "apply: status",
    verb: "apply",
    status: true,
    name: "s",
    manager: "c",
    body: {
      apiVersion: "probe.dev/v1alpha1",
      kind: "Widget",
      metadata: { name: "s" },
      status: { note: "hi" },
    },
  },
  {
    title: "apply: status is taken by an update",
    verb: "merge",
    status: true,
    name: "s",
    manager: "ctl",
    body: { status: { observedGeneration: 3, note: "hey" } },
  },
  {
    title: "apply: status conflict",
    verb: "apply",
    status: true,
    name: "s",
    manager: "c",
    body: {
      apiVersion: "probe.dev/v1alpha1",
      kind: "Widget",
      metadata: { name: "s" },
      status: { note: "ho" },
    },
  },
  applied("apply: two items with one key", "c", { name: "abc", items: [{ name: "x" }, { name: "x" }] }),
  applied("apply: unknown field", "c", { name: "abc", junk: 1 }),
  applied("apply: old resourceVersion", "c", { name: "abc" }, { metadata: { resourceVersion: "1" } }),
  applied("apply: managedFields", "c", { name: "abc" }, { metadata: { managedFields: [] } }),
  applied("apply: atomic list", "d", { name: "abc", list: ["a", "b"], nested: { b: "1" } }),
  applied("apply: atomic list conflicts as a whole", "e", { name: "abc", list: ["a"] }),
  applied("apply: nested block goes, its default with it", "d", { name: "abc", list: ["a", "b"] }),
  applied("apply: empty map", "f", { name: "abc", map: {} }, { force: true }),
  {
    title: "ownership can be reset",
    verb: "json",
    name: "s",
    manager: "x",
    body: [{ op: "replace", path: "/metadata/managedFields", value: [{}] }],
  },
  {
    title: "ownership: an update of an untracked object tracks nothing",
    verb: "merge",
    name: "s",
    manager: "x",
    body: { spec: { count: 1 } },
  },
  applied("ownership: first apply to an untracked object", "g", { name: "abc", count: 2 }, { force: true }),
  {
    title: "secret: stringData",
    verb: "create",
    resource: "secrets",
    name: "t",
    manager: "k",
    body: core("Secret", "t", { stringData: { a: "b" }, data: { c: "ZA==" } }),
  },
  {
    title: "secret: unconditional update",
    verb: "update",
    resource: "secrets",
    name: "t",
    manager: "k",
    body: core("Secret", "t", { type: "Opaque", data: { a: "Yw==" } }),
  },
  {
    title: "secret: type is fixed",
    verb: "update",
    resource: "secrets",
    name: "t",
    body: core("Secret", "t", { type: "other/x", data: { a: "Yw==" } }),
  },
  {
    title: "secret: bad key",
    verb: "create",
    resource: "secrets",
    name: "u",
    body: core("Secret", "u", { stringData: { "a b": "c" } }),
  },
  {
    title: "secret: immutable",
    verb: "merge",
    resource: "secrets",
    name: "t",
    manager: "k",
    body: { immutable: true },
  },
  {
    title: "secret: immutable is kept",
    verb: "merge",
    resource: "secrets",
    name: "t",
    manager: "k",
    body: { data: { a: "ZA==" } },
  },
  {
    title: "config map",
    verb: "create",
    resource: "configmaps",
    name: "m",
    manager: "k",
    body: core("ConfigMap", "m", { data: { a: "b" } }),
  },
  {
    title: "config map: apply beside",
    verb: "apply",
    resource: "configmaps",
    name: "m",
    manager: "l",
    body: core("ConfigMap", "m", { data: { c: "d" } }),
  },
  {
    title: "config map: apply conflict",
    verb: "apply",
    resource: "configmaps",
    name: "m",
    manager: "l",
    body: core("ConfigMap", "m", { data: { a: "x", c: "d" } }),
  },
];
