/** A Preview: an Environment at another revision, with its own database branch, previews of the Workers and an end. */
import { FlaresmithError, errorCodes } from "../controller/runtime/errors.ts";
import type { Clock } from "../controller/runtime/clock.ts";
import type { SecretValue } from "../controller/runtime/secret-value.ts";
import { preview as workerPreview, previewName, workerName } from "./cloudflare/index.ts";
import type { CloudflareClient } from "./cloudflare/client.ts";
import type { ConnectionRegistry } from "./connections.ts";
import { connected } from "./connections.ts";
import {
  REVISION,
  bundleNode,
  bundleOf,
  dependency,
  fixedRevisionNode,
  planBindings,
  repositoryNode,
  revisionNode,
  secretValuesFor,
  storageNodes,
  variableValues,
} from "./deployment.ts";
import type { Connected, PlannedSecret } from "./deployment.ts";
import { input, resource } from "./engine/graph.ts";
import type { GraphNode } from "./engine/graph.ts";
import type { Blueprint, KindReconciler } from "./engine/kind.ts";
import { neonBranchName, projectOf } from "./environment-scene.ts";
import type { GitHubClient } from "./github/client.ts";
import { entryOf, idempotencyKey, shortName, slotOf } from "./names.ts";
import type { NeonClient } from "./neon/client.ts";
import { branch as neonBranch, database as neonDatabase } from "./neon/index.ts";
import { environmentType, previewType, projectType } from "./objects.ts";
import type { EnvironmentObject, ObjectReader, PreviewObject, ProjectObject } from "./objects.ts";
import { planSecrets } from "./place-secrets.ts";
import type { DatabaseOfPlace } from "./place-secrets.ts";
import { lifeOf, queuePosition } from "./preview-life.ts";
import type { PreviewLife } from "./preview-life.ts";
import { summarizeState } from "./state.ts";

export interface PreviewOptions {
  reader: ObjectReader;
  connections: ConnectionRegistry;
  makeSecret: (plaintext: string) => SecretValue;
  clock: Clock;
}

export function previewReconciler(options: PreviewOptions): KindReconciler<PreviewObject> {
  return {
    type: previewType,
    build: (object, signal) => build(object, options, signal),
    standing: (object) => {
      const namespace = object.metadata.namespace ?? "";
      const { name } = object.spec.projectRef;
      const project = options.reader.get<ProjectObject>(projectType, { namespace, name });
      return project ? lifeFieldsOf(object, lifeOf(object, project, options.clock.now())) : {};
    },
    deleteDependants: () => Promise.resolve(undefined),
    // Everything of a preview goes: its data are copies.
    removalPolicy: () => "Delete",
    state: (object, conditions, previous) =>
      summarizeState(conditions, previous, (object.status?.inventory ?? []).length > 0),
  };
}

/** The Environment that a preview is based on. @throws FlaresmithError */
function baseOf(object: PreviewObject, project: ProjectObject, reader: ObjectReader): EnvironmentObject {
  const namespace = object.metadata.namespace ?? "";
  const name = object.spec.environmentRef?.name ?? project.spec.previews?.environmentRef?.name;
  if (name === undefined) {
    throw new FlaresmithError({
      code: "SPEC_INVALID",
      message: `Preview ${object.metadata.name} has no base`,
      field: "spec.environmentRef",
      hint: `Set spec.environmentRef here, or spec.previews.environmentRef on Project ${project.metadata.name}.`,
    });
  }
  const base = reader.get<EnvironmentObject>(environmentType, { namespace, name });
  if (base && base.spec.projectRef.name === project.metadata.name) return base;
  throw new FlaresmithError({
    code: "SPEC_REFERENCE_MISSING",
    message: base
      ? `Environment ${name} belongs to another Project`
      : `Environment ${name} does not exist in namespace ${namespace}`,
    field: "spec.environmentRef.name",
    hint: "Name an Environment of the same Project.",
  });
}

function lifeFieldsOf(object: PreviewObject, life: PreviewLife): Record<string, unknown> {
  return {
    activatedAt: life.activatedAt,
    activatedGeneration: object.metadata.generation ?? 1,
    expiresAt: life.expiresAt,
    branch: object.spec.branch,
  };
}

interface Scene {
  object: PreviewObject;
  project: ProjectObject;
  base: EnvironmentObject;
  options: PreviewOptions;
  signal: AbortSignal;
  namespace: string;
  short: string;
  expiresAt: string;
  data: "Branch" | "SchemaOnly" | "None";
  keyOf: (segment: string, logical?: string) => string;
}

async function build(
  object: PreviewObject,
  options: PreviewOptions,
  signal: AbortSignal,
): Promise<Blueprint> {
  const project = projectOf(object, options.reader);
  const namespace = object.metadata.namespace ?? "";
  const life = lifeOf(object, project, options.clock.now());
  const lifeFields = lifeFieldsOf(object, life);
  if (life.expired) return archived(lifeFields);
  const siblings = options.reader
    .ofProject<PreviewObject>(previewType, namespace, project.metadata.name)
    .filter((other) => other.metadata.deletionTimestamp === undefined);
  const max = project.spec.previews?.max ?? 15;
  const position = queuePosition(object, siblings, max);
  if (position > 0) return queued(lifeFields, position, max, project);
  const base = baseOf(object, project, options.reader);
  const data = object.spec.data ?? project.spec.previews?.data;
  if (data === undefined && base.spec.stage === "Production" && project.spec.neon) {
    throw new FlaresmithError({
      code: "SPEC_INVALID",
      message: `Preview ${object.metadata.name} is based on ${base.metadata.name}, a Production environment, and does not say what data it may see`,
      field: "spec.data",
      hint: "Set data: Branch (a copy of production's data), SchemaOnly or None on the Preview or under spec.previews of the Project.",
    });
  }
  const short = shortName(object.metadata.name, project.metadata.name);
  const scene: Scene = {
    object,
    project,
    base,
    options,
    signal,
    namespace,
    short,
    expiresAt: life.expiresAt,
    data: data ?? "Branch",
    keyOf: (segment, logical) =>
      idempotencyKey({
        namespace,
        project: project.metadata.name,
        segment,
        environment: short,
        ...(logical === undefined ? {} : { logical }),
      }),
  };
  const neon = await neonPart(scene);
  const planned = await planSecrets({
    secrets: (base.spec.secrets ?? []).filter(
      (secret) => secret.previews && (secret.from.neon === undefined || neon.database !== undefined),
    ),
    database: neon.database,
    reader: options.reader,
    namespace,
    make: options.makeSecret,
    signal,
  });
  const nodes = [...neon.nodes, ...planned.nodes, ...(await codePart(scene, planned.secrets))];
  return {
    nodes,
    project: (results) => ({ ...lifeFields, queuePosition: undefined, ...previewStatus(scene, results) }),
    requeueAfter: Math.min(life.remaining, 2 ** 31 - 1),
  };
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

function queued(
  lifeFields: Record<string, unknown>,
  position: number,
  max: number,
  project: ProjectObject,
): Blueprint {
  const { conditionReason } = errorCodes.ENV_PREVIEW_LIMIT_REACHED;
  const message = `Project ${project.metadata.name} has ${max} active previews, its spec.previews.max; this one waits at place ${position}.`;
  return {
    nodes: [],
    project: () => ({ ...lifeFields, queuePosition: position }),
    parts: [{ type: "Admitted", status: "False", reason: conditionReason, message }],
  };
}

async function neonPart(
  scene: Scene,
): Promise<{ nodes: GraphNode[]; database: DatabaseOfPlace | undefined }> {
  const { base, data, expiresAt, keyOf, namespace, options, project, short, signal } = scene;
  const spec = project.spec.neon;
  if (!spec || data === "None") return { nodes: [], database: undefined };
  const resolved = connected<NeonClient>(
    await options.connections.resolve(
      spec.connectionRef,
      namespace,
      "Neon",
      "spec.neon.connectionRef of the Project",
      signal,
    ),
  );
  const waiting =
    dependency(project, "neonProject", "the Neon project") ??
    dependency(base, "neonBranch", "the Neon branch");
  const connection = resolved instanceof FlaresmithError ? resolved : (waiting ?? resolved);
  const projectId = entryOf(project, "neonProject")?.id ?? "";
  const BRANCH = "neonBranch";
  const DATABASE = "neonDatabase";
  const nodes: GraphNode[] = [
    resource({
      slot: BRANCH,
      definition: neonBranch,
      connection,
      key: keyOf(neonBranch.segment),
      removal: "Delete",
      ephemeral: true,
      desired: () => ({
        projectId,
        name: `preview/${short}`,
        parent: neonBranchName(base, project) ?? spec.branch,
        expiresAt,
        init: data === "SchemaOnly" ? ("schema-only" as const) : ("parent-data" as const),
        protected: undefined,
        compute: undefined,
      }),
    }),
    resource({
      slot: DATABASE,
      definition: neonDatabase,
      connection,
      key: keyOf(neonDatabase.segment),
      parent: { slot: BRANCH },
      removal: "Delete",
      ephemeral: true,
      desired: (inputs) => ({
        projectId,
        branchId: input<string>(inputs, BRANCH, "branchId"),
        role: spec.role,
        database: spec.database,
      }),
    }),
  ];
  const database: DatabaseOfPlace = {
    connection,
    projectId,
    branchSlot: BRANCH,
    needs: [DATABASE],
    database: spec.database,
    role: spec.role,
  };
  return { nodes, database };
}

async function codePart(scene: Scene, secrets: readonly PlannedSecret[]): Promise<GraphNode[]> {
  const { namespace, object, options, project, short, signal } = scene;
  const { cloudflare, github } = project.spec;
  if (!github) return [];
  const { connections } = options;
  const code = connected<GitHubClient>(
    await connections.resolve(
      github.connectionRef,
      namespace,
      "GitHub",
      "spec.github.connectionRef of the Project",
      signal,
    ),
  );
  const revisionOf =
    object.spec.revision === undefined
      ? revisionNode(code, object.spec.branch, [])
      : fixedRevisionNode(code, object.spec.revision);
  const nodes: GraphNode[] = [repositoryNode(project, code), revisionOf];
  if (!cloudflare) return nodes;
  const connection = connected<CloudflareClient>(
    await connections.resolve(
      cloudflare.connectionRef,
      namespace,
      "Cloudflare",
      "spec.cloudflare.connectionRef of the Project",
      signal,
    ),
  );
  const storage = storageNodes({
    project,
    cloudflare: connection,
    scope: "Environment",
    place: short,
    removal: "Delete",
    ephemeral: true,
  });
  const workers = (cloudflare.workers ?? []).flatMap((one) =>
    previewNodes(scene, one, connection, code, secrets),
  );
  return [...nodes, ...storage, ...workers];
}

function previewNodes(
  scene: Scene,
  declared: { name: string; code: { path: string } },
  target: Connected<CloudflareClient>,
  source: Connected<GitHubClient>,
  planned: readonly PlannedSecret[],
): GraphNode[] {
  const { base, data, keyOf, object, project, short } = scene;
  const { name } = declared;
  const baseShort = shortName(base.metadata.name, project.metadata.name);
  const scriptOf = (logical: string): string =>
    base.spec.cloudflare?.names?.[logical] ?? workerName(project.metadata.name, logical, baseShort);
  const settings = base.spec.cloudflare?.workers?.find((one) => one.name === name);
  const bindings = planBindings(
    project,
    settings?.bindings ?? [],
    `spec.cloudflare.workers[${name}]`,
    scriptOf,
  );
  const bundle = bundleNode(source, declared);
  const toWorker = planned.filter((secret) => secret.to.includes("Worker"));
  // The Worker that is previewed must be there first; the base environment's status says so.
  const waiting = dependency(base, slotOf("cloudflareWorker", name), `Worker ${name}`);
  const ready = target instanceof FlaresmithError ? target : (waiting ?? target);
  const neon = project.spec.neon && data !== "None" ? `preview/${short}` : undefined;
  return [
    bundle,
    resource({
      slot: slotOf("cloudflarePreview", name),
      definition: workerPreview,
      connection: ready,
      key: keyOf(workerPreview.segment, name),
      removal: "Delete",
      ephemeral: true,
      needs: [REVISION, bundle.slot, ...bindings.needs, ...toWorker.flatMap((secret) => secret.needs)],
      desired: (inputs) => {
        const sha = input<string>(inputs, REVISION, "sha");
        return {
          accountId: target instanceof FlaresmithError ? "" : target.account,
          workerName: scriptOf(name),
          previewName: previewName(short, scriptOf(name)),
          bundle: bundleOf(inputs, declared),
          vars: variableValues(settings, {
            project: project.metadata.name,
            environment: short,
            stage: "Preview",
            revision: sha,
            neonBranch: neon,
          }),
          secrets: secretValuesFor(planned, "Worker", inputs),
          bindings: bindings.resolve(inputs),
          revision: sha,
          message: `${object.kind} ${object.metadata.name}`,
        };
      },
    }),
  ];
}

function previewStatus(
  { object, project, data }: Scene,
  results: Parameters<Blueprint["project"]>[0],
): Record<string, unknown> {
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
  const hasBranch = project.spec.neon !== undefined && data !== "None";
  return {
    url: known[0],
    urls: known.length === 0 ? undefined : known,
    revision: sha ?? object.status?.revision,
    neonBranch: hasBranch
      ? (results.get("neonBranch")?.outputs?.["branchName"] ?? object.status?.neonBranch)
      : undefined,
  };
}
