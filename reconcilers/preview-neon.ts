/** A Preview's Neon branch, cut from its base's and leased until the preview ends, with role and database on it. */
import { FlaresmithError } from "../controller/runtime/errors.ts";
import { dependency } from "./deployment.ts";
import { resource } from "./engine/graph.ts";
import { entryOf } from "./names.ts";
import { branch as neonBranch } from "./neon/index.ts";
import { connectionTo, neonBranchName } from "./place.ts";
import { BRANCH, withDatabase } from "./place-database.ts";
import type { NeonPart } from "./place-database.ts";
import type { PreviewPlace } from "./preview-place.ts";

/** Name of the branch; undefined when the preview has none. */
export function previewBranchName({ data, project, short }: PreviewPlace): string | undefined {
  return project.spec.neon && data !== "None" ? `preview/${short}` : undefined;
}

/** No nodes when the Project does not use Neon, or the preview sees no data. */
export async function neonPart(place: PreviewPlace): Promise<NeonPart> {
  const { base, data, keyOf, life, project } = place;
  const spec = project.spec.neon;
  const name = previewBranchName(place);
  const resolved = await connectionTo(place, "Neon");
  if (!spec || !resolved || name === undefined) return { nodes: [], database: undefined };
  const waiting =
    dependency(project, "neonProject", "the Neon project") ??
    dependency(base, "neonBranch", "the Neon branch");
  const connection = resolved instanceof FlaresmithError ? resolved : (waiting ?? resolved);
  const projectId = entryOf(project, "neonProject")?.id ?? "";
  const branch = resource({
    slot: BRANCH,
    definition: neonBranch,
    connection,
    key: keyOf(neonBranch.segment),
    removal: "Delete",
    ephemeral: true,
    desired: () => ({
      projectId,
      name,
      parent: neonBranchName(base, project) ?? spec.branch,
      expiresAt: life.expiresAt,
      earliestExpiry: life.earliestEnd,
      init: data === "SchemaOnly" ? ("schema-only" as const) : ("parent-data" as const),
      protected: undefined,
      compute: undefined,
    }),
  });
  return withDatabase(place, branch, { connection, projectId, spec, removal: "Delete", ephemeral: true });
}
