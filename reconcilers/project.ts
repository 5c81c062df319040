/** A Project: repository, Neon project and what its environments share. */
import { FlaresmithError } from "../controller/runtime/errors.ts";
import { parseDuration } from "../controller/runtime/duration.ts";
import type { SecretValue } from "../controller/runtime/secret-value.ts";
import type { ResourceClient } from "../controller/store/resource-client.ts";
import type { CloudflareClient } from "./cloudflare/client.ts";
import type { ConnectionRegistry } from "./connections.ts";
import { connected } from "./connections.ts";
import { deleteObjects } from "./dependants.ts";
import { storageNodes } from "./deployment.ts";
import { input, resource } from "./engine/graph.ts";
import type { ConnectionHandle, GraphNode } from "./engine/graph.ts";
import type { Blueprint, KindReconciler } from "./engine/kind.ts";
import type { InventoryEntry } from "./engine/resource.ts";
import type { GitHubClient } from "./github/client.ts";
import { repository, ruleset, secrets, seedFiles, variables, webhook } from "./github/index.ts";
import { entryOf, idempotencyKey, slotOf } from "./names.ts";
import type { NeonClient } from "./neon/client.ts";
import { project as neonProject } from "./neon/index.ts";
import { environmentType, previewType, projectType } from "./objects.ts";
import type { EnvironmentObject, ObjectReader, PreviewObject, ProjectObject } from "./objects.ts";
import type { ResolvedSecret } from "./secrets.ts";
import { readSecret, revealed } from "./secrets.ts";
import { summarizeState } from "./state.ts";

export interface ProjectOptions {
  client: ResourceClient;
  reader: ObjectReader;
  connections: ConnectionRegistry;
  makeSecret: (plaintext: string) => SecretValue;
  /** Where GitHub can reach the webhook listener, without path; repositories get no webhook without it. */
  publicUrl: string | undefined;
}

const HOOK_EVENTS = [
  "create",
  "delete",
  "pull_request",
  "push",
  "repository",
  "repository_ruleset",
  "workflow_run",
];

/** @throws FlaresmithError out of `build` for references that cannot be resolved at all */
export function projectReconciler(options: ProjectOptions): KindReconciler<ProjectObject> {
  return {
    type: projectType,
    build: async (object, signal) => {
      const nodes = [
        ...(await githubNodes(object, options, signal)),
        ...(await neonNodes(object, options, signal)),
        ...(await cloudflareNodes(object, options, signal)),
      ];
      return { nodes, project: (results) => projectStatus(object, results) };
    },
    deleteDependants: (object, signal) => deleteDependants(object, options, signal),
    removalPolicy,
    state: (object, conditions, previous) =>
      summarizeState(conditions, previous, (object.status?.inventory ?? []).length > 0),
  };
}

/** The orphan list of law 5: repository, Neon project, KV and R2; what only configures them goes. */
function removalPolicy({ spec }: ProjectObject, { type }: InventoryEntry): "Orphan" | "Delete" {
  // Who goes from managing a repository to referring to it still uses it.
  if (type === "repository" && spec.github?.mode === "Reference") return "Orphan";
  return ["repository", "project", "kvNamespace", "r2Bucket"].includes(type) ? spec.deletionPolicy : "Delete";
}

function projectStatus(
  object: ProjectObject,
  results: Parameters<Blueprint["project"]>[0],
): Record<string, unknown> {
  const github = results.get("githubRepo")?.outputs;
  const neon = results.get("neonProject")?.outputs;
  return {
    // What was not looked at in this pass keeps its last value; what left the spec goes.
    repositoryUrl: object.spec.github ? (github?.["url"] ?? object.status?.repositoryUrl) : undefined,
    neonProject: object.spec.neon ? (neon?.["projectId"] ?? object.status?.neonProject) : undefined,
  };
}

async function githubNodes(
  object: ProjectObject,
  options: ProjectOptions,
  signal: AbortSignal,
): Promise<GraphNode[]> {
  const spec = object.spec.github;
  if (!spec || spec.mode === "Reference") return [];
  const namespace = object.metadata.namespace ?? "";
  const project = object.metadata.name;
  const resolved = await options.connections.resolve(
    spec.connectionRef,
    namespace,
    "GitHub",
    "spec.github.connectionRef",
    signal,
  );
  const connection = connected<GitHubClient>(resolved);
  const owner = spec.owner ?? (connection instanceof FlaresmithError ? "" : connection.account);
  const keyOf = (segment: string, logical?: string): string =>
    idempotencyKey({ namespace, project, segment, ...(logical === undefined ? {} : { logical }) });
  const REPO = "githubRepo";
  const child = { connection, parent: { slot: REPO }, removal: "Delete" as const };
  const nodes: GraphNode[] = [
    resource({
      slot: REPO,
      definition: repository,
      connection,
      key: keyOf(repository.segment),
      removal: object.spec.deletionPolicy,
      desired: () => ({
        owner,
        name: spec.repository,
        template: spec.template,
        visibility: spec.visibility,
        description: spec.description,
        topics: spec.topics,
        defaultBranch: spec.defaultBranch,
        settings: spec.settings,
      }),
    }),
  ];
  if (spec.files && spec.files.length > 0) {
    const files = spec.files;
    nodes.push(
      resource({
        ...child,
        slot: "githubFiles",
        definition: seedFiles,
        key: keyOf(seedFiles.segment),
        desired: (inputs) => ({
          repository: input<string>(inputs, REPO, "fullName"),
          branch: input<string>(inputs, REPO, "defaultBranch"),
          files,
        }),
      }),
    );
  }
  if (spec.variables) {
    const values = Object.fromEntries(spec.variables.map(({ name, value }) => [name, value] as const));
    nodes.push(
      resource({
        ...child,
        slot: "githubVariables",
        definition: variables,
        key: keyOf(variables.segment),
        desired: (inputs) => ({ repository: input<string>(inputs, REPO, "fullName"), values }),
      }),
    );
  }
  if (spec.secrets) {
    const values: [string, ResolvedSecret][] = await Promise.all(
      spec.secrets.map(async ({ name, secretRef }) => {
        const field = `spec.github.secrets[${name}].secretRef`;
        const make = options.makeSecret;
        return [
          name,
          await readSecret({ reader: options.reader, namespace, reference: secretRef, field, make, signal }),
        ] as [string, ResolvedSecret];
      }),
    );
    nodes.push(
      resource({
        ...child,
        slot: "githubSecrets",
        definition: secrets,
        key: keyOf(secrets.segment),
        desired: (inputs) => ({
          repository: input<string>(inputs, REPO, "fullName"),
          values: Object.fromEntries(values.map(([name, secret]) => [name, revealed(secret)] as const)),
        }),
      }),
    );
  }
  const hook = options.publicUrl === undefined ? undefined : await hookSecret(object, options, signal);
  if (hook) {
    nodes.push(
      resource({
        ...child,
        slot: "githubWebhook",
        definition: webhook,
        key: keyOf(webhook.segment),
        desired: (inputs) => ({
          repository: input<string>(inputs, REPO, "fullName"),
          url: `${(options.publicUrl ?? "").replace(/\/+$/, "")}/webhooks/github`,
          secret: hook,
          events: HOOK_EVENTS,
        }),
      }),
    );
  }
  // Rulesets come last: before, they would block our own seeding.
  const before = nodes.map((node) => node.slot);
  for (const one of spec.rulesets ?? []) {
    nodes.push(
      resource({
        ...child,
        slot: slotOf("githubRuleset", one.name),
        definition: ruleset,
        key: keyOf(ruleset.segment, one.name),
        needs: before,
        desired: (inputs) => ({ repository: input<string>(inputs, REPO, "fullName"), ruleset: one }),
      }),
    );
  }
  return nodes;
}

/** The webhook secret lies with the Connection's credentials; of several, for rotation, the first is written. */
async function hookSecret(
  object: ProjectObject,
  options: ProjectOptions,
  signal: AbortSignal,
): Promise<SecretValue | undefined> {
  const reference = object.spec.github?.connectionRef;
  if (!reference) return undefined;
  const key = { namespace: reference.namespace ?? object.metadata.namespace ?? "", name: reference.name };
  const credentials = await options.connections.credentials(key, signal);
  const first = credentials?.["webhookSecret"]?.split(/\s+/).find((part) => part !== "");
  return first === undefined ? undefined : options.makeSecret(first);
}

async function neonNodes(
  object: ProjectObject,
  options: ProjectOptions,
  signal: AbortSignal,
): Promise<GraphNode[]> {
  const spec = object.spec.neon;
  if (!spec) return [];
  const namespace = object.metadata.namespace ?? "";
  const resolved = await options.connections.resolve(
    spec.connectionRef,
    namespace,
    "Neon",
    "spec.neon.connectionRef",
    signal,
  );
  const connection: ConnectionHandle<NeonClient> | FlaresmithError = connected<NeonClient>(resolved);
  return [
    resource({
      slot: "neonProject",
      definition: neonProject,
      connection,
      key: idempotencyKey({ namespace, project: object.metadata.name, segment: neonProject.segment }),
      removal: object.spec.deletionPolicy,
      desired: () => ({
        orgId: connection instanceof FlaresmithError ? "" : connection.account,
        name: object.metadata.name,
        region: spec.region,
        postgresVersion: spec.postgresVersion,
        branch: spec.branch,
        database: spec.database,
        role: spec.role,
        historyRetention:
          spec.historyRetention === undefined ? undefined : parseDuration(spec.historyRetention) / 1000,
        settings: spec.settings,
      }),
    }),
  ];
}

async function cloudflareNodes(
  object: ProjectObject,
  options: ProjectOptions,
  signal: AbortSignal,
): Promise<GraphNode[]> {
  const spec = object.spec.cloudflare;
  const shared = [...(spec?.kv ?? []), ...(spec?.r2 ?? [])].some((one) => one.scope === "Project");
  if (!spec || !shared) return [];
  const namespace = object.metadata.namespace ?? "";
  const resolved = await options.connections.resolve(
    spec.connectionRef,
    namespace,
    "Cloudflare",
    "spec.cloudflare.connectionRef",
    signal,
  );
  return storageNodes({
    project: object,
    cloudflare: connected<CloudflareClient>(resolved),
    scope: "Project",
    place: undefined,
    removal: object.spec.deletionPolicy,
    ephemeral: false,
  });
}

/** Previews first, then environments. Read from the store, not from a cache: what was just created must not stay behind. */
async function deleteDependants(
  object: ProjectObject,
  options: ProjectOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const namespace = object.metadata.namespace ?? "";
  const ofProject = (other: PreviewObject | EnvironmentObject): boolean =>
    other.spec.projectRef.name === object.metadata.name;
  const previews = await options.client.list<PreviewObject>(previewType, { namespace }, signal);
  const waiting = await deleteObjects(options.client, previewType, previews.items.filter(ofProject), signal);
  if (waiting !== undefined) return waiting;
  const environments = await options.client.list<EnvironmentObject>(environmentType, { namespace }, signal);
  return deleteObjects(options.client, environmentType, environments.items.filter(ofProject), signal);
}

/** For other kinds: whether the project's repository is one that it made, so that what lies in it is ours. */
export function ownsRepository(project: ProjectObject): boolean {
  return project.spec.github?.mode === "Manage" && entryOf(project, "githubRepo")?.id !== undefined;
}
