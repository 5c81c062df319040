/** An Environment: a git branch, a GitHub environment, a Neon branch and one deployment of each Worker. */
import { FlaresmithError } from "../controller/runtime/errors.ts";
import { parseDuration } from "../controller/runtime/duration.ts";
import type { SecretValue } from "../controller/runtime/secret-value.ts";
import type { ResourceClient } from "../controller/store/resource-client.ts";
import type { CloudflareClient } from "./cloudflare/client.ts";
import { domains, routes, schedules, worker, workerName, workerSubdomain } from "./cloudflare/index.ts";
import type { ConnectionRegistry } from "./connections.ts";
import { connected } from "./connections.ts";
import { deleteObjects } from "./dependants.ts";
import {
  REPOSITORY,
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
import type { Blueprint, KindReconciler } from "./engine/reconcile-object.ts";
import {
  environment as githubEnvironment,
  gitBranch,
  secrets as githubSecrets,
  variables as githubVariables,
} from "./github/index.ts";
import type { GitHubClient } from "./github/client.ts";
import { entryOf, idempotencyKey, shortName, slotOf } from "./names.ts";
import type { NeonClient } from "./neon/client.ts";
import { branch as neonBranch, database as neonDatabase, rootBranch } from "./neon/index.ts";
import { environmentType, previewType, projectType } from "./objects.ts";
import type { EnvironmentObject, ObjectReader, PreviewObject, ProjectObject } from "./objects.ts";
import { planSecrets } from "./place-secrets.ts";
import type { DatabaseOfPlace } from "./place-secrets.ts";
import { ownsRepository } from "./project.ts";
import { summarizeState } from "./state.ts";

export interface EnvironmentOptions {
  client: ResourceClient;
  reader: ObjectReader;
  connections: ConnectionRegistry;
  makeSecret(plaintext: string): SecretValue;
}

/** Types that law 5 orphans by default; the Workers of a Production stage join them. */
const ORPHANED = ["branch", "gitBranch", "kvNamespace", "r2Bucket", "database"];

export function environmentReconciler(options: EnvironmentOptions): KindReconciler<EnvironmentObject> {
  return {
    type: environmentType,
    build: (object, signal) => build(object, options, signal),
    deleteDependants: (object, signal) => deletePreviews(object, options, signal),
    removalPolicy: (object, entry) => {
      const kept =
        ORPHANED.includes(entry.type) ||
        (object.spec.stage === "Production" && entry.provider === "cloudflare");
      return kept ? object.spec.deletionPolicy : "Delete";
    },
    state: (object, conditions, previous) =>
      summarizeState(conditions, previous, (object.status?.inventory ?? []).length > 0),
  };
}

/** The project an Environment or Preview belongs to. @throws FlaresmithError SPEC_REFERENCE_MISSING */
export function projectOf(object: EnvironmentObject | PreviewObject, reader: ObjectReader): ProjectObject {
  const namespace = object.metadata.namespace ?? "";
  const project = reader.get<ProjectObject>(projectType, { namespace, name: object.spec.projectRef.name });
  if (project) return project;
  throw new FlaresmithError({
    code: "SPEC_REFERENCE_MISSING",
    message: `Project ${object.spec.projectRef.name} does not exist in namespace ${namespace}`,
    field: "spec.projectRef.name",
    hint: "Create the Project, or correct the name.",
  });
}

/** The Neon branch that an Environment has, by its spec alone; undefined when the project uses no Neon. */
export function neonBranchName(object: EnvironmentObject, project: ProjectObject): string | undefined {
  const neon = project.spec.neon;
  if (!neon) return undefined;
  const short = shortName(object.metadata.name, project.metadata.name);
  return object.spec.neon?.branch ?? (object.spec.stage === "Production" ? neon.branch : short);
}

/** Everything that the parts of an environment's graph share. */
interface Scene {
  object: EnvironmentObject;
  project: ProjectObject;
  options: EnvironmentOptions;
  signal: AbortSignal;
  namespace: string;
  short: string;
  keyOf(segment: string, logical?: string): string;
}

async function build(
  object: EnvironmentObject,
  options: EnvironmentOptions,
  signal: AbortSignal,
): Promise<Blueprint> {
  const project = projectOf(object, options.reader);
  const namespace = object.metadata.namespace ?? "";
  const short = shortName(object.metadata.name, project.metadata.name);
  const keyOf = (segment: string, logical?: string): string =>
    idempotencyKey({
      namespace,
      project: project.metadata.name,
      segment,
      environment: short,
      ...(logical === undefined ? {} : { logical }),
    });
  const scene: Scene = { object, project, options, signal, namespace, short, keyOf };
  const neon = await neonPart(scene);
  const planned = await planSecrets({
    secrets: object.spec.secrets ?? [],
    database: neon.database,
    reader: options.reader,
    namespace,
    make: options.makeSecret,
    signal,
  });
  const github = await githubConnection(scene);
  const nodes = [
    ...neon.nodes,
    ...planned.nodes,
    ...(github === undefined ? [] : githubPart(scene, github, planned.secrets)),
    ...(await cloudflarePart(scene, github, planned.secrets)),
  ];
  return { nodes, project: (results) => environmentStatus(scene, results, planned.secrets) };
}

async function githubConnection(scene: Scene): Promise<Connected<GitHubClient> | undefined> {
  const spec = scene.project.spec.github;
  if (!spec) return undefined;
  const { connections } = scene.options;
  return connected<GitHubClient>(
    await connections.resolve(
      spec.connectionRef,
      scene.namespace,
      "GitHub",
      "spec.github.connectionRef of the Project",
      scene.signal,
    ),
  );
}

function githubPart(
  scene: Scene,
  connection: Connected<GitHubClient>,
  secrets: readonly PlannedSecret[],
): GraphNode[] {
  const { keyOf, object, project, short } = scene;
  const { deploy, github } = object.spec;
  const ours = ownsRepository(project);
  const nodes: GraphNode[] = [repositoryNode(project, connection)];
  const common = { connection, needs: [REPOSITORY] };
  if (deploy?.branch !== undefined) {
    const name = deploy.branch;
    nodes.push(
      resource({
        ...common,
        slot: "gitBranch",
        definition: gitBranch,
        key: keyOf(gitBranch.segment),
        parent: { ours },
        removal: object.spec.deletionPolicy,
        desired: (inputs) => ({
          repository: input<string>(inputs, REPOSITORY, "fullName"),
          name,
          from: input<string>(inputs, REPOSITORY, "defaultBranch"),
        }),
      }),
      revisionNode(connection, name, ["gitBranch"]),
    );
  }
  if (deploy?.revision !== undefined) nodes.push(fixedRevisionNode(connection, deploy.revision));
  const toGitHub = secrets.filter((secret) => secret.to.includes("GitHub"));
  if (!github && toGitHub.length === 0) return nodes;
  const name = github?.environment ?? short;
  const place = (inputs: Parameters<typeof input>[0]): { repository: string; environment: string } => ({
    repository: input<string>(inputs, REPOSITORY, "fullName"),
    environment: name,
  });
  const ENVIRONMENT = "githubEnvironment";
  nodes.push(
    resource({
      ...common,
      slot: ENVIRONMENT,
      definition: githubEnvironment,
      key: keyOf(githubEnvironment.segment),
      parent: { ours },
      removal: "Delete",
      desired: (inputs) => ({
        repository: input<string>(inputs, REPOSITORY, "fullName"),
        name,
        reviewers: github?.reviewers,
        waitTimer: github?.waitTimer,
        preventSelfReview: github?.preventSelfReview,
        branchPolicies: github?.branchPolicies,
      }),
    }),
  );
  const child = { connection, parent: { slot: ENVIRONMENT }, removal: "Delete" as const };
  const declared = github?.variables;
  if (declared) {
    const values = Object.fromEntries(declared.map((one) => [one.name, one.value] as const));
    nodes.push(
      resource({
        ...child,
        slot: "githubVariables",
        definition: githubVariables,
        key: keyOf(githubVariables.segment),
        needs: [REPOSITORY],
        desired: (inputs) => ({ ...place(inputs), values }),
      }),
    );
  }
  if (toGitHub.length > 0) {
    nodes.push(
      resource({
        ...child,
        slot: "githubSecrets",
        definition: githubSecrets,
        key: keyOf(githubSecrets.segment),
        needs: [REPOSITORY, ...toGitHub.flatMap((secret) => secret.needs)],
        desired: (inputs) => ({ ...place(inputs), values: secretValuesFor(secrets, "GitHub", inputs) }),
      }),
    );
  }
  return nodes;
}

async function neonPart(
  scene: Scene,
): Promise<{ nodes: GraphNode[]; database: DatabaseOfPlace | undefined }> {
  const { keyOf, namespace, object, options, project, signal } = scene;
  const spec = project.spec.neon;
  const name = neonBranchName(object, project);
  if (!spec || name === undefined) return { nodes: [], database: undefined };
  const resolved = connected<NeonClient>(
    await options.connections.resolve(
      spec.connectionRef,
      namespace,
      "Neon",
      "spec.neon.connectionRef of the Project",
      signal,
    ),
  );
  const waiting = dependency(project, "neonProject", "the Neon project");
  const connection = resolved instanceof FlaresmithError ? resolved : (waiting ?? resolved);
  const projectId = entryOf(project, "neonProject")?.id ?? "";
  const { compute, parent, protected: isProtected } = object.spec.neon ?? {};
  const settings = {
    projectId,
    name,
    protected: isProtected,
    compute: compute && {
      min: compute.min,
      max: compute.max,
      suspendAfterSeconds:
        compute.suspendAfter === undefined
          ? undefined
          : compute.suspendAfter === "Never"
            ? -1
            : parseDuration(compute.suspendAfter) / 1000,
    },
  };
  const BRANCH = "neonBranch";
  const branchNode =
    name === spec.branch
      ? resource({
          slot: BRANCH,
          definition: rootBranch,
          connection,
          key: keyOf(rootBranch.segment),
          parent: { ours: true },
          removal: "Delete",
          desired: () => settings,
        })
      : resource({
          slot: BRANCH,
          definition: neonBranch,
          connection,
          key: keyOf(neonBranch.segment),
          removal: object.spec.deletionPolicy,
          desired: () => ({ ...settings, parent: parent ?? spec.branch, init: "parent-data" as const }),
        });
  const DATABASE = "neonDatabase";
  const databaseNode = resource({
    slot: DATABASE,
    definition: neonDatabase,
    connection,
    key: keyOf(neonDatabase.segment),
    parent: { slot: BRANCH },
    removal: object.spec.deletionPolicy,
    desired: (inputs) => ({
      projectId,
      branchId: input<string>(inputs, BRANCH, "branchId"),
      role: spec.role,
      database: spec.database,
    }),
  });
  const database: DatabaseOfPlace = {
    connection,
    projectId,
    branchSlot: BRANCH,
    needs: [DATABASE],
    database: spec.database,
    role: spec.role,
  };
  return { nodes: [branchNode, databaseNode], database };
}

async function cloudflarePart(
  scene: Scene,
  github: Connected<GitHubClient> | undefined,
  secrets: readonly PlannedSecret[],
): Promise<GraphNode[]> {
  const { namespace, object, options, project, short, signal } = scene;
  const spec = project.spec.cloudflare;
  if (!spec) return [];
  const connection = connected<CloudflareClient>(
    await options.connections.resolve(
      spec.connectionRef,
      namespace,
      "Cloudflare",
      "spec.cloudflare.connectionRef of the Project",
      signal,
    ),
  );
  const names = object.spec.cloudflare?.names ?? {};
  const physical = (logical: string): string =>
    names[logical] ?? workerName(project.metadata.name, logical, short);
  const storage = storageNodes({
    project,
    cloudflare: connection,
    scope: "Environment",
    place: short,
    names,
    removal: object.spec.deletionPolicy,
    ephemeral: false,
  });
  if (github === undefined || object.spec.deploy === undefined) return storage;
  return [
    ...storage,
    ...(spec.workers ?? []).flatMap((one) =>
      workerNodes(scene, one, { connection, github, physical, secrets }),
    ),
  ];
}

interface WorkerParts {
  connection: Connected<CloudflareClient>;
  github: Connected<GitHubClient>;
  secrets: readonly PlannedSecret[];
  physical(logical: string): string;
}

function workerNodes(
  scene: Scene,
  declared: { name: string; code: { path: string } },
  parts: WorkerParts,
): GraphNode[] {
  const { keyOf, object, project, short } = scene;
  const { connection, github, physical, secrets } = parts;
  const { name } = declared;
  const settings = object.spec.cloudflare?.workers?.find((one) => one.name === name);
  const field = `spec.cloudflare.workers[${name}]`;
  const bindings = planBindings(project, settings?.bindings ?? [], field, physical);
  const bundle = bundleNode(github, declared);
  const WORKER = slotOf("cloudflareWorker", name);
  const accountId = connection instanceof FlaresmithError ? "" : connection.account;
  const scriptName = physical(name);
  const removal = object.spec.stage === "Production" ? object.spec.deletionPolicy : ("Delete" as const);
  const toWorker = secrets.filter((secret) => secret.to.includes("Worker"));
  const neonBranchOf = neonBranchName(object, project);
  const child = { connection, parent: { slot: WORKER }, removal };
  const nodes: GraphNode[] = [
    bundle,
    resource({
      slot: WORKER,
      definition: worker,
      connection,
      key: keyOf(worker.segment, name),
      removal,
      needs: [REVISION, bundle.slot, ...bindings.needs, ...toWorker.flatMap((secret) => secret.needs)],
      desired: (inputs) => {
        const sha = input<string>(inputs, REVISION, "sha");
        return {
          accountId,
          scriptName,
          bundle: bundleOf(inputs, declared),
          vars: variableValues(settings, {
            project: project.metadata.name,
            environment: short,
            stage: object.spec.stage,
            revision: sha,
            neonBranch: neonBranchOf,
          }),
          secrets: secretValuesFor(secrets, "Worker", inputs),
          bindings: bindings.resolve(inputs),
          bindingsPolicy: object.spec.cloudflare?.bindingsPolicy ?? "Preserve",
          revision: sha,
          message: `${object.kind} ${object.metadata.name}`,
        };
      },
    }),
    resource({
      ...child,
      slot: slotOf("cloudflareWorkersDev", name),
      definition: workerSubdomain,
      key: keyOf(workerSubdomain.segment, name),
      desired: () => ({
        accountId,
        scriptName,
        enabled: settings?.workersDev ?? true,
        previewsEnabled: true,
      }),
    }),
  ];
  if (settings?.crons) {
    const { crons } = settings;
    const desired = (): { accountId: string; scriptName: string; crons: readonly string[] } => ({
      accountId,
      scriptName,
      crons,
    });
    nodes.push(
      resource({
        ...child,
        slot: slotOf("cloudflareSchedules", name),
        definition: schedules,
        key: keyOf(schedules.segment, name),
        desired,
      }),
    );
  }
  if (settings?.routes) {
    const wanted = settings.routes;
    const desired = () => ({ accountId, scriptName, routes: wanted });
    nodes.push(
      resource({
        ...child,
        slot: slotOf("cloudflareRoutes", name),
        definition: routes,
        key: keyOf(routes.segment, name),
        desired,
      }),
    );
  }
  if (settings?.domains) {
    const wanted = settings.domains;
    const desired = () => ({ accountId, scriptName, domains: wanted });
    nodes.push(
      resource({
        ...child,
        slot: slotOf("cloudflareDomains", name),
        definition: domains,
        key: keyOf(domains.segment, name),
        desired,
      }),
    );
  }
  return nodes;
}

function environmentStatus(
  { object, project }: Scene,
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
    revision: sha ?? object.status?.revision,
    neonBranch:
      results.get("neonBranch")?.outputs?.["branchName"] ??
      (project.spec.neon ? object.status?.neonBranch : undefined),
    secrets:
      secrets.length === 0 ? undefined : secrets.map(({ name, from, to }) => ({ name, from, to: [...to] })),
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
