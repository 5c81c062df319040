import { failure, success } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";

function positive(c: CloudflareRequest, name: string, fallback: number, maximum: number): number {
  const text = c.req.query(name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw failure(400, 10002, `Invalid query parameter '${name}': must be a positive integer`);
  return Math.min(value, maximum);
}

/**
 * Cuts a list by `page` and `per_page`.
 * @param limits default and greatest `per_page` (defaults 20 and 100)
 * @returns the page's items and the list's `result_info`
 */
export function slicePage<Item>(
  c: CloudflareRequest,
  items: readonly Item[],
  limits: { perPage?: number; maximum?: number } = {},
): { result: Item[]; resultInfo: Record<string, number> } {
  const page = positive(c, "page", 1, Number.MAX_SAFE_INTEGER);
  const perPage = positive(c, "per_page", limits.perPage ?? 20, limits.maximum ?? 100);
  const result = items.slice((page - 1) * perPage, page * perPage);
  const resultInfo = {
    page,
    per_page: perPage,
    count: result.length,
    total_count: items.length,
    total_pages: Math.ceil(items.length / perPage),
  };
  return { result, resultInfo };
}

/** A `page`/`per_page` list answer with its `result_info`; see `slicePage`. */
export function pageNumbered(
  c: CloudflareRequest,
  items: unknown[],
  limits: { perPage?: number; maximum?: number } = {},
): Response {
  const { result, resultInfo } = slicePage(c, items, limits);
  return success(result, { resultInfo });
}

/** One page cut by a cursor: the items and, when more follow, the cursor of the next page. */
export interface CursorPage<Item> {
  items: Item[];
  cursor: string;
  perPage: number;
}

/**
 * Cuts a list by an opaque cursor (the position of the next item).
 * @param limits name of the size parameter (default `per_page`), its default and greatest value
 * @throws CloudflareFailure 400 when the cursor is not one that this API gave out
 */
export function pageByCursor<Item>(
  c: CloudflareRequest,
  items: Item[],
  limits: { parameter?: string; perPage: number; maximum: number },
): CursorPage<Item> {
  const perPage = positive(c, limits.parameter ?? "per_page", limits.perPage, limits.maximum);
  const given = c.req.query("cursor");
  const start = given ? Number(Buffer.from(given, "base64url").toString("utf8")) : 0;
  if (!Number.isInteger(start) || start < 0) throw failure(400, 10002, "Invalid cursor");
  const next = start + perPage;
  const cursor = next < items.length ? Buffer.from(String(next)).toString("base64url") : "";
  return { items: items.slice(start, next), cursor, perPage };
}
