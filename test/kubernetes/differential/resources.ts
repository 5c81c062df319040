/** The types that requests are made about, with bodies for them: good ones first, then ones that are wrong in some way. */
import { kinds } from "../../../crds/index.ts";
import { corpus } from "../../contract/corpus.ts";

export type Body = Readonly<Record<string, unknown>>;

export interface Resource {
  plural: string;
  apiVersion: string;
  kind: string;
  /** Of the collection; `$ns` stands for the namespace of the sequence. */
  path: string;
  hasStatus: boolean;
  /** What stands beside metadata. The first fits. */
  bodies: readonly Body[];
}

/** Specs of a kind's corpus, mixed so that neighbours differ in more than one place. */
function specs(kind: (typeof kinds)[number]): Body[] {
  const all = [...corpus(kind)].map(({ object }) => ({ spec: object["spec"] }));
  const [least, full, ...rest] = all;
  if (least === undefined || full === undefined) return all;
  const STRIDE = 37;
  const mixed = rest.map((_, index) => rest[(index * STRIDE) % rest.length] ?? least);
  return [
    least,
    full,
    { spec: full.spec, status: { conditions: [] } },
    { spec: full.spec, extra: 1 },
    {},
    ...mixed,
  ];
}

const custom: readonly Resource[] = kinds.map((kind) => ({
  plural: kind.plural,
  apiVersion: "flaresmith.dev/v1alpha1",
  kind: kind.kind,
  path: `/apis/flaresmith.dev/v1alpha1/namespaces/$ns/${kind.plural}`,
  hasStatus: true,
  bodies: specs(kind),
}));

const core = (kind: string, plural: string, bodies: readonly Body[]): Resource => ({
  plural,
  apiVersion: "v1",
  kind,
  path: `/api/v1/namespaces/$ns/${plural}`,
  hasStatus: false,
  bodies,
});

const configMaps = core("ConfigMap", "configmaps", [
  { data: { a: "1" } },
  { data: { a: "1", b: "2" }, binaryData: { c: "YQ==" } },
  {},
  { data: {} },
  { data: null },
  { data: { a: "1" }, immutable: true },
  { data: { "a b": "1" } },
  { data: { "..": "1" } },
  { data: { a: "1" }, binaryData: { a: "YQ==" } },
  { data: { a: 1 } },
  { data: { a: null } },
  { data: "text" },
  { binaryData: { a: "not base64!" } },
  { immutable: "yes" },
  { data: { a: "1" }, extra: 1 },
]);

// No null among the data: kube-apiserver keeps it apart from an empty value until the next write, which looks the same.
const secrets = core("Secret", "secrets", [
  { data: { a: "YQ==" } },
  { stringData: { a: "plain" }, data: { a: "YQ==", b: "Yg==" } },
  { type: "example.com/other", data: { a: "YQ==" } },
  {},
  { stringData: { a: "" } },
  { data: { a: "YQ==" }, immutable: true },
  { data: { a: "no base64" } },
  { data: { "a b": "YQ==" } },
  { stringData: { "a/b": "plain" } },
  { stringData: { a: 5 } },
  { type: "kubernetes.io/tls", data: { "tls.crt": "YQ==" } },
  { type: "kubernetes.io/basic-auth", data: {} },
  { type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": "YQ==" } },
  { type: "kubernetes.io/ssh-auth", data: {} },
  { extra: 1 },
]);

const involved = { kind: "Project", name: "shop", namespace: "$ns", apiVersion: "flaresmith.dev/v1alpha1" };
const events = core("Event", "events", [
  { involvedObject: involved, reason: "Made", message: "made it", type: "Normal" },
  {
    involvedObject: { ...involved, uid: "11111111-2222-3333-4444-555555555555" },
    reason: "Failed",
    message: "did not",
    type: "Warning",
    count: 2,
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:00:01Z",
    source: { component: "flaresmith" },
    reportingComponent: "flaresmith",
  },
  { involvedObject: { ...involved, namespace: "other" }, reason: "Made", message: "elsewhere" },
  { involvedObject: {}, message: "" },
  { message: "about nothing" },
  { involvedObject: involved, type: "Strange", count: "2" },
  { involvedObject: involved, eventTime: "2026-01-01T00:00:00.000000Z", reportingController: "flaresmith" },
  { involvedObject: involved, firstTimestamp: "yesterday" },
  { involvedObject: involved, series: { count: 2, lastObservedTime: "2026-01-01T00:00:00.000000Z" } },
  { involvedObject: involved, extra: 1 },
]);

const leases: Resource = {
  ...core("Lease", "leases", [
    { spec: { holderIdentity: "a", leaseDurationSeconds: 15 } },
    {
      spec: {
        holderIdentity: "b",
        leaseDurationSeconds: 15,
        acquireTime: "2026-01-01T00:00:00.000000Z",
        renewTime: "2026-01-01T00:00:01.000000Z",
        leaseTransitions: 1,
      },
    },
    {},
    { spec: {} },
    { spec: { leaseDurationSeconds: 0 } },
    { spec: { leaseTransitions: -1 } },
    { spec: { leaseDurationSeconds: "15" } },
    { spec: { holderIdentity: 5 } },
    { spec: { renewTime: "2026-01-01T00:00:01Z" } },
    { spec: { renewTime: "now" } },
    { spec: null },
    { spec: { extra: 1 } },
  ]),
  apiVersion: "coordination.k8s.io/v1",
  path: "/apis/coordination.k8s.io/v1/namespaces/$ns/leases",
};

export const resources: readonly Resource[] = [...custom, configMaps, secrets, events, leases];

/** Additions to a valid object's metadata. The first adds nothing. */
export const metadatas: readonly Body[] = [
  {},
  { labels: { app: "x" } },
  { labels: { app: "y", tier: "" } },
  { annotations: { "example.com/a": "1" } },
  { finalizers: ["example.com/hold"] },
  { labels: { app: "x" }, finalizers: ["example.com/hold", "example.com/other"] },
  { labels: {}, annotations: {}, finalizers: [] },
  { labels: null, annotations: null, finalizers: null },
  { labels: { app: "not valid!" } },
  { labels: { "not valid!": "x" } },
  { labels: { "-/a": "x" } },
  { labels: { app: 5 } },
  { labels: { app: null } },
  { labels: "x" },
  { annotations: { "not valid!": "1", a: "2" } },
  { annotations: { a: true } },
  { finalizers: ["unqualified"] },
  { finalizers: ["not valid!"] },
  { finalizers: ["kubernetes"] },
  { finalizers: "example.com/hold" },
  { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "none" }] },
  { ownerReferences: [{}] },
  { resourceVersion: "5" },
  { resourceVersion: "0" },
  { resourceVersion: "abc" },
  { uid: "11111111-2222-3333-4444-555555555555" },
  { generation: 7 },
  { generation: "7" },
  { creationTimestamp: null },
  { creationTimestamp: "2020-01-01T00:00:00Z" },
  { creationTimestamp: "yesterday" },
  { deletionTimestamp: "2020-01-01T00:00:00Z" },
  { deletionGracePeriodSeconds: 5 },
  { managedFields: [] },
  { managedFields: [{ manager: "m", operation: "Wrong" }] },
  {
    managedFields: [
      {
        manager: "m",
        operation: "Update",
        apiVersion: "v1",
        fieldsType: "FieldsV1",
        fieldsV1: { "f:data": {} },
      },
    ],
  },
  { generateName: "made-" },
  { namespace: "other" },
  { namespace: "" },
  { unknown: 1 },
];
