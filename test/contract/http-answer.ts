/** Answers over HTTP in a form in which two servers can be compared. */
import type { Fetch } from "../../controller/runtime/clock.ts";
import { HTTP_NAMESPACE, httpSteps, type HttpStep } from "./http-steps.ts";
import { kubeApi } from "./kube-api.ts";

export interface HttpAnswer {
  code: number;
  type: string;
  warnings: string;
  body: unknown;
}

const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** Made up by each server. */
const OWN: Readonly<Record<string, string>> = {
  uid: "<uid>",
  resourceVersion: "<version>",
  creationTimestamp: "<time>",
  deletionTimestamp: "<time>",
  time: "<time>",
};
/** Words of each server, and what only one of them knows. */
const LEFT_OUT = new Set(["description", "storageVersionHash"]);

/** Details in which nothing stands are as good as none. */
function isEmptyDetails(name: string, value: unknown): boolean {
  return name === "details" && typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function normal(value: unknown, key = ""): unknown {
  if (typeof value === "string") return OWN[key] ?? value.replaceAll(UID, "<uid>");
  if (Array.isArray(value)) {
    const items = value.map((item) => normal(item));
    if (key === "verbs") return (items as string[]).toSorted();
    // Ages move on between two runs.
    return key === "cells"
      ? items.map((cell) => (typeof cell === "string" ? cell.replace(/^\d+s$/, "<age>") : cell))
      : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(
    ([name, item]) => !LEFT_OUT.has(name) && !isEmptyDetails(name, item),
  );
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, item]) => [name, normal(item, name)]),
  );
}

/** Asks one step. */
async function ask(fetch: Fetch, server: string, step: HttpStep): Promise<HttpAnswer> {
  const collection = `/apis/probe.dev/v1alpha1/namespaces/${HTTP_NAMESPACE}/widgets`;
  const response = await fetch(`${server}${step.path.replace("$p", collection)}`, {
    method: step.method,
    headers: {
      accept: step.accept ?? "application/json",
      "user-agent": "asker/1",
      ...(step.contentType === undefined ? {} : { "content-type": step.contentType }),
    },
    ...(step.body === undefined || step.body === "" ? {} : { body: step.body }),
  });
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  return {
    code: response.status,
    type,
    warnings: response.headers.get("warning") ?? "",
    body: type === "application/json" ? normal(JSON.parse(text)) : text.trim(),
  };
}

/**
 * Every step's answer by title.
 * @param fetch asks as user `asker`, or as whoever may do everything
 * @param server with the widget of widget.ts, on which namespace `http` does not exist
 */
export async function askHttpSteps(fetch: Fetch, server: string): Promise<Record<string, HttpAnswer>> {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: HTTP_NAMESPACE } };
  const created = await kubeApi(fetch, server)("POST", "/api/v1/namespaces", JSON.stringify(namespace));
  if (created.code !== 201)
    throw new Error(`namespace ${HTTP_NAMESPACE}: ${String(created.body["message"])}`);
  const answers: Record<string, HttpAnswer> = {};
  for (const step of httpSteps) answers[step.title] = await ask(fetch, server, step);
  return answers;
}
