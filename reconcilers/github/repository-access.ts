/**
 * Reading repositories, and what a 404 is worth: GitHub also says it for "no access", so it proves nothing by itself
 * (law 1).
 */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { Reference, ResourceContext } from "../engine/resource.ts";
import { goneWord } from "../engine/gone-word.ts";
import type { GitHubClient } from "./client.ts";
import type { GitHubIdentity } from "./identity.ts";

/** What every read needs of a context; lookups have no more. */
export type ReadContext = Pick<
  ResourceContext<GitHubClient>,
  "client" | "signal" | "shared" | "fresh" | "entry"
>;

/** What is used of GitHub's representation; everything else in it may change without us. */
export interface RepositoryData {
  id: number | bigint;
  name: string;
  full_name: string;
  owner: { login: string };
  private: boolean;
  visibility?: string;
  html_url: string;
  clone_url: string;
  default_branch: string;
  description: string | null;
  topics?: readonly string[];
  archived: boolean;
  is_template?: boolean;
  created_at?: string | null;
}

/** Identities and kinds of accounts do not change while a process runs; an hour bounds how long a mistake lasts. */
const HOUR = 3_600_000;

/**
 * `owner/name` in two.
 *
 * @throws FlaresmithError SPEC_INVALID when it is not of that form
 */
export function splitName(fullName: string): { owner: string; repo: string } {
  const [owner, repo, more] = fullName.split("/");
  if (owner === undefined || owner === "" || repo === undefined || repo === "" || more !== undefined)
    throw new FlaresmithError({
      code: "SPEC_INVALID",
      message: `"${fullName}" is no repository of the form owner/name`,
    });
  return { owner, repo };
}

/** Where what lies in a repository lies, and which repository that is, whatever it is called. */
export function placeIn(fullName: string, id: number | undefined): Pick<Reference, "scope" | "scopeId"> {
  return { scope: fullName, ...(id === undefined ? {} : { scopeId: String(id) }) };
}

/** The repository of that name, also under the name it was renamed to; undefined after a 404. */
export async function readByName(
  context: ReadContext,
  owner: string,
  repo: string,
): Promise<RepositoryData | undefined> {
  const { client, signal, fresh } = context;
  const answer = await client.attempt(
    { what: `reading the repository ${owner}/${repo}`, signal, fresh, tolerate: [404] },
    (request) => request("GET /repos/{owner}/{repo}", { owner, repo }),
  );
  return answer.ok ? answer.data : undefined;
}

/** The repository of that id, whatever its name; undefined after a 404. */
export async function readById(context: ReadContext, id: number): Promise<RepositoryData | undefined> {
  const { client, signal, fresh } = context;
  const answer = await client.attempt<RepositoryData>(
    { what: `reading the repository with id ${id}`, signal, fresh, tolerate: [404] },
    (request) => request("GET /repositories/{repository_id}", { repository_id: id }),
  );
  return answer.ok ? answer.data : undefined;
}

/**
 * The error for a repository that was seen before and now answers 404.
 *
 * @param id the repository's own
 * @param part what names the thing that lay in it, in a person's word that the repository is gone
 */
export function notVisible(fullName: string, id?: string, part?: string): FlaresmithError {
  const word = id ?? part;
  return new FlaresmithError({
    code: "INTEGRATION_REPOSITORY_NOT_VISIBLE",
    message: `GitHub answers 404 for the repository ${fullName}${id === undefined ? "" : ` (id ${id})`}, which it also does where access is missing`,
    context: { provider: "github", repository: fullName },
    hint:
      word === undefined
        ? "Give the credentials of the Connection access to the repository, or correct its name."
        : `Give the credentials of the Connection access to the repository; if it was deleted, say so with the annotation flaresmith.dev/confirm-gone: "${word}"${id === undefined ? ", which names what lay in it" : ""}.`,
  });
}

/**
 * Called when something below a repository answered 404: that counts only if the repository itself answers 200, or is
 * gone for good: by a complete listing, or by a person's word (`entry.data.confirmGone`).
 *
 * @throws FlaresmithError INTEGRATION_REPOSITORY_NOT_VISIBLE when neither is so
 */
export async function requireVisible(context: ReadContext, repository: string): Promise<void> {
  const { owner, repo } = splitName(repository);
  const key = `repository-visible:${repository.toLowerCase()}`;
  const read = async (): Promise<boolean> => (await readByName(context, owner, repo)) !== undefined;
  if (await context.shared(key, read, 0)) return;
  if (context.entry?.data?.["confirmGone"] !== undefined) return;
  if (await provenGone(context, owner, { name: repo })) return;
  throw notVisible(repository, undefined, context.entry && goneWord(context.entry));
}

export function identityOf(context: ReadContext): Promise<GitHubIdentity> {
  return context.shared("identity", () => context.client.identity(context.signal), HOUR);
}

/**
 * Whether an owner is a user or an organization.
 *
 * @throws FlaresmithError SPEC_REFERENCE_MISSING when there is no such account
 */
export function accountKind(context: ReadContext, owner: string): Promise<"User" | "Organization"> {
  const load = async (): Promise<"User" | "Organization"> => {
    const what = `looking up the account ${owner}`;
    const answer = await context.client.attempt(
      { what, signal: context.signal, tolerate: [404] },
      (request) => request("GET /users/{username}", { username: owner }),
    );
    if (answer.ok) return answer.data.type === "Organization" ? "Organization" : "User";
    throw new FlaresmithError({
      code: "SPEC_REFERENCE_MISSING",
      message: `GitHub has no account ${owner}`,
      field: "spec.github.owner",
      hint: "Correct spec.github.owner, or spec.account of the Connection.",
      context: { provider: "github" },
    });
  };
  return context.shared(`account:${owner.toLowerCase()}`, load, HOUR);
}

const namesById = (
  repositories: readonly { id: number | bigint; name: string }[],
): ReadonlyMap<number, string> =>
  new Map(repositories.map(({ id, name }) => [Number(id), name.toLowerCase()]));

/**
 * Whether a complete listing, by a credential that sees all repositories of `owner`, lacks the id, or the name where no
 * id is known (a renamed repository still answers under its old one). False when no listing of that worth can be had.
 */
export async function provenGone(
  context: ReadContext,
  owner: string,
  wanted: { id: number } | { name: string },
): Promise<boolean> {
  const identity = await identityOf(context);
  if (!identity.completeListing || identity.account.login.toLowerCase() !== owner.toLowerCase()) return false;
  const { client, signal } = context;
  const load = async (): Promise<ReadonlyMap<number, string> | undefined> => {
    const what = `listing the repositories of ${owner}`;
    if (identity.kind === "user") {
      const own = await client.list(
        { what, signal },
        (request, page) => request("GET /user/repos", { affiliation: "owner", per_page: 100, page }),
        (data) => data,
      );
      return namesById(own);
    }
    // The selection may have been narrowed since the identity was read: this listing's own word counts.
    let all = true;
    const found = await client.list(
      { what, signal },
      (request, page) => request("GET /installation/repositories", { per_page: 100, page }),
      (data) => {
        all &&= data.repository_selection === "all";
        return data.repositories;
      },
    );
    return all ? namesById(found) : undefined;
  };
  const known = await context.shared(
    `repositories:${owner.toLowerCase()}`,
    load,
    context.fresh ? 0 : undefined,
  );
  if (known === undefined) return false;
  return "id" in wanted ? !known.has(wanted.id) : ![...known.values()].includes(wanted.name.toLowerCase());
}
