/** Deletes a branch, and says in the user's words why Neon would not. */
import { FlaresmithError, isFlaresmithError } from "../../controller/runtime/errors.ts";
import type { Reference, ResourceContext } from "../engine/resource.ts";
import { branchesOf } from "./branch-access.ts";
import type { NeonClient } from "./client.ts";
import type { ListedBranch } from "./listings.ts";

type Context = ResourceContext<NeonClient>;

interface Obstacle {
  why: string;
  remedy: string;
}

function obstacleOf(branch: ListedBranch, branches: readonly ListedBranch[]): Obstacle | undefined {
  if (branch.default) {
    return {
      why: "it is the project's default branch",
      remedy: "Make another branch the default one in the Neon console.",
    };
  }
  if (branch.protected) {
    return {
      why: "it is protected",
      remedy: "Remove its protection in the Neon console, or keep it with deletionPolicy: Orphan.",
    };
  }
  const children = branches.filter((one) => one.parent_id === branch.id).map((one) => one.name);
  if (children.length > 0) {
    const names = children.toSorted().join(", ");
    return {
      why: `branches were cut from it (${names})`,
      remedy: `Delete ${names} first, or keep it with deletionPolicy: Orphan.`,
    };
  }
  if (branch.parent_id === undefined && branch.init_source !== "schema-only") {
    return { why: "it is the project's root branch", remedy: "Keep it with deletionPolicy: Orphan." };
  }
  return undefined;
}

/**
 * Asks for the deletion; a branch that is gone already is no error. Answers `deleted` when Neon acknowledged it.
 * @throws FlaresmithError INTEGRATION_REJECTED naming what stands in the way: children, protection, being the default
 */
export async function removeBranch(
  { scope, id, name }: Reference,
  context: Context,
): Promise<"deleted" | undefined> {
  const { client, signal } = context;
  if (id === undefined) return undefined;
  const path = `/projects/${scope}/branches/${id}`;
  try {
    const answer = await client.change("DELETE", path, undefined, {
      what: `deleting the branch ${name}`,
      signal,
      tolerate: [404],
    });
    return answer.ok ? "deleted" : undefined;
  } catch (error) {
    if (!isFlaresmithError(error)) throw error;
    if (error.code !== "INTEGRATION_REJECTED" && error.code !== "INTEGRATION_CONFLICT") throw error;
    const branches = await branchesOf(context, scope);
    const branch = branches.find((one) => one.id === id);
    const obstacle = branch && obstacleOf(branch, branches);
    if (!obstacle) throw error;
    throw new FlaresmithError({
      code: "INTEGRATION_REJECTED",
      message: `Neon does not delete the branch ${name} of project ${scope}: ${obstacle.why}`,
      hint: obstacle.remedy,
      context: { provider: "neon" },
      cause: error,
    });
  }
}
