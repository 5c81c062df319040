/** What Environment and Preview have in common: where code, database and targets of a deployment come from. */
import type { WorkerSettings } from "../crds/environment.ts";
import { isTrue } from "../controller/runtime/conditions.ts";
import { FlaresmithError, isFlaresmithError } from "../controller/runtime/errors.ts";
import type { SecretValue } from "../controller/runtime/secret-value.ts";
import { readBundle } from "./cloudflare/bundle.ts";
import type { Bundle, WorkerBinding } from "./cloudflare/types.ts";
import { kvNamespace, kvNamespaceTitle, r2Bucket, r2BucketName } from "./cloudflare/index.ts";
import type { CloudflareClient } from "./cloudflare/client.ts";
import { input, lookup, resource } from "./engine/graph.ts";
import type { ConnectionHandle, GraphNode, Inputs } from "./engine/graph.ts";
import { commitFiles, repositoryLookup, revision } from "./github/index.ts";
import type { GitHubClient } from "./github/client.ts";
import type { CommitFile } from "./github/types.ts";
import { chosenName, entryOf, idempotencyKey, slotOf } from "./names.ts";
import type { EnvironmentObject, ProjectObject } from "./objects.ts";

export type Connected<Client> = ConnectionHandle<Client> | FlaresmithError;

/** What another object makes must be there before this one can use it; that object's status says so. */
export function dependency(
  owner: ProjectObject | EnvironmentObject,
  slot: string,
  what: string,
): FlaresmithError | undefined {
  const entry = entryOf(owner, slot);
  if (entry?.id !== undefined && entry.state === "ready") return undefined;
  const stuck = isTrue(owner.status?.conditions ?? [], "Stalled");
  return new FlaresmithError({
    code: "DEPENDENCY_NOT_READY",
    // What waits for the stuck is stuck as well; it is woken when that changes.
    ...(stuck ? { class: "terminal" as const } : {}),
    message: `waits for ${what} of ${owner.kind} ${owner.metadata.name}`,
    hint: `See kubectl describe ${owner.kind.toLowerCase()} ${owner.metadata.name}.`,
  });
}

/** Slots that the nodes here hand outputs under. */
export const REPOSITORY = "repository";
export const REVISION = "revision";

/** The repository, read as it is now: a rename shows, and the default branch is known. */
export function repositoryNode(project: ProjectObject, github: Connected<GitHubClient>): GraphNode {
  const spec = project.spec.github;
  const managed = spec?.mode === "Manage";
  // What is seeded moves the default branch; deploying before would only deploy twice.
  const seeded =
    (spec?.files ?? []).length > 0 ? dependency(project, "githubFiles", "the seeded files") : undefined;
  const waiting = managed ? (dependency(project, "githubRepo", "the repository") ?? seeded) : undefined;
  const entry = entryOf(project, "githubRepo");
  const owner = spec?.owner ?? (github instanceof FlaresmithError ? "" : github.account);
  return lookup({
    slot: REPOSITORY,
    definition: repositoryLookup,
    connection: github instanceof FlaresmithError ? github : (waiting ?? github),
    input: () => ({ owner: entry?.scope ?? owner, name: entry?.name ?? spec?.repository ?? "" }),
  });
}

/**
 * The commit that is deployed, under the slot REVISION as `sha`.
 * @param awaited says who is still to make the branch, when it is missing
 */
export function revisionNode(
  github: Connected<GitHubClient>,
  branch: string,
  needs: readonly string[],
  awaited?: FlaresmithError,
): GraphNode {
  const look: typeof revision.look = (given, context) =>
    revision.look(given, context).catch((error: unknown): never => {
      throw awaited && isFlaresmithError(error, "SPEC_REFERENCE_MISSING") ? awaited : error;
    });
  return lookup({
    slot: REVISION,
    definition: { ...revision, look },
    connection: github,
    needs: [REPOSITORY, ...needs],
    input: (inputs) => ({ repository: input<string>(inputs, REPOSITORY, "fullName"), branch }),
  });
}

/** A commit that the spec names is handed on as if it had been looked up. */
export function fixedRevisionNode(github: Connected<GitHubClient>, sha: string): GraphNode {
  return lookup({
    slot: REVISION,
    definition: {
      provider: "github",
      type: "fixedRevision",
      look: (given: { sha: string }) => Promise.resolve(given),
    },
    connection: github,
    input: () => ({ sha }),
  });
}

/** The files of a Worker's bundle at the deployed commit. */
export function bundleNode(
  github: Connected<GitHubClient>,
  worker: { name: string; code: { path: string } },
): GraphNode {
  return lookup({
    slot: slotOf("bundle", worker.name),
    definition: commitFiles,
    connection: github,
    needs: [REPOSITORY, REVISION],
    input: (inputs) => ({
      repository: input<string>(inputs, REPOSITORY, "fullName"),
      revision: input<string>(inputs, REVISION, "sha"),
      path: worker.code.path,
    }),
  });
}

/** By its files, which stay the same objects as long as they hold the same: to read a bundle is most of a quiet pass. */
const bundles = new WeakMap<readonly CommitFile[], { path: string; bundle: Bundle }>();

/** The bundle that {@link bundleNode} found. @throws FlaresmithError SPEC_BUNDLE_UNSUPPORTED, naming file and key */
export function bundleOf(inputs: Inputs, worker: { name: string; code: { path: string } }): Bundle {
  const slot = slotOf("bundle", worker.name);
  const { path } = worker.code;
  const files = input<readonly CommitFile[]>(inputs, slot, "files");
  const known = bundles.get(files);
  if (known?.path === path) return known.bundle;
  const bundle = readBundle({ files, path, kind: input<"file" | "directory">(inputs, slot, "kind") });
  bundles.set(files, { path, bundle });
  return bundle;
}

const storages = [
  { list: "kv", kind: "kv_namespace", output: "id" },
  { list: "r2", kind: "r2_bucket", output: "name" },
] as const;

/** Slot of a KV namespace or R2 bucket in its owner's inventory. */
function storageSlot(list: "kv" | "r2", name: string): string {
  return slotOf(list === "kv" ? "cloudflareKv" : "cloudflareR2", name);
}

/** Nodes for the KV namespaces and R2 buckets that exist once for this place, or once for the project. */
export function storageNodes(options: {
  project: ProjectObject;
  cloudflare: Connected<CloudflareClient>;
  scope: "Environment" | "Project";
  /** Short name of the place; undefined for the project's own. */
  place: string | undefined;
  /** Physical names by logical name, where the spec says so. */
  names?: Readonly<Record<string, string>>;
  removal: "Orphan" | "Delete";
  ephemeral: boolean;
}): GraphNode[] {
  const { cloudflare, ephemeral, names = {}, place, project, removal, scope } = options;
  const account = cloudflare instanceof FlaresmithError ? "" : cloudflare.account;
  const namespace = project.metadata.namespace ?? "";
  const keyOf = (segment: string, logical: string): string =>
    idempotencyKey({
      namespace,
      project: project.metadata.name,
      segment,
      logical,
      ...(place === undefined ? {} : { environment: place }),
    });
  const common = { connection: cloudflare, removal, ephemeral };
  const declared = project.spec.cloudflare;
  const kv = (declared?.kv ?? [])
    .filter((one) => one.scope === scope)
    .map(({ name }) =>
      resource({
        ...common,
        slot: storageSlot("kv", name),
        definition: kvNamespace,
        key: keyOf(kvNamespace.segment, name),
        desired: () => ({
          accountId: account,
          title: chosenName(names, name) ?? kvNamespaceTitle(project.metadata.name, name, place),
        }),
      }),
    );
  const r2 = (declared?.r2 ?? [])
    .filter((one) => one.scope === scope)
    .map(({ name }) =>
      resource({
        ...common,
        slot: storageSlot("r2", name),
        definition: r2Bucket,
        key: keyOf(r2Bucket.segment, name),
        desired: () => ({
          accountId: account,
          name: chosenName(names, name) ?? r2BucketName(project.metadata.name, name, place),
        }),
      }),
    );
  return [...kv, ...r2];
}

type Binding = NonNullable<WorkerSettings["bindings"]>[number];

/** What a Worker is bound to: where each binding's target comes from. */
export interface BindingPlan {
  /** Slots of this object that must be there first. */
  needs: string[];
  /** @throws FlaresmithError when a logical name is not declared, or the project's shared one is not there yet */
  resolve(inputs: Inputs): WorkerBinding[];
}

/** @param scriptName physical name of another Worker of this place */
export function planBindings(
  project: ProjectObject,
  bindings: readonly Binding[],
  field: string,
  scriptName: (logical: string) => string,
): BindingPlan {
  const cloudflare = project.spec.cloudflare;
  const missing = (binding: Binding, what: string, logical: string): FlaresmithError =>
    new FlaresmithError({
      code: "SPEC_REFERENCE_MISSING",
      message: `binding ${binding.name} names the ${what} ${logical}, which Project ${project.metadata.name} does not declare`,
      field: `${field}.bindings[${binding.name}]`,
      hint: `Declare it under spec.cloudflare of the Project, or correct the name.`,
    });
  const needs: string[] = [];
  const resolvers = bindings.map((binding): ((inputs: Inputs) => WorkerBinding) => {
    if (binding.worker !== undefined) {
      const logical = binding.worker;
      const declared = cloudflare?.workers?.some((worker) => worker.name === logical) ?? false;
      return () => {
        if (!declared) throw missing(binding, "Worker", logical);
        return { name: binding.name, type: "service", target: scriptName(logical) };
      };
    }
    const storage = storages.find((candidate) => binding[candidate.list] !== undefined) ?? storages[0];
    const logical = binding[storage.list] ?? "";
    const declared = cloudflare?.[storage.list]?.find((one) => one.name === logical);
    const slot = storageSlot(storage.list, logical);
    if (declared?.scope === "Environment") needs.push(slot);
    return (inputs) => {
      if (!declared) throw missing(binding, storage.list === "kv" ? "KV namespace" : "R2 bucket", logical);
      if (declared.scope === "Environment") {
        return {
          name: binding.name,
          type: storage.kind,
          target: input<string>(inputs, slot, storage.output),
        };
      }
      const waiting = dependency(project, slot, `the shared ${storage.list} ${logical}`);
      if (waiting) throw waiting;
      const entry = entryOf(project, slot);
      return {
        name: binding.name,
        type: storage.kind,
        target: (storage.output === "id" ? entry?.id : entry?.name) ?? "",
      };
    };
  });
  return { needs, resolve: (inputs) => resolvers.map((resolve) => resolve(inputs)) };
}

/** Values of a Worker's plain variables. */
export function variableValues(
  settings: WorkerSettings | undefined,
  facts: {
    project: string;
    environment: string;
    stage: string;
    revision: string;
    neonBranch: string | undefined;
  },
): Record<string, string> {
  // Whatever they are called: an assignment would lose one named __proto__.
  return Object.fromEntries(
    (settings?.vars ?? []).map(({ name, value, valueFrom }) => [
      name,
      value ?? facts[valueFrom?.field ?? "project"] ?? "",
    ]),
  );
}

/** A secret of a place: where its value comes from once the nodes it needs have run. */
export interface PlannedSecret {
  name: string;
  from: string;
  to: readonly ("Worker" | "GitHub")[];
  needs: readonly string[];
  /** @throws FlaresmithError when a Secret or key is missing */
  value(inputs: Inputs): SecretValue;
}

/** The values that go to one target, by name. */
export function secretValuesFor(
  secrets: readonly PlannedSecret[],
  target: "Worker" | "GitHub",
  inputs: Inputs,
): Record<string, SecretValue> {
  return Object.fromEntries(
    secrets
      .filter((secret) => secret.to.includes(target))
      .map((secret) => [secret.name, secret.value(inputs)] as const),
  );
}
