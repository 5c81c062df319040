/**
 * What each GitHub definition is given and what it hands on. Members that are `undefined` are not managed. Everywhere
 * `repository` is the full name, `owner/name`, as the repository's own outputs give it.
 */
import type { z } from "zod";
import type { projectGitHub } from "../../crds/project-github.ts";
import type { SecretValue } from "../../controller/runtime/secret-value.ts";

type ProjectGitHub = z.output<typeof projectGitHub>;

/** `spec.github.settings` of a Project. */
export type RepositorySettings = NonNullable<ProjectGitHub["settings"]>;
/** One entry of `spec.github.rulesets` of a Project. */
export type RulesetSpec = NonNullable<ProjectGitHub["rulesets"]>[number];
export type Visibility = "Private" | "Public" | "Internal";

export interface RepositoryDesired {
  owner: string;
  name: string;
  template?: { owner: string; repository: string } | undefined;
  /** Created Private when undefined, and then not managed. */
  visibility?: Visibility | undefined;
  description?: string | undefined;
  topics?: readonly string[] | undefined;
  defaultBranch?: string | undefined;
  settings?: RepositorySettings | undefined;
}

export interface RepositoryObserved {
  id: number;
  owner: string;
  name: string;
  fullName: string;
  /** Page for people. */
  url: string;
  cloneUrl: string;
  defaultBranch: string;
  /** Whether the default branch can be read, so that trees and refs can be written. */
  contentReady: boolean;
  archived: boolean;
  visibility: Visibility;
  description: string;
  /** Whether the description is still the marker that the repository was created with. */
  descriptionIsMarker: boolean;
  /** Sorted, without marker topics. */
  topics: readonly string[];
  /** Whether our marker topic is there, which is put on as the last step of configuring. */
  marked: boolean;
  /** Only what the answer held: a credential without write access to contents does not see merge settings. */
  settings: RepositorySettings;
}

/** Outputs of `repository` and `repositoryLookup`. */
export interface RepositoryOutputs extends Record<string, unknown> {
  id: number;
  owner: string;
  name: string;
  fullName: string;
  url: string;
  cloneUrl: string;
  defaultBranch: string;
  contentReady: boolean;
}

export interface RepositoryLookupInput {
  owner: string;
  name: string;
}

export interface SeedFilesDesired {
  repository: string;
  branch: string;
  files: readonly { path: string; content: string }[];
}

export interface SeedFilesObserved {
  /** Commit that put the files there; empty when they were recognised by their history alone. */
  commit: string;
}

export interface GitBranchDesired {
  repository: string;
  /** Tells a repository that was renamed from another one. */
  repositoryId?: number | undefined;
  name: string;
  /** Branch at whose newest commit it is made; only read when it is missing. */
  from: string;
  /** Of files that were seeded into that branch: the commit before them, from which it must not be made, and theirs. */
  seeded?: { before: string; commit: string } | undefined;
}

export interface GitBranchObserved {
  sha: string;
}

/** A reviewer as the spec names it: exactly one of the two. */
export interface Reviewer {
  user?: string | undefined;
  /** Slug of a team of the repository's owner. */
  team?: string | undefined;
}

export interface EnvironmentDesired {
  repository: string;
  /** Tells a repository that was renamed from another one. */
  repositoryId?: number | undefined;
  name: string;
  reviewers?: readonly Reviewer[] | undefined;
  /** Minutes, 0 to 43200. */
  waitTimer?: number | undefined;
  preventSelfReview?: boolean | undefined;
  branchPolicies?:
    | { protectedBranches?: boolean | undefined; patterns?: readonly string[] | undefined }
    | undefined;
}

export interface ObservedReviewer {
  type: "User" | "Team";
  id: number;
  /** Login or slug. */
  name: string;
}

export interface EnvironmentObserved {
  id: number;
  name: string;
  reviewers: readonly ObservedReviewer[];
  waitTimer: number;
  preventSelfReview: boolean;
  /** Kept as it is on every write; undefined when the answer did not tell. */
  canAdminsBypass: boolean | undefined;
  /** `all`: any branch may deploy. */
  branchPolicy: "all" | "protected" | "custom";
  /** Undefined when not looked at (shallow). Tag patterns are not ours and not in here. */
  patterns: readonly { id: number; name: string }[] | undefined;
}

export interface VariablesDesired {
  repository: string;
  /** Undefined: variables of the repository itself. */
  environment?: string | undefined;
  values: Readonly<Record<string, string>>;
}

export interface VariablesObserved {
  /** By upper-case name; what others wrote is in here too. */
  values: Readonly<Record<string, string>>;
}

export interface SecretsDesired {
  repository: string;
  /** Undefined: secrets of the repository itself. */
  environment?: string | undefined;
  values: Readonly<Record<string, SecretValue>>;
}

export interface SecretsObserved {
  /** When each was last written, by upper-case name, as GitHub says it; values are never readable. */
  updatedAt: Readonly<Record<string, string>>;
}

export interface RulesetDesired {
  repository: string;
  ruleset: RulesetSpec;
}

export interface RulesetObserved {
  id: number;
  name: string;
  updatedAt: string;
  target: RulesetSpec["target"];
  enforcement: RulesetSpec["enforcement"];
  /** Undefined where a shallow observation did not look. */
  include: readonly string[] | undefined;
  exclude: readonly string[] | undefined;
  rules: RulesetSpec["rules"] | undefined;
  /** The rules as GitHub gave them; what the spec cannot say in them is kept on every write. */
  raw: readonly { type: string; parameters?: Record<string, unknown> }[] | undefined;
  /** Undefined also when the credential may not see them: absent is not empty. */
  bypassActors: RulesetSpec["bypassActors"];
}

export interface WebhookDesired {
  repository: string;
  /** Without the mark in its query. */
  url: string;
  secret: SecretValue;
  events: readonly string[];
}

export interface WebhookObserved {
  id: number;
  /** Without the mark in its query. */
  url: string;
  /** Of the secret it was written with, from the mark; undefined when there is none. */
  witness: string | undefined;
  events: readonly string[];
  active: boolean;
  contentType: string;
  insecureSsl: boolean;
  hasSecret: boolean;
}

export interface RevisionInput {
  repository: string;
  branch: string;
}

/** Outputs of `revision` and `gitBranch`. */
export interface RevisionOutputs extends Record<string, unknown> {
  sha: string;
}

export interface CommitFilesInput {
  repository: string;
  /** Full SHA of a commit. */
  revision: string;
  /** A file or a directory in it; `.` is the whole tree. */
  path: string;
}

export interface CommitFile {
  /** Relative to the directory asked for; the file's own name when a file was asked for. Always with `/`. */
  path: string;
  content: Uint8Array;
  executable: boolean;
}

export interface CommitFilesOutputs extends Record<string, unknown> {
  files: readonly CommitFile[];
  /** Of the directory, or of the blob when `kind` is `file`: equal ids, equal content. */
  treeSha: string;
  kind: "file" | "directory";
}
