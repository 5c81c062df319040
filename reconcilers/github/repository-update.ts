/** Bringing a repository to what is desired: settings first, then our topic, which says that they are done. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { FieldChange, ResourceContext, WriteResult } from "../engine/resource.ts";
import type { GitHubClient } from "./client.ts";
import { readHead } from "./heads.ts";
import { markerTopic, observedOf, settingKeys, settingNames } from "./repository-observed.ts";
import type { RepositoryData } from "./repository-access.ts";
import type { RepositoryDesired, RepositoryObserved, RepositorySettings } from "./types.ts";

type Context = ResourceContext<GitHubClient>;

/** GitHub takes and checks these two by two. */
const pairs: readonly (readonly [keyof RepositorySettings, keyof RepositorySettings])[] = [
  ["squashMergeCommitTitle", "squashMergeCommitMessage"],
  ["mergeCommitTitle", "mergeCommitMessage"],
];

/** GitHub allows 20, and one is our marker. */
const MOST_TOPICS = 19;

export const normalTopics = (topics: readonly string[]): string[] =>
  [...new Set(topics.map((topic) => topic.toLowerCase()))].toSorted();

function settingsBody(
  desired: RepositorySettings,
  observed: RepositorySettings,
  changed: ReadonlySet<string>,
): Record<string, unknown> {
  const wanted = new Set(settingKeys.filter((key) => changed.has(`settings.${key}`)));
  for (const [title, message] of pairs) {
    if (!wanted.has(title) && !wanted.has(message)) continue;
    wanted.add(title).add(message);
  }
  const body: Record<string, unknown> = {};
  for (const key of wanted) {
    const value = desired[key] ?? observed[key];
    if (value !== undefined) body[settingNames[key]] = value;
  }
  return body;
}

/** While a repository was only just made by us, its first branch may still be called what GitHub called it. */
async function prepareDefaultBranch(
  branch: string,
  observed: RepositoryObserved,
  context: Context,
): Promise<void> {
  if ((await readHead(context, observed.fullName, branch)) !== undefined) return;
  const { client, signal } = context;
  const { owner, name: repo, fullName, defaultBranch } = observed;
  const sha = observed.descriptionIsMarker ? await readHead(context, fullName, defaultBranch) : undefined;
  if (sha === undefined)
    throw new FlaresmithError({
      code: "SPEC_REFERENCE_MISSING",
      message: `the repository ${fullName} has no branch ${branch} that could be its default branch`,
      field: "spec.github.defaultBranch",
      hint: `Push the branch ${branch}, or name an existing one.`,
      context: { provider: "github" },
    });
  await client.attempt(
    { what: `creating the branch ${branch} of ${fullName}`, signal, write: true, tolerate: [422] },
    (request) =>
      request("POST /repos/{owner}/{repo}/git/refs", { owner, repo, ref: `refs/heads/${branch}`, sha }),
  );
}

/** What stops every change before the first call. */
function refuse(desired: RepositoryDesired, observed: RepositoryObserved, topics: readonly string[]): void {
  const { fullName, owner } = observed;
  const context = { provider: "github" };
  if (observed.archived)
    throw new FlaresmithError({
      code: "ENV_ARCHIVED",
      message: `the repository ${fullName} is archived, so that nothing in it can be changed`,
      hint: "Unarchive the repository on GitHub, or set spec.github.mode to Reference.",
      context,
    });
  if (owner.toLowerCase() !== desired.owner.toLowerCase())
    throw new FlaresmithError({
      code: "SPEC_INVALID",
      message: `the repository ${desired.owner}/${desired.name} was transferred and is ${fullName} now`,
      field: "spec.github.owner",
      hint: `Set spec.github.owner to ${owner}, or transfer the repository back.`,
      context,
    });
  if (topics.length > MOST_TOPICS)
    throw new FlaresmithError({
      code: "SPEC_INVALID",
      message: `the repository ${fullName} would have ${topics.length} topics beside Flaresmith's own, of ${MOST_TOPICS} that there is room for`,
      field: "spec.github.topics",
      hint: `List at most ${MOST_TOPICS} topics.`,
      context,
    });
}

/** GitHub answers 404 to changes while it generates a repository, and to those who may read but not administrate. */
function notAccepted(observed: RepositoryObserved): string {
  if (observed.descriptionIsMarker) return `the settings of the repository ${observed.fullName}`;
  throw new FlaresmithError({
    code: "INTEGRATION_PERMISSION_MISSING",
    message: `GitHub answers 404 to changes of the repository ${observed.fullName}, which the credentials can read`,
    hint: "Grant the credentials of the Connection the permission administration: write on the repository.",
    context: { provider: "github" },
  });
}

/** @returns undefined after a 404 */
async function patch(
  observed: RepositoryObserved,
  body: Record<string, unknown>,
  context: Context,
): Promise<RepositoryData | undefined> {
  const { client, signal } = context;
  const { owner, name: repo, fullName } = observed;
  const what = `changing ${Object.keys(body).toSorted().join(", ")} of the repository ${fullName}`;
  const answer = await client.attempt<RepositoryData>(
    { what, signal, write: true, tolerate: [404, 422], field: "spec.github" },
    (request) => request("PATCH /repos/{owner}/{repo}", { owner, repo, ...body }),
  );
  if (answer.ok) return answer.data;
  if (answer.failure.status === 404) return undefined;
  if (body["visibility"] === "internal" && /visibility/i.test(answer.failure.message))
    throw new FlaresmithError({
      code: "INTEGRATION_UNSUPPORTED_BY_PLAN",
      message: `the repository ${fullName} cannot be Internal: ${answer.failure.message}`,
      field: "spec.github.visibility",
      hint: "Only organizations of an enterprise have internal repositories: choose Private or Public.",
      context: { provider: "github" },
    });
  if (!/already exists/i.test(answer.failure.message)) throw answer.error;
  throw new FlaresmithError({
    code: "INTEGRATION_NAME_CONFLICT",
    message: `the repository ${fullName} cannot be called ${String(body["name"])}, because another one has that name`,
    field: "spec.github.repository",
    hint: `Set spec.github.repository to ${repo}, or rename the other repository.`,
    context: { provider: "github" },
  });
}

/** Our own first commit, which the new default branch now holds: nothing is lost. */
async function dropFirstBranch(observed: RepositoryObserved, context: Context): Promise<void> {
  const { client, signal } = context;
  const { owner, name: repo, fullName, defaultBranch } = observed;
  const what = `deleting the branch ${defaultBranch} of ${fullName}`;
  await client.attempt({ what, signal, write: true, tolerate: [404, 422] }, (request) =>
    request("DELETE /repos/{owner}/{repo}/git/refs/{ref}", { owner, repo, ref: `heads/${defaultBranch}` }),
  );
}

/** @returns false after a 404 */
async function putTopics(
  observed: RepositoryObserved,
  names: readonly string[],
  context: Context,
): Promise<boolean> {
  const { client, signal } = context;
  const { owner, name: repo, fullName } = observed;
  const what = `setting the topics of the repository ${fullName}`;
  const answer = await client.attempt({ what, signal, write: true, tolerate: [404] }, (request) =>
    request("PUT /repos/{owner}/{repo}/topics", { owner, repo, names: [...names] }),
  );
  return answer.ok;
}

/**
 * Applies the named changes. The topic goes on before the marker leaves the description, so that the repository is
 * marked at every moment.
 *
 * @returns `pending` when GitHub does not accept settings yet, because it is still generating the repository
 * @throws FlaresmithError ENV_ARCHIVED for an archived repository, SPEC_INVALID for more topics than there is room for
 * and for a repository that was transferred, INTEGRATION_NAME_CONFLICT for a name that another repository has,
 * INTEGRATION_UNSUPPORTED_BY_PLAN where there are no internal repositories
 */
export async function updateRepository(
  desired: RepositoryDesired,
  observed: RepositoryObserved,
  changes: readonly FieldChange[],
  context: Context,
): Promise<WriteResult<RepositoryObserved>> {
  const { marker } = context;
  const changed = new Set(changes.map((change) => change.field));
  const topics = normalTopics(desired.topics ?? observed.topics);
  refuse(desired, observed, topics);
  const id = String(observed.id);
  const later = { id, name: observed.name };
  const { defaultBranch } = desired;
  const body = settingsBody(desired.settings ?? {}, observed.settings, changed);
  const last: Record<string, unknown> = {};
  if (changed.has("description")) {
    (observed.descriptionIsMarker ? last : body)["description"] = desired.description ?? "";
  }
  // Under a new name every call after it would have to follow.
  if (changed.has("name")) last["name"] = desired.name;
  if (changed.has("visibility") && desired.visibility) body["visibility"] = desired.visibility.toLowerCase();
  if (changed.has("defaultBranch") && defaultBranch !== undefined) {
    await prepareDefaultBranch(defaultBranch, observed, context);
    body["default_branch"] = defaultBranch;
  }
  let data: RepositoryData | undefined;
  if (Object.keys(body).length > 0) {
    data = await patch(observed, body, context);
    if (!data) return { ...later, pending: notAccepted(observed) };
    if (body["default_branch"] !== undefined && observed.descriptionIsMarker)
      await dropFirstBranch(observed, context);
  }
  let names = [...observed.topics, ...(observed.marked ? [markerTopic(marker)] : [])];
  if (["topics", "markerTopic", "marker"].some((field) => changed.has(field))) {
    names = [...topics, markerTopic(marker)];
    if (!(await putTopics(observed, names, context))) return { ...later, pending: notAccepted(observed) };
  }
  if (Object.keys(last).length > 0) {
    data = await patch(observed, last, context);
    if (!data) return { ...later, pending: notAccepted(observed) };
  }
  const { contentReady } = observed;
  const next = data
    ? observedOf({ ...data, topics: names }, { contentReady, marker })
    : {
        ...observed,
        topics: normalTopics(changed.has("topics") ? topics : observed.topics),
        marked: names.includes(markerTopic(marker)),
      };
  return { id, name: next.name, observed: next };
}
