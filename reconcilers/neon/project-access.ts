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
 * The project of the id, else the one of that name that carries our marker. A project of the same name that is another's
 * does not stand in the way. undefined is proof: a complete listing that lacks it, together with a 404 for the id.
 * @throws FlaresmithError when Neon cannot tell, e.g. while it lists the project as unavailable
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
  for (const project of listing.projects) {
    if (project.name !== name || project.id === gone) continue;
    if (await isOurs(project.id)) return { id: project.id, project, whole: false };
  }
  const hidden = [...listing.unavailable].filter((id) => id !== gone);
  if (hidden.length > MOST_HIDDEN) {
    throw unavailable(`Neon could not look at ${hidden.length} projects, one of which may be ${name}`);
  }
  for (const id of hidden) {
    const project = await readProject(context, id);
    if (!project) throw unavailable(`Neon lists a project ${id}, but does not show it`);
    if (project.name === name && (await isOurs(id))) return { id, project, whole: true };
  }
  return undefined;
}
