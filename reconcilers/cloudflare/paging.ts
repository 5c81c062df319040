/** Reads lists whole. The SDK's iterator asks for one page more than there are, and cannot tell a list that broke off. */
import type { z } from "zod";
import { z as zod } from "zod";
import type { CloudflareClient } from "./client.ts";
import { invalidAnswer } from "./failures.ts";
import type { Purpose } from "./failures.ts";

interface ListOptions<Item extends z.ZodType> {
  path: string;
  query?: Readonly<Record<string, string>>;
  item: Item;
  purpose: Omit<Purpose, "write">;
  signal: AbortSignal;
}

type Caller = Pick<CloudflareClient, "call">;

/** More pages than any account has; a server that never ends must not hold a worker. */
const MOST_PAGES = 1000;

/**
 * A list in one answer.
 * @throws FlaresmithError when it could not be read whole
 */
export async function readList<Item extends z.ZodType>(
  client: Caller,
  options: ListOptions<Item>,
): Promise<z.output<Item>[]> {
  const { path, query, purpose, signal } = options;
  const answer = await client.call({
    method: "GET",
    path,
    ...(query === undefined ? {} : { query }),
    result: zod.array(options.item),
    purpose,
    signal,
  });
  return answer.result;
}

/**
 * A list by `page` and `per_page`, whole.
 * @param options `perPage`: the most that the API gives at once
 * @throws FlaresmithError when a page failed, or when fewer items came than `total_count` says: it proves no absence
 */
export async function readPages<Item extends z.ZodType>(
  client: Caller,
  options: ListOptions<Item> & { perPage: number },
): Promise<z.output<Item>[]> {
  const { path, purpose, signal, perPage } = options;
  const items: z.output<Item>[] = [];
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const query = { ...options.query, page: String(page), per_page: String(perPage) };
    const { result, resultInfo } = await client.call({
      method: "GET",
      path,
      query,
      result: zod.array(options.item),
      purpose,
      signal,
    });
    items.push(...result);
    const total = resultInfo["total_count"];
    const pages = resultInfo["total_pages"];
    if (typeof total === "number") {
      if (items.length >= total) return items;
      if (result.length === 0)
        throw invalidAnswer(
          { ...purpose, write: false },
          `the list broke off after ${items.length} of ${total} entries`,
        );
    } else if (typeof pages === "number" ? page >= pages : result.length < perPage) {
      return items;
    }
  }
  throw invalidAnswer({ ...purpose, write: false }, `the list has more than ${MOST_PAGES} pages`);
}

/**
 * A list by cursor, whole.
 * @param options `pick`: shape of `result` and the items in it, for lists that are wrapped in an object
 */
export async function readCursor<Result extends z.ZodType, Item>(
  client: Caller,
  options: {
    path: string;
    query?: Readonly<Record<string, string>>;
    result: Result;
    pick(result: z.output<Result>): readonly Item[];
    purpose: Omit<Purpose, "write">;
    signal: AbortSignal;
  },
): Promise<Item[]> {
  const { path, purpose, signal } = options;
  const items: Item[] = [];
  let cursor = "";
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const query = { ...options.query, ...(cursor === "" ? {} : { cursor }) };
    const { result, resultInfo } = await client.call({
      method: "GET",
      path,
      query,
      result: options.result,
      purpose,
      signal,
    });
    items.push(...options.pick(result));
    const next = nextCursor(resultInfo);
    if (next === "") return items;
    if (next === cursor) throw invalidAnswer({ ...purpose, write: false }, "the list repeats its cursor");
    cursor = next;
  }
  throw invalidAnswer({ ...purpose, write: false }, `the list has more than ${MOST_PAGES} pages`);
}

function nextCursor(info: Readonly<Record<string, unknown>>): string {
  if (typeof info["cursor"] === "string") return info["cursor"];
  const cursors = info["cursors"];
  const after = typeof cursors === "object" && cursors !== null && "after" in cursors ? cursors.after : "";
  return typeof after === "string" ? after : "";
}
