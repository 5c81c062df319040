/** GitHub's representation of a repository in the words of the spec. */
import { invalidAnswer } from "./failures.ts";
import type { RepositoryData } from "./repository-access.ts";
import { readMarkerText } from "../engine/marker.ts";
import type { Marker } from "../engine/marker.ts";
import type { RepositoryObserved, RepositorySettings, Visibility } from "./types.ts";

const MARKER_TOPIC = /^flaresmith-([0-9a-f]{12}-[0-9a-f]{24})$/;

/** Spec name -> GitHub's name of every setting. */
export const settingNames = Object.freeze({
  hasIssues: "has_issues",
  hasWiki: "has_wiki",
  hasProjects: "has_projects",
  homepage: "homepage",
  allowMergeCommit: "allow_merge_commit",
  allowSquashMerge: "allow_squash_merge",
  allowRebaseMerge: "allow_rebase_merge",
  allowAutoMerge: "allow_auto_merge",
  allowUpdateBranch: "allow_update_branch",
  deleteBranchOnMerge: "delete_branch_on_merge",
  squashMergeCommitTitle: "squash_merge_commit_title",
  squashMergeCommitMessage: "squash_merge_commit_message",
  mergeCommitTitle: "merge_commit_title",
  mergeCommitMessage: "merge_commit_message",
  webCommitSignoffRequired: "web_commit_signoff_required",
} satisfies Record<keyof RepositorySettings, string>);

export const settingKeys = Object.freeze(Object.keys(settingNames) as (keyof RepositorySettings)[]);

export function markerTopic(marker: Marker): string {
  return `flaresmith-${marker.hash}`;
}

/** GitHub's limit on descriptions. */
const LONGEST_DESCRIPTION = 350;

/** What the creating call puts into the description: the marker, or its hash where long names leave no room for it. */
export function creationMark(marker: Marker): string {
  return marker.text.length <= LONGEST_DESCRIPTION ? marker.text : markerTopic(marker);
}

/** Whose a description is, when it is a mark. */
function describedOwner(description: string, marker: Marker): "ours" | "foreign" | "unmarked" {
  const hash = MARKER_TOPIC.exec(description)?.[1];
  return hash === undefined ? marker.classify(description) : marker.classifyHash(hash);
}

/** Every mark on a repository, whoever's: hashes in topics, and the text or hash that its description began as. */
export function marksOf(data: Pick<RepositoryData, "description" | "topics">): string[] {
  const hashed = [...(data.topics ?? []), data.description ?? ""].flatMap((text) => {
    const hash = MARKER_TOPIC.exec(text)?.[1];
    return hash === undefined ? [] : [hash];
  });
  const description = data.description ?? "";
  return readMarkerText(description) === undefined ? hashed : [description, ...hashed];
}

function settingsOf(data: RepositoryData): RepositorySettings {
  const found: Record<string, unknown> = {};
  const fields = data as unknown as Record<string, unknown>;
  for (const key of settingKeys) {
    const value = fields[settingNames[key]];
    // GitHub shows a homepage that was never set as null, and one that was taken away as an empty text.
    if (key === "homepage") found[key] = value ?? "";
    else if (value !== undefined && value !== null) found[key] = value;
  }
  return found;
}

function visibilityOf(data: RepositoryData): Visibility {
  if (data.visibility === "internal") return "Internal";
  return data.private ? "Private" : "Public";
}

/** Whose a repository is: the topic says it once it is configured, the description from its creation until then. */
export function ownerOf(data: RepositoryData, marker: Marker): "ours" | "foreign" | "unmarked" {
  const verdicts = [
    ...(data.topics ?? []).map((topic) => marker.classifyHash(MARKER_TOPIC.exec(topic)?.[1])),
    describedOwner(data.description ?? "", marker),
  ];
  return verdicts.includes("ours") ? "ours" : verdicts.includes("foreign") ? "foreign" : "unmarked";
}

/**
 * @param options.contentReady whether the default branch was seen
 * @param options.marker undefined where the repository is only used, so that nothing about marks matters
 * @throws FlaresmithError INTEGRATION_RESPONSE_INVALID when what identifies a repository is missing
 */
export function observedOf(
  data: RepositoryData,
  options: { contentReady: boolean; marker?: Marker },
): RepositoryObserved {
  const { contentReady, marker } = options;
  if (data.id === undefined || typeof data.full_name !== "string" || typeof data.default_branch !== "string")
    throw invalidAnswer("reading a repository", "it holds no id, full_name or default_branch");
  const description = data.description ?? "";
  const topics = data.topics ?? [];
  return {
    id: Number(data.id),
    owner: data.owner.login,
    name: data.name,
    fullName: data.full_name,
    url: data.html_url,
    cloneUrl: data.clone_url,
    defaultBranch: data.default_branch,
    contentReady,
    archived: data.archived,
    visibility: visibilityOf(data),
    description,
    descriptionIsMarker: marker !== undefined && describedOwner(description, marker) === "ours",
    topics: topics.filter((topic) => !MARKER_TOPIC.test(topic)).toSorted(),
    marked: marker !== undefined && topics.includes(markerTopic(marker)),
    settings: settingsOf(data),
  };
}
