/** Every project and branch of an organization that carries a marker: both have it as an annotation of a branch. */
import type { ProjectListItem } from "@neondatabase/api-client";
import { FlaresmithError, isFlaresmithError } from "../../controller/runtime/errors.ts";
import type { ListingContext, MarkedResource } from "../engine/resource.ts";
import type { NeonClient } from "./client.ts";
import { listBranches, listProjects } from "./listings.ts";
import type { ListedBranch } from "./listings.ts";

type Context = ListingContext<NeonClient>;

interface ProjectWithBranches {
  project: ProjectListItem;
  branches: readonly ListedBranch[];
}

/** What both types are told from: one listing of the projects, and one of each project's branches. */
async function readAccount(context: Context): Promise<ProjectWithBranches[]> {
  const { projects, unavailable } = await context.shared("projects", () =>
    listProjects(context, context.account),
  );
  for (const id of unavailable) context.missed(`project ${id}`, hidden(id));
  // The transport bounds how many are read at once.
  const read = await Promise.all(projects.map((project) => readProject(project, context)));
  return read.flatMap((project) => project ?? []);
}

async function readProject(
  project: ProjectListItem,
  context: Context,
): Promise<ProjectWithBranches | undefined> {
  const what = `branches of project ${project.name} (${project.id})`;
  try {
    const branches = await context.shared(`branches:${project.id}`, () => listBranches(context, project.id));
    if (branches) return { project, branches };
    context.missed(what, hidden(project.id));
  } catch (error) {
    if (!isFlaresmithError(error)) throw error;
    context.missed(what, error);
  }
  return undefined;
}

function hidden(id: string): FlaresmithError {
  return new FlaresmithError({
    code: "INTEGRATION_UNAVAILABLE",
    message: `Neon lists the project ${id}, but does not show it`,
    context: { provider: "neon" },
  });
}

/** The branch that a project began with: a schema-only one has no parent either. */
const isRoot = (branch: ListedBranch): boolean =>
  branch.parent_id === undefined && branch.init_source !== "schema-only";

function found(
  branch: Pick<ListedBranch, "created_at" | "marker">,
): Pick<MarkedResource, "marks" | "createdAt"> {
  const createdAt = Date.parse(branch.created_at);
  return {
    marks: branch.marker === undefined ? [] : [branch.marker],
    ...(Number.isNaN(createdAt) ? {} : { createdAt }),
  };
}

/** @throws FlaresmithError when the projects could not be listed whole */
export async function listMarkedProjects(context: Context): Promise<MarkedResource[]> {
  const account = await readAccount(context);
  return account.flatMap(({ branches, project }) => {
    const { id, name } = project;
    return branches
      .filter((branch) => isRoot(branch) && branch.marker !== undefined)
      .map((root) => ({
        id,
        name,
        scope: context.account,
        ...found({ ...root, created_at: project.created_at }),
      }));
  });
}

/** @throws FlaresmithError when the projects could not be listed whole */
export async function listMarkedBranches(context: Context): Promise<MarkedResource[]> {
  const account = await readAccount(context);
  return account.flatMap(({ branches, project }) =>
    branches
      .filter((branch) => !isRoot(branch) && branch.marker !== undefined)
      .map((branch) => ({
        id: branch.id,
        name: branch.name,
        scope: project.id,
        ...found(branch),
        inside: [
          { type: "project", id: project.id },
          ...(branch.parent_id === undefined ? [] : [{ type: "branch", id: branch.parent_id }]),
        ],
      })),
  );
}
