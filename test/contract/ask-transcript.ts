/** Asks the steps of the transcript over HTTP. */
import { decodingSteps } from "./decoding-steps.ts";
import { foundSteps } from "./found-steps.ts";
import type { KubeApi } from "./kube-api.ts";
import { steps, type Step } from "./transcript-steps.ts";
import { normalError, normalObject, type Answer } from "./transcript.ts";

const ROOTS: Readonly<Record<NonNullable<Step["resource"]>, string>> = {
  widgets: "/apis/probe.dev/v1alpha1",
  secrets: "/api/v1",
  configmaps: "/api/v1",
  events: "/api/v1",
  leases: "/apis/coordination.k8s.io/v1",
};

/** Namespace of the steps. */
export const TRANSCRIPT_NAMESPACE = "transcript";

/** Asks one step. */
async function ask(api: KubeApi, step: Step, versions: Map<string, number>): Promise<Answer> {
  const resource = step.resource ?? "widgets";
  const base = `${ROOTS[resource]}/namespaces/${TRANSCRIPT_NAMESPACE}/${resource}`;
  const path = step.verb === "create" ? base : `${base}/${step.name}${step.status === true ? "/status" : ""}`;
  const query = new URLSearchParams();
  if (step.verb !== "get" && step.verb !== "delete") query.set("fieldManager", step.manager ?? "flaresmith");
  if (step.force === true) query.set("force", "true");
  if (step.dryRun === true) query.set("dryRun", "All");
  if (step.strict === true) query.set("fieldValidation", "Strict");
  const body = structuredClone(step.body) as { metadata?: { namespace?: string } } | undefined;
  if (step.verb === "apply" && body?.metadata !== undefined) body.metadata.namespace = TRANSCRIPT_NAMESPACE;
  let text = body === undefined ? undefined : JSON.stringify(body);
  if (text?.includes("$") === true) {
    const stored = await api("GET", `${base}/${step.name}`);
    const metadata = (stored.body["metadata"] ?? {}) as { resourceVersion?: string; uid?: string };
    text = text.replaceAll("$rv", metadata.resourceVersion ?? "").replaceAll("$uid", metadata.uid ?? "");
  }
  const methods = {
    create: "POST",
    update: "PUT",
    merge: "PATCH",
    json: "PATCH",
    apply: "PATCH",
    delete: "DELETE",
    get: "GET",
  } as const;
  const types: Partial<Record<Step["verb"], string>> = {
    merge: "application/merge-patch+json",
    json: "application/json-patch+json",
    apply: "application/apply-patch+yaml",
  };
  const answer = await api(methods[step.verb], `${path}?${query.toString()}`, text, types[step.verb]);
  const given = answer.body;
  if (given["kind"] === "Status") {
    if (given["status"] === "Success") return { code: answer.code };
    const details = (given["details"] ?? {}) as {
      causes?: { reason?: string; message?: string; field?: string }[];
    };
    return normalError({
      code: answer.code,
      reason: given["reason"] as string | undefined,
      message: String(given["message"]),
      causes: details.causes ?? [],
    });
  }
  return { code: answer.code, object: normalObject(given, versions) };
}

/**
 * Every step's answer by title.
 * @param api a server with the widget of widget.ts, on which namespace `transcript` does not exist
 */
export async function askTranscript(api: KubeApi): Promise<Record<string, Answer>> {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: TRANSCRIPT_NAMESPACE } };
  const created = await api("POST", "/api/v1/namespaces", JSON.stringify(namespace));
  if (created.code !== 201)
    throw new Error(`namespace ${TRANSCRIPT_NAMESPACE}: ${String(created.body["message"])}`);
  const answers: Record<string, Answer> = {};
  const versions = new Map<string, number>();
  for (const step of [...decodingSteps, ...steps, ...foundSteps])
    answers[step.title] = await ask(api, step, versions);
  return answers;
}
