/** Every webhook that carries a marker, in the repositories that carry one: we make them nowhere else. */
import { isFlaresmithError } from "../../controller/runtime/errors.ts";
import type { ListingContext, MarkedResource } from "../engine/resource.ts";
import type { GitHubClient } from "./client.ts";
import { markedRepositories, moment } from "./repository-listing.ts";
import type { MarkedRepository } from "./repository-listing.ts";
import { listHooks } from "./webhook-read.ts";
import { readMarkedUrl } from "./webhook-url.ts";

type Context = ListingContext<GitHubClient>;

/** @throws FlaresmithError when the repositories could not be listed whole */
export async function listMarkedWebhooks(context: Context): Promise<MarkedResource[]> {
  const repositories = await markedRepositories(context);
  const found = await Promise.all(repositories.map((repository) => hooksOf(repository, context)));
  return found.flat();
}

async function hooksOf({ data }: MarkedRepository, context: Context): Promise<MarkedResource[]> {
  const { full_name: scope, id: repository } = data;
  try {
    const hooks = await context.shared(`hooks:${scope}`, () =>
      listHooks({ ...context, fresh: false, entry: undefined }, scope),
    );
    return hooks.flatMap(({ config, created_at: createdAt, id }) => {
      const { markerHash, url } = readMarkedUrl(config.url ?? "");
      if (markerHash === undefined) return [];
      const inside = [{ type: "repository", id: String(repository) }];
      return [
        { id: String(id), name: url, scope, marks: [markerHash], createdAt: moment(createdAt), inside },
      ];
    });
  } catch (error) {
    if (!isFlaresmithError(error)) throw error;
    // Credentials for an installation without a public address need no such permission, and made no webhook.
    if (error.code === "INTEGRATION_PERMISSION_MISSING")
      context.note(
        `the credentials for ${context.account} at GitHub may not see webhooks: none was looked for`,
      );
    else context.missed(`webhooks of ${scope}`, error);
    return [];
  }
}
