/** An Environment: a git branch, a GitHub environment, a Neon branch and one deployment of each Worker. */
import type { ResourceClient } from "../controller/store/resource-client.ts";
import { deleteObjects } from "./dependants.ts";
import { REVISION } from "./deployment.ts";
import type { PlannedSecret } from "./deployment.ts";
import type { Blueprint, KindReconciler } from "./engine/kind.ts";
import { githubPart } from "./environment-github.ts";
import { writtenSecrets } from "./environment-secrets.ts";
import { unusedPart } from "./environment-unused.ts";
import { isShared } from "./environment-rivals.ts";
import { neonPart } from "./environment-neon.ts";
import { cloudflarePart } from "./environment-workers.ts";
import { slotOf } from "./names.ts";
import { environmentType, previewType, projectType } from "./objects.ts";
import type { EnvironmentObject, PreviewObject, ProjectObject } from "./objects.ts";
import { connectionTo, placeOf } from "./place.ts";
import type { Place, PlaceOptions } from "./place.ts";
import { planSecrets } from "./place-secrets.ts";
import { summarizeState } from "./state.ts";

/** Types that law 5 orphans by default; the Workers of a Production stage join them. */
const ORPHANED = ["branch", "gitBranch", "kvNamespace", "r2Bucket", "database"];

export interface EnvironmentOptions extends PlaceOptions {
  client: ResourceClient;
}

export function environmentReconciler(options: EnvironmentOptions): KindReconciler<EnvironmentObject> {
  return {
    type: environmentType,
    build: (object, signal) => build(object, options, signal),
    deleteDependants: (object, signal) => deletePreviews(object, options, signal),
    removalPolicy: (object, entry) => {
      if (isShared(object, entry, options.reader)) return "Orphan";
      const kept =
        ORPHANED.includes(entry.type) ||
        (object.spec.stage === "Production" && entry.provider === "cloudflare");
      return kept ? object.spec.deletionPolicy : "Delete";
    },
    state: (object, conditions, previous) =>
      summarizeState(conditions, previous, (object.status?.inventory ?? []).length > 0),
  };
}

async function build(
  object: EnvironmentObject,
  options: EnvironmentOptions,
  signal: AbortSignal,
): Promise<Blueprint> {
  const place = placeOf(object, options, signal);
  const neon = await neonPart(place);
  const planned = await planSecrets(place, object.spec.secrets ?? [], neon.database);
  const github = await connectionTo(place, "GitHub");
  const nodes = [
    ...neon.nodes,
    ...planned.nodes,
    ...(github === undefined ? [] : githubPart(place, github, planned.secrets)),
    ...(await cloudflarePart(place, github, planned.secrets)),
  ];
  const unused = unusedPart(object, place.project);
  return {
    nodes,
    project: (results) => environmentStatus(place, results, planned.secrets),
    ...(unused === undefined ? {} : { parts: [unused] }),
  };
}

function environmentStatus(
  { object, project }: Place<EnvironmentObject>,
  results: Parameters<Blueprint["project"]>[0],
  secrets: readonly PlannedSecret[],
): Record<string, unknown> {
  const urls = (project.spec.cloudflare?.workers ?? []).flatMap(({ name }) => {
    const custom = results.get(slotOf("cloudflareDomains", name))?.outputs?.["urls"];
    const standard = results.get(slotOf("cloudflareWorkersDev", name))?.outputs?.["url"];
    return [
      ...(Array.isArray(custom) ? (custom as string[]) : []),
      ...(typeof standard === "string" ? [standard] : []),
    ];
  });
  const looked = [...results.values()].some(
    (result) => result.slot.startsWith("cloudflareWorkersDev/") && result.outputs === undefined,
  );
  const known = looked && urls.length === 0 ? (object.status?.urls ?? []) : urls;
  // A revision is deployed when every Worker carries it, not when the branch moved.
  const workers = [...results.values()].filter((result) => result.slot.startsWith("cloudflareWorker/"));
  const deployed =
    workers.length > 0 &&
    workers.every((result) => result.outputs !== undefined && result.status === "ready");
  const sha =
    workers.length === 0
      ? results.get(REVISION)?.outputs?.["sha"]
      : deployed
        ? workers[0]?.outputs?.["revision"]
        : undefined;
  return {
    url: known[0],
    urls: known.length === 0 ? undefined : known,
    branch: object.spec.deploy?.branch,
    revision:
      object.spec.deploy === undefined || project.spec.github === undefined
        ? undefined
        : (sha ?? object.status?.revision),
    neonBranch:
      results.get("neonBranch")?.outputs?.["branchName"] ??
      (project.spec.neon ? object.status?.neonBranch : undefined),
    secrets: writtenSecrets(secrets, results, object.status?.secrets ?? []),
  };
}

/** Previews that are based on the environment cannot outlive it: their Workers and database branches hang on its. */
async function deletePreviews(
  object: EnvironmentObject,
  options: EnvironmentOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const namespace = object.metadata.namespace ?? "";
  const all = await options.client.list<PreviewObject>(previewType, { namespace }, signal);
  const based = all.items.filter((preview) => {
    if (preview.spec.projectRef.name !== object.spec.projectRef.name) return false;
    const project = options.reader.get<ProjectObject>(projectType, {
      namespace,
      name: preview.spec.projectRef.name,
    });
    const base = preview.spec.environmentRef?.name ?? project?.spec.previews?.environmentRef?.name;
    return base === object.metadata.name;
  });
  return deleteObjects(options.client, previewType, based, signal);
}
