/** Every repository that a credential sees and that carries a marker, by topic or description. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { ListingContext, MarkedResource } from "../engine/resource.ts";
import type { GitHubClient } from "./client.ts";
import { accountKind } from "./repository-access.ts";
import type { RepositoryData } from "./repository-access.ts";
import { marksOf } from "./repository-observed.ts";

type Context = ListingContext<GitHubClient>;
type Listed = Pick<
  RepositoryData,
  "id" | "name" | "full_name" | "owner" | "description" | "topics" | "created_at"
>;

/** A repository and every mark on it, of whatever installation. */
export interface MarkedRepository {
  data: Listed;
  marks: readonly string[];
}

function ofInstallation({ client, signal }: Context): Promise<Listed[]> {
  return client.list(
    { what: "listing the repositories of the GitHub App's installation", signal },
    (request, page) => request("GET /installation/repositories", { per_page: 100, page }),
    (data): readonly Listed[] => data.repositories,
  );
}

/** A Project may name any owner, so that every repository counts that the user can reach. */
async function ofUser(context: Context): Promise<Listed[]> {
  const { account, client, signal } = context;
  const reached = await client.list(
    { what: "listing the repositories of the token's user", signal },
    (request, page) => request("GET /user/repos", { per_page: 100, page }),
    (data): readonly Listed[] => data,
  );
  if ((await accountKind({ ...context, fresh: false }, account)) !== "Organization") return reached;
  // A token that an organization gave lists there what its user's own list may leave out.
  const organization = await client.list(
    { what: `listing the repositories of ${account}`, signal },
    (request, page) => request("GET /orgs/{org}/repos", { org: account, per_page: 100, page }),
    (data) => data as readonly Listed[],
  );
  return [...reached, ...organization];
}

/**
 * Every repository that the credential sees and that carries a mark; one listing for all who ask.
 * @throws FlaresmithError when it could not be read whole
 */
export async function markedRepositories(context: Context): Promise<MarkedRepository[]> {
  const identity = await context.shared("identity", () => context.client.identity(context.signal));
  if (!identity.completeListing)
    context.note(
      `the credentials of ${identity.name} at GitHub may not see every repository of ${context.account}`,
    );
  const listed = await context.shared("repositories", () =>
    identity.kind === "app" ? ofInstallation(context) : ofUser(context),
  );
  const byId = new Map(listed.map((data) => [String(data.id), data] as const));
  return [...byId.values()].flatMap((data) => {
    if (data.topics === undefined) throw withoutTopics(data.name);
    const marks = marksOf(data);
    return marks.length === 0 ? [] : [{ data, marks }];
  });
}

/** @throws FlaresmithError when the repositories could not be listed whole */
export async function listMarkedRepositories(context: Context): Promise<MarkedResource[]> {
  const repositories = await markedRepositories(context);
  return repositories.map(({ data, marks }) => ({
    id: String(data.id),
    scope: data.owner.login,
    name: data.name,
    marks,
    createdAt: moment(data.created_at),
  }));
}

/** Wall clock milliseconds of a time that GitHub may leave out. */
export function moment(text: string | null | undefined): number | undefined {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? undefined : time;
}

/** Without topics nothing tells whose a repository is, and a listing without them would look like one without ours. */
function withoutTopics(name: string): FlaresmithError {
  return new FlaresmithError({
    code: "INTEGRATION_RESPONSE_INVALID",
    message: `GitHub's listing shows no topics of the repository ${name}`,
    context: { provider: "github" },
  });
}
