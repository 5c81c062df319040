/** `kubectl auth can-i` and `whoami`: resources that are answered and never stored. */
import { timestamp, type Clock } from "../runtime/clock.ts";
import { ApiError } from "../store/resource-client.ts";
import { isRecord } from "./body.ts";
import type { VirtualResource } from "./discovery.ts";
import type { Identity } from "./identity.ts";
import { badRequest } from "./status.ts";

const authorization = (kind: string, singular: string): VirtualResource => ({
  group: "authorization.k8s.io",
  version: "v1",
  kind,
  plural: `${singular}s`,
  singular,
});

export const reviewResources: readonly VirtualResource[] = [
  authorization("SelfSubjectAccessReview", "selfsubjectaccessreview"),
  authorization("SelfSubjectRulesReview", "selfsubjectrulesreview"),
  {
    group: "authentication.k8s.io",
    version: "v1",
    kind: "SelfSubjectReview",
    plural: "selfsubjectreviews",
    singular: "selfsubjectreview",
  },
];

function invalidReview(field: string, message: string): ApiError {
  return new ApiError({
    code: 422,
    reason: "Invalid",
    message: `.authorization.k8s.io "" is invalid: ${field}: ${message}`,
    causes: [{ reason: "FieldValueInvalid", message, field }],
    details: { group: "authorization.k8s.io" },
  });
}

function accessReview(spec: Record<string, unknown>): unknown {
  if (isRecord(spec["resourceAttributes"]) === isRecord(spec["nonResourceAttributes"])) {
    throw invalidReview(
      "spec.resourceAttributes",
      "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
    );
  }
  return { allowed: true };
}

function rulesReview(spec: Record<string, unknown>): unknown {
  if (typeof spec["namespace"] !== "string" || spec["namespace"] === "")
    throw badRequest("no namespace on request");
  return {
    resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
    nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
    incomplete: false,
  };
}

/**
 * Answers a review.
 * @param value the decoded body
 * @throws ApiError 400, 422
 */
export function answerReview(
  resource: VirtualResource,
  value: unknown,
  identity: Identity,
  clock: Clock,
): unknown {
  if (!isRecord(value))
    throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind})`);
  const apiVersion = `${resource.group}/${resource.version}`;
  const { kind = resource.kind, apiVersion: given = apiVersion } = value;
  if (kind !== resource.kind || given !== apiVersion) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${resource.kind}): it is ${JSON.stringify(kind)} of ${JSON.stringify(given)}`,
    );
  }
  if (resource.kind === "SelfSubjectReview") {
    const { username, groups } = identity;
    return {
      kind,
      apiVersion,
      metadata: { creationTimestamp: timestamp(clock) },
      status: { userInfo: { username, groups } },
    };
  }
  const spec = isRecord(value["spec"]) ? value["spec"] : {};
  const status = resource.kind === "SelfSubjectAccessReview" ? accessReview(spec) : rulesReview(spec);
  return { kind, apiVersion, metadata: {}, spec, status };
}
