/** Asks the API server's authorizer who may do what: for all that it serves, not only for what a test thought of. */
import type { KubeApi } from "../../contract/kube-api.ts";
import type { Identity } from "./certificates.ts";

/** One kind of request, as RBAC sees it. */
interface Access {
  verb: string;
  group: string;
  /** Plural, with the subresource behind a slash. */
  resource: string;
  /** Of one object; left out: of any. */
  name?: string;
}

/** All that are asked of every resource; what else RBAC knows is asked of the resources that know it. */
const VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
const SPECIAL: readonly Access[] = [
  { verb: "promote", group: "flaresmith.dev", resource: "environments" },
  ...["bind", "escalate"].flatMap((verb) =>
    ["roles", "clusterroles"].map((resource) => ({
      verb,
      group: "rbac.authorization.k8s.io",
      resource,
    })),
  ),
  ...["users", "groups", "serviceaccounts"].map((resource) => ({ verb: "impersonate", group: "", resource })),
];
/** How many questions are open at once. */
const CONCURRENT = 16;

/** `get secrets`, `update projects/status.flaresmith.dev`, `get secrets "one"`. */
function textOf({ group, name, resource, verb }: Access): string {
  const named = name === undefined ? "" : ` "${name}"`;
  return `${verb} ${resource}${group === "" ? "" : `.${group}`}${named}`;
}

/** Every kind of request that the server could be asked, subresources included. */
async function everything(api: KubeApi): Promise<Access[]> {
  const groups = (await api("GET", "/apis")).body["groups"] as { versions: { groupVersion: string }[] }[];
  const versions = groups.flatMap(({ versions: all }) => all.map(({ groupVersion }) => groupVersion));
  const found = new Map<string, Access>();
  for (const groupVersion of ["v1", ...versions]) {
    const path = groupVersion === "v1" ? "/api/v1" : `/apis/${groupVersion}`;
    const group = groupVersion === "v1" ? "" : (groupVersion.split("/")[0] ?? "");
    const { resources } = (await api("GET", path)).body as { resources: { name: string }[] };
    for (const { name } of resources)
      for (const verb of VERBS) {
        const access = { verb, group, resource: name };
        found.set(textOf(access), access);
      }
  }
  return [...found.values(), ...SPECIAL];
}

/** Whether the authorizer allows it. @param namespace empty: for the whole cluster */
async function allows(
  api: KubeApi,
  { groups, user }: Identity,
  { name, resource, ...rest }: Access,
  namespace: string,
): Promise<boolean> {
  const [plural, subresource] = resource.split("/");
  const resourceAttributes = { ...rest, namespace, name, resource: plural, subresource };
  const { code, body } = await api(
    "POST",
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    JSON.stringify({
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: { user, groups, resourceAttributes },
    }),
  );
  const { allowed } = (body["status"] ?? {}) as { allowed?: boolean };
  if (code !== 201 || allowed === undefined) throw new Error(`SubjectAccessReview: ${code}`);
  return allowed;
}

/**
 * All that somebody may do in a namespace, sorted, as `verb resource.group`.
 * @param options.names objects to be asked about by name besides
 */
export async function allAllowed(options: {
  api: KubeApi;
  identity: Identity;
  /** Empty: in the whole cluster. */
  namespace: string;
  names?: readonly Access[];
}): Promise<string[]> {
  const { api, identity, names = [], namespace } = options;
  const questions = [...(await everything(api)), ...names];
  const allowed: string[] = [];
  const ask = async (): Promise<void> => {
    for (let access = questions.pop(); access !== undefined; access = questions.pop())
      if (await allows(api, identity, access, namespace)) allowed.push(textOf(access));
  };
  await Promise.all(Array.from({ length: CONCURRENT }, ask));
  return allowed.toSorted();
}

/** Verbs, with spaces between, and the resources that they go for. */
export type Row = readonly [verbs: string, ...resources: string[]];

/** The same list, written down by rows. */
export function requests(...rows: readonly Row[]): string[] {
  return rows
    .flatMap(([verbs, ...resources]) =>
      verbs.split(" ").flatMap((verb) => resources.map((resource) => `${verb} ${resource}`)),
    )
    .toSorted();
}
