/**
 * Asks a real kube-apiserver the steps of http-steps.ts and writes its answers to test/fixtures/kube-apiserver:
 * `FLARESMITH_KUBE_APISERVER=<kubeconfig> node test/contract/record-http.ts`. Empties namespace `http` there.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fetch } from "../../controller/runtime/clock.ts";
import { readKubeconfig } from "../../controller/store/cluster/kubeconfig.ts";
import { clusterTransport } from "../../controller/store/cluster/transport.ts";
import { askHttp, type HttpAnswer } from "./http-answer.ts";
import { HTTP_NAMESPACE, httpSteps } from "./http-steps.ts";
import { widgetCrd } from "./widget.ts";

const kubeconfig = process.env["FLARESMITH_KUBE_APISERVER"];
if (kubeconfig === undefined) {
  process.stderr.write(
    "Set FLARESMITH_KUBE_APISERVER to the kubeconfig of a kube-apiserver that may be written to.\n",
  );
  process.exit(2);
}
const access = await readKubeconfig(kubeconfig);
const transport = clusterTransport(access);
// A client certificate says who asks; a token besides it would be refused.
const fetch: Fetch = (input, init) => {
  const headers = new Headers(init?.headers);
  headers.delete("authorization");
  return transport.fetch(input, { ...init, headers });
};
const post = (path: string, body: unknown): Promise<Response> =>
  fetch(`${access.server}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
await post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", widgetCrd);
await post("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: HTTP_NAMESPACE } });
await fetch(`${access.server}/apis/probe.dev/v1alpha1/namespaces/${HTTP_NAMESPACE}/widgets`, {
  method: "DELETE",
  headers: {},
});
const answers: Record<string, HttpAnswer> = {};
for (const step of httpSteps) answers[step.title] = await askHttp(fetch, access.server, step);
const file = join(import.meta.dirname, "../fixtures/kube-apiserver/http-answers.json");
writeFileSync(file, `${JSON.stringify(answers, null, 1)}\n`);
process.stdout.write(`wrote ${file}\n`);
await transport.close();
