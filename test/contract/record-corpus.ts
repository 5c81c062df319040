/**
 * Asks a real kube-apiserver about every object of the corpus and writes its answers to test/fixtures/kube-apiserver:
 * `FLARESMITH_KUBE_APISERVER=<kubeconfig> node test/contract/record-corpus.ts`. Everything is a dry run but the CRDs.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crdOf, kinds } from "../../crds/index.ts";
import { corpus } from "./corpus.ts";
import { openKubeApi } from "./kube-api.ts";
import { normalError } from "./transcript.ts";

const kubeconfig = process.env["FLARESMITH_KUBE_APISERVER"];
if (kubeconfig === undefined)
  throw new Error(
    "set FLARESMITH_KUBE_APISERVER to the kubeconfig of a kube-apiserver that may be written to",
  );
const api = openKubeApi(kubeconfig);
const directory = join(import.meta.dirname, "../fixtures/kube-apiserver/corpus");
mkdirSync(directory, { recursive: true });
for (const kind of kinds) {
  const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const crd = crdOf(kind);
  const created = await api("POST", crds, JSON.stringify(crd));
  const answer =
    created.code === 409
      ? await api(
          "PATCH",
          `${crds}/${crd.metadata.name}?fieldManager=corpus&force=true`,
          JSON.stringify(crd),
          "application/apply-patch+yaml",
        )
      : created;
  if (answer.code >= 300 || answer.warnings.length > 0) {
    throw new Error(`${kind.kind}: ${String(answer.body["message"])} ${answer.warnings.join("; ")}`);
  }
}
// The server serves a changed definition a moment after it has accepted it.
await new Promise((resolve) => setTimeout(resolve, 3000));
for (const kind of kinds) {
  const answers: Record<string, unknown> = {};
  for (const { title, object } of corpus(kind)) {
    const { body } = await api(
      "POST",
      `/apis/flaresmith.dev/v1alpha1/namespaces/default/${kind.plural}?dryRun=All`,
      JSON.stringify(object),
    );
    if (body["kind"] !== "Status") answers[title] = "accepted";
    else {
      const details = (body["details"] ?? {}) as {
        causes?: { reason?: string; message?: string; field?: string }[];
      };
      const { code, causes, message } = normalError({
        code: Number(body["code"]),
        message: String(body["message"]),
        causes: details.causes ?? [],
      });
      answers[title] = causes === undefined ? `${code} ${message ?? ""}` : causes;
    }
  }
  writeFileSync(join(directory, `${kind.singular}.json`), `${JSON.stringify(answers, null, 1)}\n`);
  process.stdout.write(`${kind.kind}: ${Object.keys(answers).length} answers\n`);
}
