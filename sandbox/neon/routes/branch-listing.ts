import { badRequest } from "../errors.ts";
import type { BranchRecord } from "../records.ts";
import { findProject } from "../service.ts";
import type { NeonService } from "../service.ts";
import { booleanQuery, integerQuery } from "../validation.ts";
import { annotationView, branchView } from "../views.ts";
import type { NeonApp } from "./route.ts";

const sortKeys = ["name", "created_at", "updated_at"] as const;
type SortKey = (typeof sortKeys)[number];

function sortValue(branch: BranchRecord, key: SortKey): string | number {
  if (key === "name") return branch.name;
  return key === "created_at" ? branch.createdAt : branch.updatedAt;
}

/** Where a page ended: the last branch's sort value and id, so that a page goes on even if that branch is gone by then. */
type Position = readonly [value: string | number, id: string];

function compare(left: Position, right: Position): number {
  if (left[0] !== right[0]) return left[0] < right[0] ? -1 : 1;
  return left[1] < right[1] ? -1 : left[1] > right[1] ? 1 : 0;
}

function decodeCursor(cursor: string, key: SortKey): Position {
  try {
    const [value, id] = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")) as unknown[];
    if (typeof id === "string" && typeof value === (key === "name" ? "string" : "number"))
      return [value as string | number, id];
  } catch {
    // An undecodable cursor is refused like one of another sort order.
  }
  throw badRequest('parameter "cursor" in query has an error: invalid cursor');
}

/** Branch listings: sorted, paged, with the annotations of every branch of the page. */
export function branchListingRoutes(app: NeonApp, service: NeonService): void {
  const { clock } = service.context;
  const matching = (projectId: string, search: string, deleted: boolean): BranchRecord[] =>
    service.store
      .branches(projectId)
      .allSeen()
      .filter((branch) => branch.deletedAt === undefined || (deleted && branch.recoverable === true))
      .filter(
        (branch) => branch.name.toLowerCase().includes(search.toLowerCase()) || branch.id.includes(search),
      );

  app.get("/projects/:project/branches", (c) => {
    const project = findProject(service, c.get("key"), c.req.param("project"), { seen: true });
    const limit = integerQuery(c.req.query("limit"), {
      name: "limit",
      minimum: 1,
      maximum: 10_000,
      fallback: 10_000,
    });
    const sortBy = (c.req.query("sort_by") ?? "updated_at") as SortKey;
    const order = c.req.query("sort_order") ?? "desc";
    if (!sortKeys.includes(sortBy))
      throw badRequest('parameter "sort_by" in query has an error: value is not one of the allowed values');
    if (order !== "asc" && order !== "desc")
      throw badRequest(
        'parameter "sort_order" in query has an error: value is not one of the allowed values',
      );
    const found = matching(
      project.id,
      c.req.query("search") ?? "",
      booleanQuery(c.req.query("include_deleted"), "include_deleted"),
    );
    const direction = order === "asc" ? 1 : -1;
    const position = (branch: BranchRecord): Position => [sortValue(branch, sortBy), branch.id];
    const sorted = found.sort((left, right) => compare(position(left), position(right)) * direction);
    const cursor = c.req.query("cursor");
    const after = cursor === undefined ? undefined : decodeCursor(cursor, sortBy);
    const rest =
      after === undefined
        ? sorted
        : sorted.filter((branch) => compare(position(branch), after) * direction > 0);
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    const more = rest.length > page.length && last !== undefined;
    return c.json({
      branches: page.map((branch) => branchView(branch, clock.now())),
      annotations: Object.fromEntries(
        page
          .filter((branch) => Object.keys(branch.annotations).length > 0)
          .map((branch) => [branch.id, annotationView(branch)]),
      ),
      pagination: {
        ...(more ? { next: Buffer.from(JSON.stringify(position(last))).toString("base64url") } : {}),
        sort_by: sortBy,
        sort_order: order,
      },
    });
  });

  app.get("/projects/:project/branches/count", (c) => {
    const project = findProject(service, c.get("key"), c.req.param("project"), { seen: true });
    return c.json({ count: matching(project.id, c.req.query("search") ?? "", false).length });
  });
}
