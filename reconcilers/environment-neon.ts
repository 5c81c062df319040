/** An Environment's Neon branch, with role and database on it. */
import { FlaresmithError } from "../controller/runtime/errors.ts";
import { parseDuration } from "../controller/runtime/duration.ts";
import { dependency } from "./deployment.ts";
import { resource } from "./engine/graph.ts";
import { entryOf } from "./names.ts";
import { branch as neonBranch, rootBranch } from "./neon/index.ts";
import type { EnvironmentObject } from "./objects.ts";
import { connectionTo, neonBranchName } from "./place.ts";
import type { Place } from "./place.ts";
import { BRANCH, withDatabase } from "./place-database.ts";
import type { NeonPart } from "./place-database.ts";

/** No nodes when the Project does not use Neon. */
export async function neonPart(place: Place<EnvironmentObject>): Promise<NeonPart> {
  const { keyOf, object, project } = place;
  const spec = project.spec.neon;
  const name = neonBranchName(object, project);
  const resolved = await connectionTo(place, "Neon");
  if (!spec || !resolved || name === undefined) return { nodes: [], database: undefined };
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
  const removal = object.spec.deletionPolicy;
  return withDatabase(place, branchNode, { connection, projectId, spec, removal, ephemeral: false });
}
