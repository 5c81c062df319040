/** A Preview: an Environment at another revision, with its own database branch, previews of the Workers and an end. */
import { FlaresmithError, errorCodes } from "../controller/runtime/errors.ts";
import type { ProviderTime } from "../controller/runtime/provider-time.ts";
import { REVISION } from "./deployment.ts";
import type { Blueprint, KindReconciler } from "./engine/kind.ts";
import { entryOf, slotOf } from "./names.ts";
import { previewType, projectType } from "./objects.ts";
import type { PreviewObject, ProjectObject } from "./objects.ts";
import { placeOf } from "./place.ts";
import type { Place, PlaceOptions } from "./place.ts";
import { BRANCH } from "./place-database.ts";
import { planSecrets } from "./place-secrets.ts";
import { lifeOf, lifeUntil, queueFor } from "./preview-life.ts";
import type { PreviewLife } from "./preview-life.ts";
import { neonPart, previewBranchName } from "./preview-neon.ts";
import { onBase } from "./preview-place.ts";
import type { PreviewPlace } from "./preview-place.ts";
import { codePart } from "./preview-workers.ts";
import { summarizeState } from "./state.ts";

export interface PreviewOptions extends PlaceOptions {
  time: ProviderTime;
}

export function previewReconciler(options: PreviewOptions): KindReconciler<PreviewObject> {
  return {
    type: previewType,
    build: (object, signal) => build(object, options, signal),
    standing: (object) => {
      const namespace = object.metadata.namespace ?? "";
      const { name } = object.spec.projectRef;
      const project = options.reader.get<ProjectObject>(projectType, { namespace, name });
      return project ? lifeFieldsOf(object, lifeOf(object, project, options.time.now())) : {};
    },
    deleteDependants: () => Promise.resolve(undefined),
    // Everything of a preview goes: its data are copies.
    disposable: true,
    removalPolicy: () => "Delete",
    state: (object, conditions, previous) =>
      summarizeState(conditions, previous, (object.status?.inventory ?? []).length > 0),
  };
}

function lifeFieldsOf(object: PreviewObject, life: PreviewLife): Record<string, unknown> {
  return {
    activatedAt: life.activatedAt,
    activatedGeneration: object.metadata.generation ?? 1,
    expiresAt: life.expiresAt,
    branch: object.spec.branch,
  };
}

async function build(
  object: PreviewObject,
  options: PreviewOptions,
  signal: AbortSignal,
): Promise<Blueprint> {
  const place = placeOf(object, options, signal);
  const now = options.time.now();
  const life = lifeOf(object, place.project, now);
  if (life.expired) {
    if (!options.time.isKnown) holdOn(object);
    return archived(lifeFieldsOf(object, life));
  }
  const waiting = queued(place, lifeFieldsOf(object, life));
  if (waiting) return waiting;
  const preview = onBase(place, life);
  const neon = await neonPart(preview);
  const planned = await planSecrets(
    place,
    (preview.base.spec.secrets ?? []).filter(
      (secret) => secret.previews && (secret.from.neon === undefined || neon.database !== undefined),
    ),
    neon.database,
  );
  return {
    nodes: [...neon.nodes, ...planned.nodes, ...(await codePart(preview, planned.secrets))],
    project: (results) => ({
      ...lifeFieldsOf(object, lifeFound(preview, results, now)),
      queuePosition: undefined,
      ...previewStatus(preview, results),
    }),
    requeueAfter: (results) => Math.min(lifeFound(preview, results, now).remaining, 2 ** 31 - 1),
  };
}

type Results = Parameters<Blueprint["project"]>[0];

/** A branch that was recognised and not made has a lease from before the status was lost: the life goes on to its end. */
function lifeFound({ life, object, project }: PreviewPlace, results: Results, now: number): PreviewLife {
  const lease = results.get(BRANCH)?.outputs?.["expiresAt"];
  if (typeof lease !== "string" || entryOf(object, BRANCH)?.data?.["lease"] !== undefined) return life;
  return lifeUntil(lease, object, project, now);
}

/** Nothing is removed because of this machine's clock alone. @throws FlaresmithError DEPENDENCY_NOT_READY while there is anything */
function holdOn({ metadata, status }: PreviewObject): void {
  if ((status?.inventory ?? []).length === 0) return;
  throw new FlaresmithError({
    code: "DEPENDENCY_NOT_READY",
    message: `Preview ${metadata.name} has expired by the clock of this machine; what it holds is removed when a provider's clock says so too`,
    hint: "Work continues by itself.",
  });
}

function archived(lifeFields: Record<string, unknown>): Blueprint {
  const { conditionReason, hint } = errorCodes.ENV_PREVIEW_EXPIRED;
  const part = {
    type: "Alive",
    status: "False" as const,
    reason: conditionReason,
    message: `The preview expired. ${hint}`,
    waitsFor: "person" as const,
  };
  return {
    nodes: [],
    project: () => ({
      ...lifeFields,
      url: undefined,
      urls: undefined,
      neonBranch: undefined,
      queuePosition: undefined,
    }),
    archive: { why: "the preview expired", state: "archived", parts: [part] },
  };
}

/** Undefined when the preview may begin. */
function queued(
  { namespace, object, options, project }: Place<PreviewObject>,
  lifeFields: Record<string, unknown>,
): Blueprint | undefined {
  const siblings = options.reader
    .ofProject<PreviewObject>(previewType, namespace, project.metadata.name)
    .filter((other) => other.metadata.deletionTimestamp === undefined);
  const max = project.spec.previews?.max ?? 15;
  const { active, position } = queueFor(object, siblings, max);
  if (position === 0) return undefined;
  const { conditionReason, hint } = errorCodes.ENV_PREVIEW_LIMIT_REACHED;
  const { name } = project.metadata;
  const many = `${active} active preview${active === 1 ? "" : "s"}`;
  const message =
    max === 0
      ? `Project ${name} allows no previews: its spec.previews.max is 0. Raise it, or delete this Preview.`
      : `Project ${name} has ${many}, and its spec.previews.max is ${max}: this one waits at place ${position}. ${hint}`;
  const part = { type: "Admitted", status: "False" as const, reason: conditionReason, message };
  return {
    nodes: [],
    project: () => ({ ...lifeFields, queuePosition: position }),
    // A place becomes free by itself where there is one at all.
    parts: [max === 0 ? { ...part, waitsFor: "person" } : part],
  };
}

function previewStatus(place: PreviewPlace, results: Results): Record<string, unknown> {
  const { object, project } = place;
  const deployments = (project.spec.cloudflare?.workers ?? []).map(({ name }) =>
    results.get(slotOf("cloudflarePreview", name)),
  );
  const urls = deployments.flatMap((result) => {
    const url = result?.outputs?.["url"];
    return typeof url === "string" ? [url] : [];
  });
  const known = urls.length === 0 ? (object.status?.urls ?? []) : urls;
  const deployed =
    deployments.length > 0 &&
    deployments.every((result) => result?.outputs !== undefined && result.status === "ready");
  const sha =
    deployments.length === 0
      ? results.get(REVISION)?.outputs?.["sha"]
      : deployed
        ? deployments[0]?.outputs?.["revision"]
        : undefined;
  return {
    url: known[0],
    urls: known.length === 0 ? undefined : known,
    revision: sha ?? object.status?.revision,
    neonBranch:
      previewBranchName(place) === undefined
        ? undefined
        : (results.get(BRANCH)?.outputs?.["branchName"] ?? object.status?.neonBranch),
  };
}
