/** Answers over HTTP in a form in which two servers can be compared. */
import type { Fetch } from "../../controller/runtime/clock.ts";
import { HTTP_NAMESPACE, type HttpStep } from "./http-steps.ts";

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
  const entries = Object.entries(value).filter(([name]) => !LEFT_OUT.has(name));
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, item]) => [name, normal(item, name)]),
  );
}

/** Asks one step. */
export async function askHttp(fetch: Fetch, server: string, step: HttpStep): Promise<HttpAnswer> {
  const collection = `/apis/probe.dev/v1alpha1/namespaces/${HTTP_NAMESPACE}/widgets`;
  const response = await fetch(`${server}${step.path.replace("$p", collection)}`, {
    method: step.method,
    headers: {
      accept: step.accept ?? "application/json",
      "user-agent": "asker/1",
      authorization: "Bearer t",
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
