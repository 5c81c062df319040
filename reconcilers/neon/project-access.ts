/** How a Neon project is found: names are not unique there, and a list may hide some. */
import type { Project, ProjectListItem, ProjectResponse } from "@neondatabase/api-client";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { ResourceContext } from "../engine/resource.ts";
import type { NeonClient } from "./client.ts";
import { confirmedGone } from "./define.ts";
import { listBranches, listProjects } from "./listings.ts";
import type { ListedBranch, ListedProjects } from "./listings.ts";

type Context = ResourceContext<NeonClient>;

/** How many hidden projects are looked at one by one in search of a name; more are an outage of Neon's. */
const MOST_HIDDEN = 10;

export interface FoundProject {
  id: string;
  project: Project | ProjectListItem;
  /** Whether it was read by itself, and not only listed: what is left out is then off, and not just not shown. */
  whole: boolean;
}

/** Reads one project; undefined when there is none, or none that the key may see. */
export async function readProject(context: Context, id: string): Promise<Project | undefined> {
  const { client, signal } = context;
  const answer = await client.read<ProjectResponse>(`/projects/${id}`, {
    what: `reading project ${id}`,
    signal,
  });
  return answer?.project;
}

/** The branch that the project began with: the one that carries the Project's marker, else the default branch. */
export async function rootOf(context: Context, projectId: string): Promise<ListedBranch | undefined> {
  const branches = await context.shared(`branches:${projectId}`, () => listBranches(context, projectId));
  const standing = branches?.find((branch) => branch.default);
  const isOurs = (branch: ListedBranch): boolean => context.marker.classify(branch.marker) === "ours";
  // Another branch can be made the default one; the annotation stays where it was written.
  return standing && isOurs(standing) ? standing : (branches?.find(isOurs) ?? standing);
}

function unavailable(message: string): FlaresmithError {
  return new FlaresmithError({ code: "INTEGRATION_UNAVAILABLE", message, context: { provider: "neon" } });
}

/**
 * The project of the id, else the one of that name that carries our marker, else one of that name that does not: Neon
 * would take a second of the same name, but people could not tell them apart, and would pay for both; so it is a conflict
 * like any other name (law 3). undefined is proof: a complete listing that lacks it, together with a 404 for the id.
 * @throws FlaresmithError when Neon cannot tell, e.g. while it lists the project as unavailable; and
 *   INTEGRATION_NAME_CONFLICT when several of that name exist, none of them ours
 */
export async function findProject(
  context: Context,
  reference: { orgId: string; name: string; id: string | undefined },
): Promise<FoundProject | undefined> {
  const { id, name, orgId } = reference;
  const alone = id !== undefined && context.fresh ? await readProject(context, id) : undefined;
  if (alone) return { id: alone.id, project: alone, whole: true };
  const listing = await context.shared(`projects:${orgId}`, () => listProjects(context, orgId));
  if (id !== undefined) {
    const listed = listing.projects.find((project) => project.id === id);
    if (listed && !context.fresh) return { id, project: listed, whole: false };
    const single = context.fresh ? undefined : await readProject(context, id);
    if (single) return { id, project: single, whole: true };
    if (!confirmedGone(context, id) && (listed !== undefined || listing.unavailable.has(id))) {
      throw unavailable(`Neon lists the project ${id}, but does not show it`);
    }
  }
  return findByMarker(context, name, listing, id);
}

async function findByMarker(
  context: Context,
  name: string,
  listing: ListedProjects,
  gone: string | undefined,
): Promise<FoundProject | undefined> {
  const isOurs = async (id: string): Promise<boolean> =>
    context.marker.classify((await rootOf(context, id))?.marker) === "ours";
  const others: FoundProject[] = [];
  for (const project of listing.projects) {
    if (project.name !== name || project.id === gone) continue;
    const found = { id: project.id, project, whole: false };
    if (await isOurs(project.id)) return found;
    others.push(found);
  }
  const hidden = [...listing.unavailable].filter((id) => id !== gone);
  if (hidden.length > MOST_HIDDEN) {
    throw unavailable(`Neon could not look at ${hidden.length} projects, one of which may be ${name}`);
  }
  for (const id of hidden) {
    const project = await readProject(context, id);
    if (!project) throw unavailable(`Neon lists a project ${id}, but does not show it`);
    if (project.name !== name) continue;
    const found = { id, project, whole: true };
    if (await isOurs(id)) return found;
    others.push(found);
  }
  // Where ours is gone, a person decides first whether there is to be a new one.
  return gone === undefined ? onlyOne(others, name) : undefined;
}

function onlyOne(others: readonly FoundProject[], name: string): FoundProject | undefined {
  const [first, second] = others;
  if (!second) return first;
  const ids = others.map((other) => other.id).toSorted();
  throw new FlaresmithError({
    code: "INTEGRATION_NAME_CONFLICT",
    message: `${ids.length} Neon projects are called ${name}, and none was made by this object: ${ids.join(", ")}`,
    field: "metadata.name",
    hint: "Rename or delete the others in the Neon console, or choose another name for the Project.",
    context: { provider: "neon" },
  });
}
