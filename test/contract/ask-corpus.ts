/** Asks a server about every object of a kind's corpus. */
import type { KindDefinition } from "../../crds/kind.ts";
import type { StatusCause } from "../../controller/store/resource-client.ts";
import { corpus } from "./corpus.ts";
import type { KubeApi } from "./kube-api.ts";
import { normalError } from "./transcript.ts";

/** `accepted`, or why not: the causes, or code and message where there are none. */
export type CorpusAnswer = string | readonly string[];

/** The answer in a refusal. */
export function corpusRefusal(error: {
  code: number;
  message: string;
  causes: readonly StatusCause[];
}): CorpusAnswer {
  const { code, causes, message } = normalError(error);
  return causes ?? `${code} ${message ?? ""}`;
}

/** Every object's answer by title. Stores nothing: each is a dry run in namespace `default`. */
export async function askCorpus(api: KubeApi, kind: KindDefinition): Promise<Record<string, CorpusAnswer>> {
  const path = `/apis/flaresmith.dev/v1alpha1/namespaces/default/${kind.plural}?dryRun=All`;
  const answers: Record<string, CorpusAnswer> = {};
  for (const { title, object } of corpus(kind)) {
    const { code, body } = await api("POST", path, JSON.stringify(object));
    if (code < 300) answers[title] = "accepted";
    else {
      const { causes } = (body["details"] ?? {}) as { causes?: StatusCause[] };
      answers[title] = corpusRefusal({ code, message: String(body["message"]), causes: causes ?? [] });
    }
  }
  return answers;
}
