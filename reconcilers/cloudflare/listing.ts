/** Listings that several definitions of a pass use. */
import type { ResourceContext } from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";

/**
 * A list that is shared by everyone who asks within its freshness, and read anew for whoever just wrote or doubts: a read
 * that is under way may have begun before the write.
 */
export function sharedList<Value>(
  context: Pick<ResourceContext<CloudflareClient>, "fresh" | "shared">,
  key: string,
  load: () => Promise<Value>,
): Promise<Value> {
  return context.fresh ? load() : context.shared(key, load);
}
