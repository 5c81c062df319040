/** Applies a directory's manifests once, at start. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { kinds, resourceType } from "../../../crds/index.ts";
import type { KubernetesObject, ResourceClient } from "../../store/resource-client.ts";

export async function applyDirectory(client: ResourceClient, directory: string): Promise<void> {
  for (const file of readdirSync(directory).filter((name) => name.endsWith(".yaml"))) {
    const object = parse(readFileSync(join(directory, file), "utf8")) as KubernetesObject;
    const kind = kinds.find((candidate) => candidate.kind === object.kind);
    if (kind === undefined) continue;
    object.metadata.namespace = "default";
    await client.apply(resourceType(kind), object, { fieldManager: "flaresmith-source", force: true });
  }
}
