/** The two listings that answer almost every shallow question: the account's projects, and a project's branches. */
import type {
  Branch,
  BranchesResponse,
  Endpoint,
  EndpointsResponse,
  ProjectListItem,
  ProjectsResponse,
} from "@neondatabase/api-client";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { ResourceContext } from "../engine/resource.ts";
import type { NeonClient } from "./client.ts";

type Context = Pick<ResourceContext<NeonClient>, "client" | "signal">;

/** The annotation that carries our marker. */
export const ANNOTATION = "flaresmith";

interface Page {
  pagination?: { cursor?: string; next?: string };
}

interface Annotated {
  annotations?: Record<string, { value?: Record<string, string> }>;
}

export interface ListedProjects {
  projects: readonly ProjectListItem[];
  /** Projects that Neon could not look at in time: unknown, never absent. */
  unavailable: ReadonlySet<string>;
}

const PROJECTS_PAGE = 400;

/**
 * Every project of an organization (or of the key's account).
 * @param options.deleted those that were deleted in the last seven days, in place of the others
 * @throws FlaresmithError when it could not be read whole
 */
export async function listProjects(
  { client, signal }: Context,
  orgId: string,
  options: { deleted?: boolean } = {},
): Promise<ListedProjects> {
  const projects: ProjectListItem[] = [];
  const unavailable = new Set<string>();
  let cursor: string | undefined;
  for (;;) {
    const query = new URLSearchParams({ limit: String(PROJECTS_PAGE) });
    if (orgId !== "") query.set("org_id", orgId);
    if (options.deleted === true) query.set("recoverable", "true");
    if (cursor !== undefined) query.set("cursor", cursor);
    const page = await client.read<ProjectsResponse & Page>(`/projects?${query.toString()}`, {
      what: "listing the projects",
      signal,
    });
    if (!page || !Array.isArray(page.projects)) throw brokenListing("projects");
    projects.push(...page.projects);
    const hidden = page.unavailable_project_ids ?? [];
    for (const id of hidden) unavailable.add(id);
    const next = page.pagination?.cursor;
    if (next === undefined || next === "") return { projects, unavailable };
    // The cursor comes with the last page too: a short page is the last one, unless it is short because some are hidden.
    const short = page.projects.length < PROJECTS_PAGE && hidden.length === 0;
    if (short || page.projects.length + hidden.length === 0) return { projects, unavailable };
    if (next === cursor) throw brokenListing("projects");
    cursor = next;
  }
}

export interface ListedBranch extends Branch {
  /** Text of our marker annotation. */
  marker: string | undefined;
}

/**
 * Every branch of a project, with its marker; undefined when the project does not exist or the key may not see it.
 * @throws FlaresmithError when it could not be read whole
 */
export async function listBranches(
  { client, signal }: Context,
  projectId: string,
): Promise<readonly ListedBranch[] | undefined> {
  const branches: ListedBranch[] = [];
  let cursor: string | undefined;
  for (;;) {
    const query = new URLSearchParams({ limit: "10000" });
    if (cursor !== undefined) query.set("cursor", cursor);
    const path = `/projects/${projectId}/branches?${query.toString()}`;
    const page = await client.read<BranchesResponse & Annotated & Page>(path, {
      what: `listing the branches of project ${projectId}`,
      signal,
    });
    if (!page) return undefined;
    if (!Array.isArray(page.branches)) throw brokenListing(`branches of project ${projectId}`);
    for (const branch of page.branches)
      branches.push({ ...branch, marker: page.annotations?.[branch.id]?.value?.[ANNOTATION] });
    const next = page.pagination?.next;
    if (next === undefined || next === "") return branches;
    if (next === cursor) throw brokenListing(`branches of project ${projectId}`);
    cursor = next;
  }
}

/** Every compute endpoint of a project. @throws FlaresmithError when the project does not exist */
export async function listEndpoints(
  { client, signal }: Context,
  projectId: string,
): Promise<readonly Endpoint[]> {
  const path = `/projects/${projectId}/endpoints`;
  const page = await client.read<EndpointsResponse>(path, {
    what: `listing the computes of project ${projectId}`,
    signal,
  });
  if (!page || !Array.isArray(page.endpoints)) throw brokenListing(`computes of project ${projectId}`);
  return page.endpoints;
}

function brokenListing(what: string): FlaresmithError {
  return new FlaresmithError({
    code: "INTEGRATION_RESPONSE_INVALID",
    message: `Neon's listing of the ${what} could not be read`,
    context: { provider: "neon" },
  });
}
