/** Acting as somebody else (`kubectl --as`) is refused: it must never be done as who asked. */
import { ApiError } from "../store/resource-client.ts";
import type { Identity } from "./identity.ts";

const PREFIX = "impersonate-";
const EXTRA_PREFIX = `${PREFIX}extra-`;
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** What kube-apiserver asks its authorizer about. */
interface Impersonated {
  resource: string;
  subresource?: string;
  group?: string;
  namespace?: string;
  name: string;
}

function impersonatedUser(username: string): Impersonated {
  const [, namespace, name] = SERVICE_ACCOUNT.exec(username) ?? [];
  if (namespace === undefined || name === undefined) return { resource: "users", name: username };
  return { resource: "serviceaccounts", namespace, name };
}

/** The first thing that a request wants to be, the user before all else. */
function impersonatedBy(headers: Headers): Impersonated | undefined {
  const username = headers.get(`${PREFIX}user`) ?? "";
  if (username !== "") return impersonatedUser(username);
  const header = [...headers.keys()].find((name) => name.startsWith(PREFIX));
  if (header === undefined) return undefined;
  const name = headers.get(header) ?? "";
  if (header === `${PREFIX}group`) return { resource: "groups", name };
  const group = "authentication.k8s.io";
  if (header === `${PREFIX}uid`) return { resource: "uids", group, name };
  if (header.startsWith(EXTRA_PREFIX))
    return { resource: "userextras", subresource: header.slice(EXTRA_PREFIX.length), group, name };
  // An empty user, or a header of a later version: refused as well, rather than answered as who asked.
  return { resource: "users", name };
}

/**
 * Refuses a request that is to be done as somebody else, in the words of kube-apiserver (`filters/impersonation`,
 * `responsewriters.ForbiddenStatusError`).
 * @throws ApiError 403
 */
export function refuseImpersonation(headers: Headers, { username }: Identity): void {
  const impersonated = impersonatedBy(headers);
  if (impersonated === undefined) return;
  const { resource, subresource, group = "", namespace, name } = impersonated;
  const whole = subresource === undefined ? resource : `${resource}/${subresource}`;
  const where =
    namespace === undefined ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  const what = `${group === "" ? resource : `${resource}.${group}`}${name === "" ? "" : ` ${JSON.stringify(name)}`}`;
  throw new ApiError({
    code: 403,
    reason: "Forbidden",
    message: `${what} is forbidden: User ${JSON.stringify(username)} cannot impersonate resource ${JSON.stringify(whole)} in API group ${JSON.stringify(group)} ${where}: impersonation is not served here`,
    details: { name, group, kind: resource },
  });
}
