/** The environment matrix as text, and from a set of objects. */
import { environmentMatrix } from "../http/matrix.ts";
import type { EnvironmentMatrix } from "../http/matrix.ts";
import type { KubernetesObject } from "../store/resource-client.ts";
import { clipped, tableText } from "./terminal.ts";

/** One matrix for each Project, by namespace and name. */
export function matricesOf(objects: readonly KubernetesObject[]): EnvironmentMatrix[] {
  const ofKind = Map.groupBy(objects, ({ kind }) => kind);
  // Each Project looks at its own only: there may be as many of them as of everything else.
  const environments = Map.groupBy(ofKind.get("Environment") ?? [], projectKeyOf);
  const previews = Map.groupBy(ofKind.get("Preview") ?? [], projectKeyOf);
  return (ofKind.get("Project") ?? [])
    .map((project) => {
      const key = `${project.metadata.namespace ?? ""}/${project.metadata.name}`;
      return environmentMatrix({
        project,
        environments: environments.get(key) ?? [],
        previews: previews.get(key) ?? [],
        connections: ofKind.get("Connection") ?? [],
      });
    })
    .toSorted((a, b) => (`${a.namespace}/${a.project}` < `${b.namespace}/${b.project}` ? -1 : 1));
}

/** The Project that an Environment or Preview belongs to. */
function projectKeyOf({ metadata, spec }: KubernetesObject): string {
  const { projectRef } = (spec ?? {}) as { projectRef?: { name?: string } };
  return `${metadata.namespace ?? ""}/${projectRef?.name ?? ""}`;
}

/**
 * The matrix as a table.
 * @param options.reasons whether what is not Ready says why below it. Default true
 */
export function matrixText(matrix: EnvironmentMatrix, options: { reasons?: boolean } = {}): string {
  const title = `Project ${matrix.namespace}/${matrix.project}`;
  if (matrix.rows.length === 0) return `${title}: no environments yet`;
  const rows = matrix.rows.map((row) => [
    row.name,
    row.stage,
    row.ready === "True" ? "Ready" : row.reason,
    row.health,
    row.branch ?? undefined,
    row.commit === null ? undefined : row.commit.slice(0, 7),
    row.neonBranch ?? undefined,
    row.url ?? undefined,
  ]);
  const header = ["NAME", "STAGE", "STATUS", "HEALTH", "BRANCH", "COMMIT", "DATABASE", "URL"];
  const reasons = matrix.rows
    .filter(({ ready }) => ready !== "True" && options.reasons !== false)
    .map(({ kind, message, name }) => `  ${kind} ${name}: ${clipped(message, 2000)}`);
  return [title, tableText(header, rows), ...reasons].join("\n");
}
