import type { Call } from "./call.ts";
import { invalidRequest, type Reply } from "./failure.ts";

/** One page of a list and the `Link` header that leads to the others. */
export interface Page<Item> {
  items: Item[];
  headers: Record<string, string>;
}

function positive(text: string | null, fallback: number): number {
  const value = Number(text ?? fallback);
  return Number.isInteger(value) && value > 0 ? value : fallback;
}

/**
 * Cuts a list to the page that was asked for. `page` and `per_page` outside their range fall back as GitHub does.
 * @param base path below the public URL that `Link` uses; GitHub writes ids there, not names
 * @param size default and largest page (30 and 100 unless the endpoint says otherwise)
 */
export function paginate<Item>(
  call: Call,
  base: string,
  all: readonly Item[],
  size: { fallback: number; cap: number } = { fallback: 30, cap: 100 },
): Page<Item> {
  const perPage = Math.min(positive(call.query.get("per_page"), size.fallback), size.cap);
  const page = positive(call.query.get("page"), 1);
  const last = Math.max(1, Math.ceil(all.length / perPage));
  const link = (target: number, relation: string): string => {
    const query = new URLSearchParams(call.query);
    query.set("page", String(target));
    return `<${call.world.publicUrl}${base}?${query.toString()}>; rel="${relation}"`;
  };
  const links: string[] = [];
  if (page > 1) links.push(link(Math.min(page - 1, last), "prev"));
  if (page < last) links.push(link(page + 1, "next"), link(last, "last"));
  if (page > 1) links.push(link(1, "first"));
  return {
    items: all.slice((page - 1) * perPage, page * perPage),
    headers: links.length > 0 ? { link: links.join(", ") } : {},
  };
}

/** 200 with one page of a plain list. */
export function listReply<Item>(call: Call, base: string, all: readonly Item[]): Reply {
  const { items, headers } = paginate(call, base, all);
  return { status: 200, body: items, headers };
}

/** The string at `field`. @throws ApiFailure 422 when it is missing or no string */
export function text(body: Record<string, unknown>, field: string): string {
  const value = body[field];
  if (value === undefined) throw invalidRequest(`"${field}" wasn't supplied.`);
  if (typeof value !== "string")
    throw invalidRequest(`For 'properties/${field}', ${JSON.stringify(value)} is not a string.`);
  return value;
}

/** The string at `field`, or undefined when absent or null. */
export function optionalText(body: Record<string, unknown>, field: string): string | undefined {
  const value = body[field];
  return value === undefined || value === null ? undefined : text(body, field);
}

/** The boolean at `field`, or undefined when absent or null. @throws ApiFailure 422 when it is none */
export function optionalFlag(body: Record<string, unknown>, field: string): boolean | undefined {
  const value = body[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "boolean")
    throw invalidRequest(`For 'properties/${field}', ${JSON.stringify(value)} is not a boolean.`);
  return value;
}
