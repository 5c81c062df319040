/**
 * Asks a real kube-apiserver the steps of transcript-steps.ts and writes its answers to test/fixtures/kube-apiserver:
 * `FLARESMITH_KUBE_APISERVER=<kubeconfig> node test/contract/record.ts`. Empties namespace `transcript` there.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openKubeApi, type KubeApi } from "./kube-api.ts";
import { normalError, normalObject, type Answer } from "./transcript.ts";
import { decodingSteps } from "./decoding-steps.ts";
import { steps, type Step } from "./transcript-steps.ts";
import { widgetCrd } from "./widget.ts";

const NAMESPACE = "transcript";

/** Asks one step over HTTP. */
export async function ask(api: KubeApi, step: Step, versions: Map<string, number>): Promise<Answer> {
  const base =
    step.resource === undefined || step.resource === "widgets"
      ? `/apis/probe.dev/v1alpha1/namespaces/${NAMESPACE}/widgets`
      : `/api/v1/namespaces/${NAMESPACE}/${step.resource}`;
  const path = step.verb === "create" ? base : `${base}/${step.name}${step.status === true ? "/status" : ""}`;
  const query = new URLSearchParams();
  if (step.verb !== "get" && step.verb !== "delete") query.set("fieldManager", step.manager ?? "flaresmith");
  if (step.force === true) query.set("force", "true");
  if (step.dryRun === true) query.set("dryRun", "All");
  if (step.strict === true) query.set("fieldValidation", "Strict");
  const body = structuredClone(step.body) as { metadata?: { namespace?: string } } | undefined;
  if (step.verb === "apply" && body?.metadata !== undefined) body.metadata.namespace = NAMESPACE;
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

/** Every step's answer by title. */
async function record(kubeconfig: string): Promise<Record<string, Answer>> {
  const api = openKubeApi(kubeconfig);
  await api("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", JSON.stringify(widgetCrd));
  await api(
    "POST",
    "/api/v1/namespaces",
    JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } }),
  );
  for (const path of ["/apis/probe.dev/v1alpha1", "/api/v1"]) {
    for (const plural of path === "/api/v1" ? ["secrets", "configmaps"] : ["widgets"]) {
      await api("DELETE", `${path}/namespaces/${NAMESPACE}/${plural}`);
    }
  }
  for (const name of ["c", "s"]) {
    await api(
      "PATCH",
      `/apis/probe.dev/v1alpha1/namespaces/${NAMESPACE}/widgets/${name}`,
      '{"metadata":{"finalizers":null}}',
      "application/merge-patch+json",
    );
  }
  const answers: Record<string, Answer> = {};
  const versions = new Map<string, number>();
  for (const step of [...decodingSteps, ...steps]) answers[step.title] = await ask(api, step, versions);
  return answers;
}

if (import.meta.main) {
  const kubeconfig = process.env["FLARESMITH_KUBE_APISERVER"];
  if (kubeconfig === undefined) {
    process.stderr.write(
      "Set FLARESMITH_KUBE_APISERVER to the kubeconfig of a kube-apiserver that may be written to.\n",
    );
    process.exitCode = 2;
  } else {
    const file = join(import.meta.dirname, "../fixtures/kube-apiserver/store-transcript.json");
    writeFileSync(file, `${JSON.stringify(await record(kubeconfig), null, 1)}\n`);
    process.stdout.write(`wrote ${file}\n`);
  }
}
