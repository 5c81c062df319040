/** An Environment's Neon branch, with role and database on it. */
import { FlaresmithError } from "../controller/runtime/errors.ts";
import { parseDuration } from "../controller/runtime/duration.ts";
import { dependency } from "./deployment.ts";
import { resource } from "./engine/graph.ts";
import { byAge, entryOf } from "./names.ts";
import { branch as neonBranch, rootBranch } from "./neon/index.ts";
import { environmentType } from "./objects.ts";
import type { EnvironmentObject } from "./objects.ts";
import { connectionTo, neonBranchName } from "./place.ts";
import type { Place } from "./place.ts";
import { BRANCH, withDatabase } from "./place-database.ts";
import type { NeonPart } from "./place-database.ts";

/**
 * The branches that are each to be cut from the next and lead back to the first; undefined when they do not. Each would wait
 * for the other for ever.
 */
function cycleOf(
  { namespace, object, options, project }: Place<EnvironmentObject>,
  name: string,
): string[] | undefined {
  const siblings = options.reader.ofProject<EnvironmentObject>(
    environmentType,
    namespace,
    project.metadata.name,
  );
  const parents = new Map(
    [...siblings, object].map((one) => [neonBranchName(one, project), one.spec.neon?.parent]),
  );
  // Neon makes it with its project: it is cut from nothing.
  parents.delete(project.spec.neon?.branch);
  const path = [name];
  for (let at = parents.get(name); at !== undefined; at = parents.get(at)) {
    path.push(at);
    if (at === name) return path;
    // A cycle of others, further up: they say so themselves.
    if (path.length > parents.size + 1) return undefined;
  }
  return undefined;
}

function inCycle(cycle: readonly string[]): FlaresmithError {
  return new FlaresmithError({
    code: "SPEC_DEPENDENCY_CYCLE",
    // Another object of the cycle may be the one that is corrected.
    class: "transient",
    message: `the Neon branches are cut from each other: ${cycle.join(" from ")}`,
    field: "spec.neon.parent",
    hint: "Let one of them be cut from a branch that is there.",
    context: { provider: "neon" },
  });
}

/** Settings of the root branch that an Environment asks for, by field. */
function rootSettings({ spec }: EnvironmentObject): Record<string, unknown> {
  const { compute, protected: isProtected } = spec.neon ?? {};
  const all = {
    protected: isProtected,
    "compute.min": compute?.min,
    "compute.max": compute?.max,
    "compute.suspendAfter": compute?.suspendAfter,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/**
 * Says that an older Environment of the Project has the root branch too and wants it otherwise: each would change it back for
 * ever. Several may use it as long as they agree.
 */
function rivalAtRoot({
  namespace,
  object,
  options,
  project,
}: Place<EnvironmentObject>): FlaresmithError | undefined {
  const wanted = rootSettings(object);
  const rivals = options.reader
    .ofProject<EnvironmentObject>(environmentType, namespace, project.metadata.name)
    .filter(
      (other) =>
        other.metadata.name !== object.metadata.name &&
        neonBranchName(other, project) === project.spec.neon?.branch &&
        byAge(other, object) < 0,
    )
    .toSorted(byAge);
  for (const rival of rivals) {
    const theirs = rootSettings(rival);
    const field = Object.keys(wanted).find((name) => name in theirs && theirs[name] !== wanted[name]);
    if (field === undefined) continue;
    return new FlaresmithError({
      code: "INTEGRATION_NAME_CONFLICT",
      message: `Environment ${rival.metadata.name} uses the same Neon branch and wants ${field} ${String(theirs[field])} instead of ${String(wanted[field])}`,
      field: `spec.neon.${field}`,
      hint: "Let the two agree, leave the field out, or give this one a branch of its own (spec.neon.branch).",
      context: { provider: "neon" },
    });
  }
  return undefined;
}

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
          desired: () => {
            const rival = rivalAtRoot(place);
            if (rival !== undefined) throw rival;
            return settings;
          },
        })
      : resource({
          slot: BRANCH,
          definition: neonBranch,
          connection,
          key: keyOf(neonBranch.segment),
          removal: object.spec.deletionPolicy,
          desired: () => {
            const cycle = cycleOf(place, name);
            if (cycle !== undefined) throw inCycle(cycle);
            return { ...settings, parent: parent ?? spec.branch, init: "parent-data" as const };
          },
        });
  const removal = object.spec.deletionPolicy;
  return withDatabase(place, branchNode, { connection, projectId, spec, removal, ephemeral: false });
}
