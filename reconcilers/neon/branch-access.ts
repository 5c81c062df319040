/** How branches are read and written, for branches of ours and for the root branch alike. */
import type {
  Branch,
  BranchResponse,
  Endpoint,
  EndpointOperations,
  Operation,
} from "@neondatabase/api-client";
import { FlaresmithError, isFlaresmithError } from "../../controller/runtime/errors.ts";
import type { FieldChange, ResourceContext } from "../engine/resource.ts";
import { workOf } from "./client.ts";
import type { NeonClient } from "./client.ts";
import { confirmedGone } from "./define.ts";
import { ANNOTATION, listBranches, listEndpoints, listProjects } from "./listings.ts";
import type { ListedBranch } from "./listings.ts";
import type { BranchObserved, BranchOutputs, BranchSettings, Compute } from "./types.ts";

type Context = ResourceContext<NeonClient>;

export interface FoundBranch {
  branch: ListedBranch;
  observed: BranchObserved;
}

/**
 * Every branch of the project.
 * @throws FlaresmithError when it could not be read whole, or the project does not exist for the key
 */
export async function branchesOf(
  context: Pick<Context, "client" | "shared" | "signal">,
  projectId: string,
): Promise<readonly ListedBranch[]> {
  const branches = await context.shared(`branches:${projectId}`, () => listBranches(context, projectId));
  if (branches) return branches;
  throw new FlaresmithError({
    code: "INTEGRATION_NOT_FOUND",
    message: `Neon project ${projectId} does not exist or is not visible to the API key`,
    hint: "Check the Connection's API key; the Project's own condition says more. If the project was deleted, say so with the annotation flaresmith.dev/confirm-gone: <id>, naming what lay in it.",
    context: { provider: "neon" },
  });
}

/**
 * The same, or undefined when the project is gone for good. Neon answers 404 also for what a key may not see, so that
 * proof is the list of deleted projects, or a person's word (`entry.data.confirmGone`).
 */
export async function branchesUnlessGone(
  context: Context,
  projectId: string,
): Promise<readonly ListedBranch[] | undefined> {
  try {
    return await branchesOf(context, projectId);
  } catch (error) {
    if (!isFlaresmithError(error, "INTEGRATION_NOT_FOUND")) throw error;
    if (context.entry?.id !== undefined && confirmedGone(context, context.entry.id)) return undefined;
    if (await wasDeleted(context, projectId)) return undefined;
    throw error;
  }
}

async function wasDeleted(context: Context, projectId: string): Promise<boolean> {
  try {
    const { projects } = await listProjects(context, "", { deleted: true });
    return projects.some((project) => project.id === projectId);
  } catch (error) {
    // A personal key must name an organization, which a branch does not know: no proof, but no other failure either.
    if (isFlaresmithError(error, "INTEGRATION_REJECTED")) return false;
    throw error;
  }
}

async function readBranch(
  { client, signal }: Context,
  projectId: string,
  id: string,
): Promise<ListedBranch | undefined> {
  const path = `/projects/${projectId}/branches/${id}`;
  type Answer = BranchResponse & { annotation?: { value?: Record<string, string> } };
  const answer = await client.read<Answer>(path, {
    what: `reading branch ${id} of project ${projectId}`,
    signal,
  });
  return answer && { ...answer.branch, marker: answer.annotation?.value?.[ANNOTATION] };
}

/**
 * The branch by id, else by name: names are unique in a project, so that what bears the name stands in the way when the
 * one with the id is gone. undefined is proof of absence.
 */
export async function findBranch(
  context: Context,
  projectId: string,
  name: string,
  id: string | undefined,
): Promise<FoundBranch | undefined> {
  const alone = id !== undefined && context.fresh ? await readBranch(context, projectId, id) : undefined;
  // Also after a 404: it proves something about the branch only where the project itself can be seen.
  const branches = await branchesUnlessGone(context, projectId);
  if (!branches) return undefined;
  const gone = id !== undefined && context.fresh && !alone ? id : undefined;
  const listed = branches.filter((one) => one.id !== gone);
  if (gone !== undefined && listed.length < branches.length && !confirmedGone(context, gone)) {
    throw new FlaresmithError({
      code: "INTEGRATION_UNAVAILABLE",
      message: `Neon lists the branch ${gone} of project ${projectId}, but does not show it`,
      context: { provider: "neon" },
    });
  }
  const branch = alone ?? listed.find((one) => one.id === id) ?? listed.find((one) => one.name === name);
  if (!branch) return undefined;
  const parent = branches.find((one) => one.id === branch.parent_id);
  return {
    branch,
    observed: observedOf(branch, parent?.name, await endpointOf(context, projectId, branch.id)),
  };
}

/** The branch's read-write compute. Shallow looks take any listing that shows it: computes are compared deeply. */
async function endpointOf(
  context: Context,
  projectId: string,
  branchId: string,
): Promise<Endpoint | undefined> {
  const find = async (age?: number): Promise<Endpoint | undefined> => {
    const all = await context.shared(`endpoints:${projectId}`, () => listEndpoints(context, projectId), age);
    return all.find((one) => one.branch_id === branchId && one.type === "read_write");
  };
  if (context.depth === "deep") return find();
  return (await find(Number.POSITIVE_INFINITY)) ?? find(0);
}

function observedOf(
  branch: Branch,
  parentName: string | undefined,
  endpoint: Endpoint | undefined,
): BranchObserved {
  return {
    id: branch.id,
    name: branch.name,
    parentId: branch.parent_id,
    parentName,
    protected: branch.protected,
    expiresAt: branch.expires_at,
    init: branch.init_source,
    endpoint: endpoint && {
      id: endpoint.id,
      host: endpoint.host,
      starting: endpoint.current_state === "init",
      min: endpoint.autoscaling_limit_min_cu,
      max: endpoint.autoscaling_limit_max_cu,
      suspendAfterSeconds: endpoint.suspend_timeout_seconds,
    },
  };
}

/** What Neon is still doing to a branch, for people. An archived one is woken by the first connection. */
export function branchWork(branch: Branch): string | undefined {
  if (branch.current_state === "archived") return undefined;
  if (branch.current_state !== "ready") return `Neon is still working on it (branch ${branch.current_state})`;
  if (branch.pending_state === undefined) return undefined;
  return `Neon is still working on it (branch becomes ${branch.pending_state})`;
}

/** What Neon is still doing to the branch or its compute, for people. */
export function pendingOf({ branch, observed }: FoundBranch): string | undefined {
  return branchWork(branch) ?? (observed.endpoint?.starting === true ? "its compute is starting" : undefined);
}

/** Differences of the settings that every branch has. */
export function settingChanges(desired: BranchSettings, observed: BranchObserved): FieldChange[] {
  const changes: FieldChange[] = [];
  const compare = <Value extends boolean | number>(
    field: string,
    from: Value,
    to: Value | undefined,
  ): void => {
    if (to !== undefined && from !== to)
      changes.push({ field, effect: "in-place", from: String(from), to: String(to) });
  };
  compare("protected", observed.protected, desired.protected);
  if (!observed.endpoint)
    changes.push({ field: "compute", effect: "in-place", from: "missing", to: "read_write" });
  else {
    compare("compute.min", observed.endpoint.min, desired.compute?.min);
    compare("compute.max", observed.endpoint.max, desired.compute?.max);
    compare(
      "compute.suspendAfter",
      observed.endpoint.suspendAfterSeconds,
      desired.compute?.suspendAfterSeconds,
    );
  }
  return changes;
}

/** A compute's settings as Neon takes them. */
export function computeRequest(compute: Compute | undefined): Record<string, number> {
  return {
    ...(compute?.min === undefined ? {} : { autoscaling_limit_min_cu: compute.min }),
    ...(compute?.max === undefined ? {} : { autoscaling_limit_max_cu: compute.max }),
    ...(compute?.suspendAfterSeconds === undefined
      ? {}
      : { suspend_timeout_seconds: compute.suspendAfterSeconds }),
  };
}

/**
 * Writes what `changes` name. Each PATCH carries only what differs: Neon refuses an unchanged name.
 * @param desired.expiresAt the lease to write, when the changes name it; undefined clears it
 * @returns what Neon goes on doing, for people
 */
export async function writeBranch(
  context: Context,
  desired: BranchSettings & { expiresAt?: string | undefined },
  observed: BranchObserved,
  changes: readonly FieldChange[],
): Promise<string | undefined> {
  const { client, signal } = context;
  const { name, projectId } = desired;
  const changed = new Set(changes.map((change) => change.field));
  const branch = {
    ...(changed.has("protected") ? { protected: desired.protected } : {}),
    ...(changed.has("expiresAt") ? { expires_at: desired.expiresAt ?? null } : {}),
    ...(changed.has("name") ? { name } : {}),
  };
  if (Object.keys(branch).length > 0) {
    const path = `/projects/${projectId}/branches/${observed.id}`;
    const answer = await client.change(
      "PATCH",
      path,
      { branch },
      {
        what: `updating the branch ${observed.name}`,
        signal,
        ...(changed.has("name") ? { renaming: { name, field: "spec.neon.branch" } } : {}),
      },
    );
    if (!answer.ok) throw answer.error;
  }
  const field = "spec.neon.compute";
  const change = async (
    method: "POST" | "PATCH",
    path: string,
    endpoint: object,
    what: string,
  ): Promise<string | undefined> => {
    const answer = await client.change<EndpointOperations & { operations: Operation[] }>(
      method,
      `/projects/${projectId}/endpoints${path}`,
      { endpoint },
      { what: `${what} of the branch ${name}`, signal, field },
    );
    if (!answer.ok) throw answer.error;
    return workOf(answer.data);
  };
  const compute = computeRequest(desired.compute);
  if (!observed.endpoint) {
    if (!changed.has("compute")) return undefined;
    return change(
      "POST",
      "",
      { branch_id: observed.id, type: "read_write", ...compute },
      "creating the compute",
    );
  }
  const resized = [...changed].some((one) => one.startsWith("compute."));
  return resized ? change("PATCH", `/${observed.endpoint.id}`, compute, "updating the compute") : undefined;
}

export function branchOutputs({ endpoint, expiresAt, id, name }: BranchObserved): BranchOutputs {
  return {
    branchId: id,
    branchName: name,
    endpointId: endpoint?.id ?? "",
    host: endpoint?.host ?? "",
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}
