/** Deletes a project (Neon keeps it recoverable for seven days), and says in the user's words why Neon would not. */
import { FlaresmithError, isFlaresmithError } from "../../controller/runtime/errors.ts";
import type { Reference, ResourceContext } from "../engine/resource.ts";
import { branchesOf } from "./branch-access.ts";
import type { NeonClient } from "./client.ts";

/**
 * Asks for the deletion; a project that is gone already is no error. Answers `deleted` when Neon acknowledged it.
 * @throws FlaresmithError INTEGRATION_REJECTED naming the protected branches that stand in the way
 */
export async function removeProject(
  { id, name }: Reference,
  context: ResourceContext<NeonClient>,
): Promise<"deleted" | undefined> {
  const { client, signal } = context;
  if (id === undefined) return undefined;
  const what = `deleting the project ${name}`;
  try {
    const answer = await client.change("DELETE", `/projects/${id}`, undefined, {
      what,
      signal,
      tolerate: [404],
    });
    return answer.ok ? "deleted" : undefined;
  } catch (error) {
    if (!isFlaresmithError(error, "INTEGRATION_REJECTED")) throw error;
    const guarded = (await branchesOf(context, id))
      .filter((branch) => branch.protected)
      .map((branch) => branch.name);
    if (guarded.length === 0) throw error;
    const names = guarded.toSorted().join(", ");
    throw new FlaresmithError({
      code: "INTEGRATION_REJECTED",
      message: `Neon does not delete the project ${name} (${id}) while branches of it are protected: ${names}`,
      hint: `Remove the protection of ${names} in the Neon console, or keep the project with deletionPolicy: Orphan.`,
      context: { provider: "neon" },
      cause: error,
    });
  }
}
