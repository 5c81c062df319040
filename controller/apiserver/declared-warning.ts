/** What a person should know who deletes something that a Source keeps declaring. */
import { API_VERSION } from "../../crds/kind.ts";
import type { KubernetesObject, ResourceType } from "../store/resource-client.ts";
import { ApiError } from "../store/resource-client.ts";
import type { ApiStore } from "./api-store.ts";
import { isRecord } from "./body.ts";

/** Names the Source that applied an object. */
const SOURCE_LABEL = "flaresmith.dev/source";

const [group = "", version = ""] = API_VERSION.split("/");
const SOURCES: ResourceType = { group, version, kind: "Source", plural: "sources", namespaced: true };

function sourceOf(store: ApiStore, namespace: string, name: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(store.getText(SOURCES, { namespace, name })) as Record<string, unknown>;
  } catch (error) {
    // No such Source, or a store without Sources: then nothing brings the object back.
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

/**
 * The text of the Warning header for a delete.
 * @returns undefined when no Source would create the object again: none declares it, or it is suspended
 */
export function declaredWarning(store: ApiStore, object: KubernetesObject): string | undefined {
  const { labels, namespace, name } = object.metadata;
  const sourceName = labels?.[SOURCE_LABEL];
  if (sourceName === undefined || namespace === undefined) return undefined;
  const source = sourceOf(store, namespace, sourceName);
  if (source === undefined) return undefined;
  if (isRecord(source["spec"]) && source["spec"]["suspend"] === true) return undefined;
  const inventory = isRecord(source["status"]) ? source["status"]["inventory"] : undefined;
  if (!Array.isArray(inventory)) return undefined;
  const entry = inventory
    .filter(isRecord)
    .find((item) => item["kind"] === object.kind && item["name"] === name);
  if (entry === undefined) return undefined;
  const { file } = entry;
  const place = typeof file === "string" ? ` in ${file}` : "";
  return `${object.kind} "${name}" is still declared by Source "${sourceName}"${place} and will be re-created at the next sync; remove it there, or suspend the Source`;
}
