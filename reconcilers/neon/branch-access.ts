/** How branches are read and written, for branches of ours and for the root branch alike. */
import type { Branch, BranchResponse, Endpoint } from "@neondatabase/api-client";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { FieldChange, ResourceContext } from "../engine/resource.ts";
import type { NeonClient } from "./client.ts";
import { ANNOTATION, listBranches, listEndpoints } from "./listings.ts";
import type { ListedBranch } from "./listings.ts";
import type { BranchObserved, BranchOutputs, BranchSettings, Compute } from "./types.ts";

type Context = ResourceContext<NeonClient>;

export interface FoundBranch {
  branch: ListedBranch;
  observed: BranchObserved;
}

/** Every branch of the project; past the cache when the branch asked about is doubted. */
export async function branchesOf(context: Context, projectId: string): Promise<readonly ListedBranch[]> {
  const branches = await context.shared(`branches:${projectId}`, () => listBranches(context, projectId));
  if (branches) return branches;
  throw new FlaresmithError({
    code: "INTEGRATION_NOT_FOUND",
    message: `Neon project ${projectId} does not exist or is not visible to the API key`,
    hint: "Check the Connection's API key; the Project's own condition says more.",
    context: { provider: "neon" },
  });
}

async function readBranch({ client, signal }: Context, projectId: string, id: string): Promise<ListedBranch | undefined> {
  const path = `/projects/${projectId}/branches/${id}`;
  type Answer = BranchResponse & { annotation?: { value?: Record<string, string> } };
  const answer = await client.read<Answer>(path, { what: `reading branch ${id} of project ${projectId}`, signal });
  return answer && { ...answer.branch, marker: answer.annotation?.value?.[ANNOTATION] };
}

/** The branch by id, else by name: names are unique in a project. undefined is proof of absence. */
export async function findBranch(context: Context, projectId: string, name: string, id: string | undefined): Promise<FoundBranch | undefined> {
  const alone = id !== undefined && context.fresh ? await readBranch(context, projectId, id) : undefined;
  if (id !== undefined && context.fresh && !alone) return undefined;
  const branches = await branchesOf(context, projectId);
  const branch = alone ?? branches.find((one) => one.id === id) ?? (id === undefined ? branches.find((one) => one.name === name) : undefined);
  if (!branch) return undefined;
  const age = context.depth === "deep" ? undefined : Number.POSITIVE_INFINITY;
  const endpoints = await context.shared(`endpoints:${projectId}`, () => listEndpoints(context, projectId), age);
  const parent = branches.find((one) => one.id === branch.parent_id);
  const endpoint = endpoints.find((one) => one.branch_id === branch.id && one.type === "read_write");
  return { branch, observed: observedOf(branch, parent?.name, endpoint) };
}

function observedOf(branch: Branch, parentName: string | undefined, endpoint: Endpoint | undefined): BranchObserved {
  return {
    id: branch.id,
    name: branch.name,
    parentId: branch.parent_id,
    parentName,
    protected: branch.protected,
    expiresAt: branch.expires_at,
    createdAt: branch.created_at,
    endpoint: endpoint && {
      id: endpoint.id,
      host: endpoint.host,
      min: endpoint.autoscaling_limit_min_cu,
      max: endpoint.autoscaling_limit_max_cu,
      suspendAfterSeconds: endpoint.suspend_timeout_seconds,
    },
  };
}

/** What Neon is still doing to the branch, for people. */
export function pendingOf({ branch, observed }: FoundBranch): string | undefined {
  if (branch.current_state === "archived") return undefined;
  if (branch.current_state !== "ready") return `Neon is still working on it (branch ${branch.current_state})`;
  if (branch.pending_state !== undefined) return `Neon is still working on it (branch becomes ${branch.pending_state})`;
  return observed.endpoint === undefined ? "its compute is not there yet" : undefined;
}

/** Differences of the settings that every branch has. */
export function settingChanges(desired: BranchSettings, observed: BranchObserved): FieldChange[] {
  const changes: FieldChange[] = [];
  const compare = (field: string, from: unknown, to: unknown): void => {
    if (to !== undefined && from !== to) changes.push({ field, effect: "in-place", from: String(from), to: String(to) });
  };
  compare("protected", observed.protected, desired.protected);
  if (observed.endpoint) {
    compare("compute.min", observed.endpoint.min, desired.compute?.min);
    compare("compute.max", observed.endpoint.max, desired.compute?.max);
    compare("compute.suspendAfter", observed.endpoint.suspendAfterSeconds, desired.compute?.suspendAfterSeconds);
  }
  return changes;
}

/** A compute's settings as Neon takes them. */
export function computeRequest(compute: Compute | undefined): Record<string, number> {
  return {
    ...(compute?.min === undefined ? {} : { autoscaling_limit_min_cu: compute.min }),
    ...(compute?.max === undefined ? {} : { autoscaling_limit_max_cu: compute.max }),
    ...(compute?.suspendAfterSeconds === undefined ? {} : { suspend_timeout_seconds: compute.suspendAfterSeconds }),
  };
}

/** Writes what `changes` name. Each PATCH carries only what differs: Neon refuses an unchanged name. */
export async function writeBranch(
  context: Context,
  desired: BranchSettings & { expiresAt?: string | undefined },
  observed: BranchObserved,
  changes: readonly FieldChange[],
): Promise<void> {
  const { client, signal } = context;
  const changed = new Set(changes.map((change) => change.field));
  const branch = {
    ...(changed.has("protected") ? { protected: desired.protected } : {}),
    ...(changed.has("expiresAt") ? { expires_at: desired.expiresAt ?? null } : {}),
    ...(changed.has("name") ? { name: desired.name } : {}),
  };
  if (Object.keys(branch).length > 0) {
    const path = `/projects/${desired.projectId}/branches/${observed.id}`;
    const what = `updating the branch ${desired.name}`;
    const answer = await client.change(desired.projectId, "PATCH", path, { branch }, { what, signal });
    if (!answer.ok) throw answer.error;
  }
  if (observed.endpoint && [...changed].some((field) => field.startsWith("compute."))) {
    const path = `/projects/${desired.projectId}/endpoints/${observed.endpoint.id}`;
    const what = `updating the compute of the branch ${desired.name}`;
    const body = { endpoint: computeRequest(desired.compute) };
    const answer = await client.change(desired.projectId, "PATCH", path, body, { what, signal });
    if (!answer.ok) throw answer.error;
  }
}

export function branchOutputs({ id, name, endpoint }: BranchObserved): BranchOutputs {
  return { branchId: id, branchName: name, endpointId: endpoint?.id ?? "", host: endpoint?.host ?? "" };
}
