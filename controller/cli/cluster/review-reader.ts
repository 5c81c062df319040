/** Who may read the matrix in a cluster: whoever may list Environments of the namespace, as the API server says. */
import { GROUP } from "../../../crds/kind.ts";
import type { Clock } from "../../runtime/clock.ts";
import { sha256 } from "../../runtime/hash.ts";
import type { Tracker } from "../../runtime/tracker.ts";
import { ApiError } from "../../store/resource-client.ts";
import type { KubernetesObject, ResourceClient, ResourceType } from "../../store/resource-client.ts";

const review = (group: string, kind: string): ResourceType =>
  Object.freeze({ group, version: "v1", kind, plural: `${kind.toLowerCase()}s`, namespaced: false });
const tokenReviewType = review("authentication.k8s.io", "TokenReview");
const accessReviewType = review("authorization.k8s.io", "SubjectAccessReview");

interface TokenReview extends KubernetesObject {
  spec: { token: string };
  status?: {
    authenticated?: boolean;
    user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
  };
}
interface AccessReview extends KubernetesObject {
  spec: Record<string, unknown>;
  status?: { allowed?: boolean };
}

/** Milliseconds for which an answer counts: a withdrawn token opens the door no longer. */
const REMEMBERED = 10_000;
const MOST_REMEMBERED = 1_000;

/** @returns whether a bearer token may read a namespace; false as well when the API server does not let us ask */
export function createReaderReview(options: {
  client: ResourceClient;
  clock: Clock;
  tracker: Tracker;
}): (token: string, namespace: string) => Promise<boolean> {
  const { client, clock, tracker } = options;
  const known = new Map<string, { allowed: boolean; until: number }>();
  const ask = async (token: string, namespace: string): Promise<boolean> => {
    const { status } = await client.create<TokenReview>(tokenReviewType, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      metadata: { name: "" },
      spec: { token },
    });
    if (status?.authenticated !== true) return false;
    const { username: user, ...identity } = status.user ?? {};
    const resourceAttributes = { namespace, verb: "list", group: GROUP, resource: "environments" };
    const answer = await client.create<AccessReview>(accessReviewType, {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      metadata: { name: "" },
      spec: { user, ...identity, resourceAttributes },
    });
    return answer.status?.allowed === true;
  };
  return async (token, namespace) => {
    const key = `${sha256(token)}/${namespace}`;
    const now = clock.monotonic();
    const answered = known.get(key);
    if (answered !== undefined && answered.until > now) return answered.allowed;
    let allowed = false;
    try {
      allowed = await ask(token, namespace);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      tracker.log.warn("the API server does not say who may read; nobody may", { error });
    }
    if (known.size >= MOST_REMEMBERED) known.clear();
    known.set(key, { allowed, until: now + REMEMBERED });
    return allowed;
  };
}
