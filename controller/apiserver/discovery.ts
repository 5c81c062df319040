/** Which resources there are, in the three forms that clients ask for (apiserver `endpoints/discovery`). */
import { apiVersionOf, type TypeDefinition } from "../store/embedded/type-definition.ts";

/** Verbs of a type that says nothing else. */
export const ALL_VERBS = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
] as const;

/** A resource that is answered by the server itself and stored nowhere. */
export interface VirtualResource {
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
}

interface Entry {
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  namespaced: boolean;
  verbs: readonly string[];
  shortNames: readonly string[];
  categories: readonly string[];
  hasStatus: boolean;
}

export interface Discovery {
  /** `/api` */
  coreVersions(server: string): unknown;
  /** `/apis` */
  groups(): unknown;
  /** `/apis/<group>`; undefined when there is none */
  group(name: string): unknown;
  /** `/api/v1`, `/apis/<group>/<version>`; undefined when there is none */
  resources(group: string, version: string): unknown;
  /** `/api` and `/apis` in one answer each, for clients that can read it. */
  aggregated(part: "core" | "groups", version: "v2" | "v2beta1"): unknown;
  /** Every group and version, core first. */
  groupVersions(): { group: string; version: string }[];
}

const STATUS_VERBS = ["get", "patch", "update"];

function entryOf(definition: TypeDefinition): Entry {
  const { type, singular, shortNames, categories, verbs, hasStatus } = definition;
  return {
    group: type.group,
    version: type.version,
    kind: type.kind,
    plural: type.plural,
    singular,
    namespaced: type.namespaced,
    verbs: verbs ?? ALL_VERBS,
    shortNames,
    categories,
    hasStatus,
  };
}

function virtualEntry(resource: VirtualResource): Entry {
  return {
    ...resource,
    namespaced: false,
    verbs: ["create"],
    shortNames: [],
    categories: [],
    hasStatus: false,
  };
}

function plainResources(entry: Entry): unknown[] {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories } = entry;
  const main = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
  };
  if (!entry.hasStatus) return [main];
  return [main, { name: `${plural}/status`, singularName: "", namespaced, kind, verbs: STATUS_VERBS }];
}

function aggregatedResource(entry: Entry): unknown {
  const { group, version, kind, plural, singular, namespaced, verbs, shortNames, categories } = entry;
  const responseKind = { group, version, kind };
  return {
    resource: plural,
    responseKind,
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: singular,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(entry.hasStatus
      ? { subresources: [{ subresource: "status", responseKind, verbs: STATUS_VERBS }] }
      : {}),
  };
}

/** Builds discovery over the types that a store serves and the resources that the server answers itself. */
export function createDiscovery(options: {
  types: readonly TypeDefinition[];
  virtual: readonly VirtualResource[];
}): Discovery {
  const entries = [...options.types.map(entryOf), ...options.virtual.map(virtualEntry)];
  const groupNames = [...new Set(entries.map((entry) => entry.group))]
    .filter((name) => name !== "")
    .toSorted();
  const versionOf = (group: string): string => entries.find((entry) => entry.group === group)?.version ?? "";

  const apiGroup = (name: string): Record<string, unknown> => {
    const version = versionOf(name);
    const served = { groupVersion: `${name}/${version}`, version };
    return { name, versions: [served], preferredVersion: served };
  };

  const aggregatedGroup = (name: string): unknown => ({
    metadata: name === "" ? {} : { name },
    versions: [
      {
        version: versionOf(name),
        resources: entries.filter((entry) => entry.group === name).map(aggregatedResource),
        freshness: "Current",
      },
    ],
  });

  return {
    coreVersions: (server) => ({
      kind: "APIVersions",
      versions: ["v1"],
      serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: server }],
    }),
    groups: () => ({ kind: "APIGroupList", apiVersion: "v1", groups: groupNames.map(apiGroup) }),
    group: (name) =>
      groupNames.includes(name) ? { kind: "APIGroup", apiVersion: "v1", ...apiGroup(name) } : undefined,
    resources: (group, version) => {
      const found = entries.filter((entry) => entry.group === group && entry.version === version);
      if (found.length === 0) return undefined;
      return {
        kind: "APIResourceList",
        apiVersion: "v1",
        groupVersion: apiVersionOf({ group, version, kind: "", plural: "", namespaced: false }),
        resources: found.flatMap(plainResources),
      };
    },
    aggregated: (part, version) => ({
      kind: "APIGroupDiscoveryList",
      apiVersion: `apidiscovery.k8s.io/${version}`,
      metadata: {},
      items: (part === "core" ? [""] : groupNames).map(aggregatedGroup),
    }),
    groupVersions: () =>
      ["", ...groupNames].map((group) => ({ group, version: group === "" ? "v1" : versionOf(group) })),
  };
}
