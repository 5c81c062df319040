/** An Environment's Neon branch, with role and database on it. */
import { FlaresmithError } from "../controller/runtime/errors.ts";
import { parseDuration } from "../controller/runtime/duration.ts";
import { connected } from "./connections.ts";
import { dependency } from "./deployment.ts";
import type { GraphNode } from "./engine/graph.ts";
import { input, resource } from "./engine/graph.ts";
import { neonBranchName } from "./environment-scene.ts";
import type { EnvironmentScene } from "./environment-scene.ts";
import { entryOf } from "./names.ts";
import type { NeonClient } from "./neon/client.ts";
import { branch as neonBranch, database as neonDatabase, rootBranch } from "./neon/index.ts";
import type { DatabaseOfPlace } from "./place-secrets.ts";

/** No nodes when the Project does not use Neon. */
export async function neonPart(
  scene: EnvironmentScene,
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
