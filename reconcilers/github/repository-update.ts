/** Bringing a repository to what is desired: settings first, our topic last, because it says that all is done. */
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

export const normalTopics = (topics: readonly string[]): string[] => [...new Set(topics.map((topic) => topic.toLowerCase()))].toSorted();

function settingsBody(desired: RepositorySettings, observed: RepositorySettings, changed: ReadonlySet<string>): Record<string, unknown> {
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
async function prepareDefaultBranch(branch: string, observed: RepositoryObserved, context: Context): Promise<void> {
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
  await client.attempt({ what: `creating the branch ${branch} of ${fullName}`, signal, write: true, tolerate: [422] }, (request) =>
    request("POST /repos/{owner}/{repo}/git/refs", { owner, repo, ref: `refs/heads/${branch}`, sha }),
  );
}

/**
 * Applies the named changes.
 *
 * @returns `pending` when GitHub does not accept settings yet, because it is still generating the repository
 * @throws FlaresmithError ENV_ARCHIVED for an archived repository, SPEC_INVALID for more topics than there is room for
 */
export async function updateRepository(
  desired: RepositoryDesired,
  observed: RepositoryObserved,
  changes: readonly FieldChange[],
  context: Context,
): Promise<WriteResult<RepositoryObserved>> {
  const { client, signal, marker } = context;
  const { owner, name: repo, fullName } = observed;
  const id = String(observed.id);
  if (observed.archived)
    throw new FlaresmithError({
      code: "ENV_ARCHIVED",
      message: `the repository ${fullName} is archived, so that nothing in it can be changed`,
      hint: "Unarchive the repository on GitHub, or set spec.github.mode to Reference.",
      context: { provider: "github" },
    });
  const changed = new Set(changes.map((change) => change.field));
  const topics = normalTopics(desired.topics ?? observed.topics);
  if (topics.length > MOST_TOPICS)
    throw new FlaresmithError({
      code: "SPEC_INVALID",
      message: `the repository ${fullName} would have ${topics.length} topics beside Flaresmith's own, of ${MOST_TOPICS} that there is room for`,
      field: "spec.github.topics",
      hint: `List at most ${MOST_TOPICS} topics.`,
      context: { provider: "github" },
    });
  const body = settingsBody(desired.settings ?? {}, observed.settings, changed);
  if (changed.has("description")) body["description"] = desired.description ?? "";
  if (changed.has("visibility") && desired.visibility) body["visibility"] = desired.visibility.toLowerCase();
  const moves = changed.has("defaultBranch") && desired.defaultBranch !== undefined;
  if (moves && desired.defaultBranch !== undefined) {
    await prepareDefaultBranch(desired.defaultBranch, observed, context);
    body["default_branch"] = desired.defaultBranch;
  }
  let data: RepositoryData | undefined;
  if (Object.keys(body).length > 0) {
    const answer = await client.attempt<RepositoryData>({ what: `changing ${Object.keys(body).toSorted().join(", ")} of the repository ${fullName}`, signal, write: true, tolerate: [404] }, (request) =>
      request("PATCH /repos/{owner}/{repo}", { owner, repo, ...body }),
    );
    if (!answer.ok) {
      if (!observed.marked) return { id, name: repo, pending: "the settings of the repository, which GitHub is still generating" };
      throw answer.error;
    }
    data = answer.data;
  }
  if (moves && observed.descriptionIsMarker && observed.defaultBranch !== desired.defaultBranch) {
    // Our own first commit, which the new default branch now holds: nothing is lost.
    await client.attempt({ what: `deleting the branch ${observed.defaultBranch} of ${fullName}`, signal, write: true, tolerate: [404, 422] }, (request) =>
      request("DELETE /repos/{owner}/{repo}/git/refs/{ref}", { owner, repo, ref: `heads/${observed.defaultBranch}` }),
    );
  }
  let names: readonly string[] = [...observed.topics, ...(observed.marked ? [markerTopic(marker)] : [])];
  if (changed.has("topics") || changed.has("markerTopic") || changed.has("marker")) {
    names = [...topics, markerTopic(marker)];
    const answer = await client.attempt({ what: `setting the topics of the repository ${fullName}`, signal, write: true, tolerate: [404] }, (request) =>
      request("PUT /repos/{owner}/{repo}/topics", { owner, repo, names: [...names] }),
    );
    if (!answer.ok) {
      if (!observed.marked) return { id, name: repo, pending: "the topics of the repository, which GitHub is still generating" };
      throw answer.error;
    }
  }
  const next = data
    ? observedOf({ ...data, topics: names }, { contentReady: observed.contentReady, marker })
    : { ...observed, topics: normalTopics(changed.has("topics") ? topics : observed.topics), marked: names.includes(markerTopic(marker)) };
  return { id, name: next.name, observed: next };
}
