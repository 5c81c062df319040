import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { GitHubRequest } from "./client.ts";
import { requireVisible } from "./repository-access.ts";
import type { ReadContext } from "./repository-access.ts";

/**
 * Reads a list below a repository whole; undefined when GitHub answers 404 although the repository itself is visible,
 * which means that what the list belongs to does not exist.
 *
 * @throws FlaresmithError INTEGRATION_REPOSITORY_NOT_VISIBLE when the repository is not, and what the client throws
 */
export async function listOrAbsent<Data, Item>(
  context: ReadContext,
  options: { what: string; repository: string },
  send: (request: GitHubRequest, page: number) => Promise<{ status: number; data: Data; headers: object }>,
  items: (data: Data) => readonly Item[],
): Promise<Item[] | undefined> {
  const { client, signal, fresh } = context;
  try {
    return await client.list({ what: options.what, signal, fresh }, send, items);
  } catch (error) {
    if (!(error instanceof FlaresmithError) || error.code !== "INTEGRATION_NOT_FOUND") throw error;
    await requireVisible(context, options.repository);
    return undefined;
  }
}
