/** Making a repository: plainly, or from a template. The marker goes into the description of the creating call. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { ResourceContext } from "../engine/resource.ts";
import type { Answer, GitHubClient, Refusal } from "./client.ts";
import { creationMark, ownerOf } from "./repository-observed.ts";
import { accountKind, identityOf, readByName } from "./repository-access.ts";
import type { RepositoryData } from "./repository-access.ts";
import type { RepositoryDesired } from "./types.ts";

type Context = ResourceContext<GitHubClient>;

async function generate(
  desired: RepositoryDesired,
  template: { owner: string; repository: string },
  context: Context,
): Promise<Answer<RepositoryData> | Refusal> {
  const { client, signal, marker } = context;
  const what = `creating the repository ${desired.owner}/${desired.name} from the template ${template.owner}/${template.repository}`;
  const answer = await client.attempt<RepositoryData>(
    { what, signal, write: true, tolerate: [404, 422], field: "spec.github.template" },
    (request) =>
      request("POST /repos/{template_owner}/{template_repo}/generate", {
        template_owner: template.owner,
        template_repo: template.repository,
        owner: desired.owner,
        name: desired.name,
        description: creationMark(marker),
        private: desired.visibility !== "Public",
        include_all_branches: false,
      }),
  );
  if (answer.ok || answer.failure.status !== 404) return answer;
  // GitHub says 404 for each of these; people want to know which.
  const found = await readByName(context, template.owner, template.repository);
  const name = `${template.owner}/${template.repository}`;
  throw new FlaresmithError({
    code: "SPEC_REFERENCE_MISSING",
    message:
      found === undefined
        ? `the template repository ${name} does not exist, or the credentials cannot see it`
        : found.is_template === false
          ? `the repository ${name} is no template`
          : `GitHub refuses to generate ${desired.owner}/${desired.name} from ${name}`,
    field: "spec.github.template",
    hint:
      found === undefined
        ? "Correct spec.github.template, or give the credentials of the Connection read access to it."
        : found.is_template === false
          ? `Turn on "Template repository" in the settings of ${name}.`
          : "Give the credentials of the Connection the permission administration: write on the owner's repositories.",
    context: { provider: "github" },
  });
}

async function createPlain(
  desired: RepositoryDesired,
  context: Context,
): Promise<Answer<RepositoryData> | Refusal> {
  const { client, signal, marker } = context;
  const { owner, name, visibility } = desired;
  const call = { what: `creating the repository ${owner}/${name}`, signal, write: true, tolerate: [422] };
  const body = { name, description: creationMark(marker), private: visibility !== "Public", auto_init: true };
  if ((await accountKind(context, owner)) === "Organization")
    return client.attempt<RepositoryData>(call, (request) =>
      request("POST /orgs/{org}/repos", { org: owner, ...body }),
    );
  const identity = await identityOf(context);
  if (identity.kind === "app" || identity.account.login.toLowerCase() !== owner.toLowerCase())
    throw new FlaresmithError({
      code: "INTEGRATION_PERMISSION_MISSING",
      message: `the ${identity.kind === "app" ? "GitHub App" : "user"} ${identity.name} cannot create repositories for the user ${owner}`,
      field: "spec.github.owner",
      hint: `Use a personal token of ${owner}, let spec.github.owner be an organization, or create the repository yourself and adopt it.`,
      context: { provider: "github" },
    });
  return client.attempt<RepositoryData>(call, (request) => request("POST /user/repos", body));
}

/**
 * Creates the repository, or finds the one that our own lost call created.
 *
 * @throws FlaresmithError INTEGRATION_NAME_CONFLICT when the name belongs to a repository that is not ours,
 * SPEC_REFERENCE_MISSING when the template cannot be used
 */
export async function createRepository(
  desired: RepositoryDesired,
  context: Context,
): Promise<RepositoryData> {
  const { owner, name, template } = desired;
  const answer = template ? await generate(desired, template, context) : await createPlain(desired, context);
  if (answer.ok) return answer.data;
  if (!/already exists/i.test(answer.failure.message)) throw answer.error;
  const existing = await readByName(context, owner, name);
  // A renamed repository answers under its old name, but is not what the name belongs to.
  const same = existing?.full_name.toLowerCase() === `${owner}/${name}`.toLowerCase();
  if (same && existing && ownerOf(existing, context.marker) === "ours") return existing;
  throw new FlaresmithError({
    code: "INTEGRATION_NAME_CONFLICT",
    message: `the name ${owner}/${name} belongs to a repository that ${existing === undefined ? "the credentials cannot see" : "is not this Project's"}`,
    field: "spec.github.repository",
    context: { provider: "github" },
    ...(existing === undefined
      ? { hint: "Give the credentials of the Connection access to it, or choose another name." }
      : {}),
  });
}
