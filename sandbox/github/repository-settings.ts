import { DEFAULT_SETTINGS } from "./create-repository.ts";
import { invalid } from "./failure.ts";
import { optionalFlag, optionalText } from "./page.ts";
import type { RepositoryRecord, RepositorySettings } from "./records.ts";

type Visibility = RepositoryRecord["visibility"];

/** The settings a body sets. */
export function settingsIn(body: Record<string, unknown>): Partial<RepositorySettings> {
  const known = Object.keys(DEFAULT_SETTINGS).filter(
    (name) => body[name] !== undefined && body[name] !== null,
  );
  return Object.fromEntries(known.map((name) => [name, body[name]])) as Partial<RepositorySettings>;
}

/**
 * Titles and messages come in pairs; the merge methods must leave one way to merge.
 * @throws ApiFailure 422
 */
export function checkSettings(before: RepositorySettings, sent: Partial<RepositorySettings>): void {
  const after = { ...before, ...sent };
  const problem = (field: string, message: string): Error =>
    invalid({ resource: "Repository", code: "custom", field, message });
  if (!after.allow_merge_commit && !after.allow_squash_merge && !after.allow_rebase_merge)
    throw problem(
      "merge_commit_allowed",
      "Sorry, you need to allow at least one merge strategy. (no_merge_method)",
    );
  const squash = `${after.squash_merge_commit_title}/${after.squash_merge_commit_message}`;
  const squashPairs = [
    "PR_TITLE/PR_BODY",
    "PR_TITLE/BLANK",
    "PR_TITLE/COMMIT_MESSAGES",
    "COMMIT_OR_PR_TITLE/COMMIT_MESSAGES",
  ];
  if (!squashPairs.includes(squash))
    throw problem(
      "squash_merge_commit_title",
      "The squash merge commit title and message combination is invalid",
    );
  const merge = `${after.merge_commit_title}/${after.merge_commit_message}`;
  if (!["PR_TITLE/PR_BODY", "PR_TITLE/BLANK", "MERGE_MESSAGE/PR_TITLE"].includes(merge))
    throw problem("merge_commit_title", "The merge commit title and message combination is invalid");
}

/** The visibility a body asks for, in either of its two spellings. */
export function visibilityIn(body: Record<string, unknown>): Visibility | undefined {
  const named = optionalText(body, "visibility");
  if (named !== undefined) return named as Visibility;
  const hidden = optionalFlag(body, "private");
  return hidden === undefined ? undefined : hidden ? "private" : "public";
}
