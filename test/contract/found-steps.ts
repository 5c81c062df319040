/** What the differential test found, as steps of the transcript: each was answered otherwise once. */
import { widget, type Step } from "./transcript-steps.ts";

type Fields = Record<string, unknown>;

const core = (kind: string, name: string, rest: Fields, metadata: Fields = {}): Fields => ({
  apiVersion: "v1",
  kind,
  metadata: { name, ...metadata },
  ...rest,
});
const lease = (name: string, rest: Fields, metadata: Fields = {}): Fields => ({
  ...core("Lease", name, rest, metadata),
  apiVersion: "coordination.k8s.io/v1",
});
const about = { kind: "Widget", name: "a", namespace: "transcript" };

const applied = (title: string, name: string, spec: unknown, metadata: Fields = {}): Step => ({
  title,
  verb: "apply",
  name,
  manager: "one",
  body: widget(name, spec, metadata),
});
const secret = (title: string, rest: Fields, metadata: Fields = {}): Step => ({
  title,
  verb: "create",
  resource: "secrets",
  name: "w",
  dryRun: true,
  body: core("Secret", "w", rest, metadata),
});

/** Names of their own, so that they can follow the other steps. */
export const foundSteps: readonly Step[] = [
  // Built-in types are structs: unknown fields go, zero values are written or left out as their tags say.
  {
    title: "event: what is not set is written as null or left out",
    verb: "create",
    resource: "events",
    name: "e",
    manager: "k",
    body: core("Event", "e", { involvedObject: about, reason: "Made", message: "made", count: 0, extra: 1 }),
  },
  {
    title: "event: in another namespace than its object",
    verb: "create",
    resource: "events",
    name: "f",
    body: core("Event", "f", { involvedObject: { ...about, namespace: "other" } }),
  },
  {
    title: "event: any name that fits into a URL",
    verb: "create",
    resource: "events",
    name: "Any_Name",
    dryRun: true,
    body: core("Event", "Any_Name", { involvedObject: about }),
  },
  {
    title: "event: what the newer form requires",
    verb: "create",
    resource: "events",
    name: "f",
    body: core("Event", "f", { involvedObject: about, eventTime: "2026-01-01T00:00:00.000000Z" }),
  },
  {
    title: "event: an update creates it",
    verb: "update",
    resource: "events",
    name: "g",
    manager: "k",
    body: core("Event", "g", { involvedObject: about, firstTimestamp: "2026-01-01T02:00:00+02:00" }),
  },
  {
    title: "lease: an empty spec is nobody's",
    verb: "create",
    resource: "leases",
    name: "l",
    manager: "k",
    body: lease("l", { spec: null }),
  },
  {
    title: "lease: apply that changes nothing",
    verb: "apply",
    resource: "leases",
    name: "l",
    manager: "one",
    body: lease("l", { spec: {} }),
  },
  {
    title: "lease: no update without a version",
    verb: "update",
    resource: "leases",
    name: "l",
    body: lease("l", { spec: { holderIdentity: "" } }),
  },
  {
    title: "lease: an update creates it, but not under a uid",
    verb: "update",
    resource: "leases",
    name: "m",
    body: lease("m", {}, { uid: "11111111-2222-3333-4444-555555555555" }),
  },
  {
    title: "config map: a key in both maps",
    verb: "create",
    resource: "configmaps",
    name: "n",
    dryRun: true,
    body: core("ConfigMap", "n", { data: { a: "1" }, binaryData: { a: "YQ==" }, extra: 1 }),
  },
  {
    title: "config map: an empty list of managed fields forgets them",
    verb: "update",
    resource: "configmaps",
    name: "m",
    manager: "k",
    body: core("ConfigMap", "m", { data: { a: "2" } }, { managedFields: [] }),
  },
  {
    title: "config map: a JSON patch need not leave the kind",
    verb: "json",
    resource: "configmaps",
    name: "m",
    manager: "k",
    body: [{ op: "remove", path: "/kind" }],
  },
  secret("secret: finalizer without a domain", {}, { finalizers: ["unqualified"] }),
  secret("secret: basic auth needs one of two", { type: "kubernetes.io/basic-auth" }),
  secret("secret: ssh auth needs a key", { type: "kubernetes.io/ssh-auth" }),
  secret("secret: tls needs both", { type: "kubernetes.io/tls", data: { "tls.crt": "YQ==" } }),
  secret("secret: a token needs its account", { type: "kubernetes.io/service-account-token" }),
  // Metadata.
  {
    title: "metadata: too long",
    verb: "create",
    name: "v",
    dryRun: true,
    body: widget("x".repeat(254), { name: "abc" }, { labels: { ["k".repeat(64)]: "v".repeat(64) } }),
  },
  {
    title: "metadata: a version that is no number asks for nothing",
    verb: "create",
    name: "o",
    manager: "k",
    body: widget("o", { name: "abc" }, { resourceVersion: "abc", selfLink: "/x", managedFields: [] }),
  },
  // kube-apiserver stores the default of a status with the first write after the create.
  {
    title: "status: first write",
    verb: "merge",
    status: true,
    name: "o",
    manager: "k",
    body: { status: { note: "n" } },
  },
  {
    title: "metadata: nobody sets deletion marks",
    verb: "merge",
    name: "o",
    body: { metadata: { deletionTimestamp: "2020-01-01T00:00:00Z", deletionGracePeriodSeconds: 5 } },
  },
  { title: "metadata: another uid", verb: "merge", name: "o", body: { metadata: { uid: "nope" } } },
  { title: "patch: no version", verb: "merge", name: "o", body: { metadata: { resourceVersion: null } } },
  { title: "patch: another apiVersion", verb: "merge", name: "o", body: { apiVersion: "v9" } },
  {
    title: "json patch: a value that is left out is null",
    verb: "json",
    name: "o",
    manager: "k",
    body: [{ op: "add", path: "/metadata/labels" }],
  },
  {
    title: "ownership in a version that is not served is forgotten, and all the rest",
    verb: "merge",
    name: "o",
    manager: "k",
    body: {
      metadata: {
        managedFields: [
          {
            manager: "m",
            operation: "Update",
            apiVersion: "v1",
            fieldsType: "FieldsV1",
            fieldsV1: { "f:x": {} },
          },
        ],
      },
    },
  },
  {
    title: "create: of what is being deleted",
    verb: "create",
    name: "held",
    body: widget("held", { name: "abc" }, { finalizers: ["probe.dev/x"] }),
  },
  { title: "create: it is being deleted", verb: "delete", name: "held" },
  { title: "create: there already", verb: "create", name: "held", body: widget("held", { name: "abc" }) },
  {
    title: "create: there already, with a name to be generated",
    verb: "create",
    name: "held",
    body: widget("held", { name: "abc" }, { generateName: "held-" }),
  },
  {
    title: "create: its last finalizer goes",
    verb: "merge",
    name: "held",
    body: { metadata: { finalizers: null } },
  },
  // Server-side apply.
  applied("apply: an item without its key", "p", { name: "abc", items: [{ value: "1" }] }),
  applied("apply: a null among the items", "p", { name: "abc", items: [null] }),
  applied("apply: a null is no value", "p", { name: "abc", map: null }),
  applied("apply: a uid and no object", "p", { name: "abc" }, { uid: "nope" }),
  applied(
    "apply: made",
    "p",
    { name: "abc", map: { a: "1" }, nested: { b: "1" } },
    { finalizers: ["probe.dev/x"] },
  ),
  {
    title: "apply: a null in place of somebody's map keeps the map",
    verb: "apply",
    name: "p",
    manager: "two",
    body: widget("p", { name: "abc", map: null, nested: null }),
  },
  {
    title: "ownership: the same item twice in a set",
    verb: "json",
    name: "p",
    manager: "k",
    body: [{ op: "add", path: "/metadata/finalizers", value: ["probe.dev/x", "probe.dev/x"] }],
  },
  {
    title: "ownership: nothing holds it",
    verb: "merge",
    name: "p",
    manager: "k",
    body: { metadata: { finalizers: null } },
  },
  // Found by reviews.
  {
    title: "config map: texts and bytes of more than a mebibyte together",
    verb: "create",
    resource: "configmaps",
    name: "large",
    dryRun: true,
    body: core("ConfigMap", "large", {
      data: { a: "ü".repeat(512 * 1024 - 1), b: "x" },
      binaryData: { c: "YWI=", "d/": "" },
    }),
  },
  {
    title: "metadata: dependents cannot be orphaned and waited for",
    verb: "create",
    name: "q",
    dryRun: true,
    body: widget("q", { name: "abc" }, { finalizers: ["foregroundDeletion", "orphan", "a/b/c"] }),
  },
  {
    title: "config map: dependents cannot be orphaned and waited for",
    verb: "create",
    resource: "configmaps",
    name: "q",
    dryRun: true,
    body: core("ConfigMap", "q", {}, { finalizers: ["foregroundDeletion", "un", "orphan"] }),
  },
];
