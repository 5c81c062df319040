/** What a level of a permission allows; `admin` includes `write`, `write` includes `read`. */
export type PermissionLevel = "read" | "write" | "admin";
/** Permission keys as GitHub Apps spell them (`contents`, `administration`, `actions_variables`, ...), or everything. */
export type PermissionSet = "all" | Record<string, PermissionLevel>;

export interface AccountRecord {
  id: number;
  login: string;
  type: "Organization" | "User";
  /** The billing plan, which decides what private repositories may use. */
  plan: "free" | "pro" | "team" | "enterprise";
  /** What new repositories call their first branch. */
  defaultBranch?: string;
  createdAt: number;
}

export interface TeamRecord {
  id: number;
  organization: string;
  slug: string;
  name: string;
}

export interface TokenRecord {
  token: string;
  kind: "personal" | "installation";
  /** Login of the account whose repositories the token acts on. */
  owner: string;
  /** Login of the acting user; `slug[bot]` for an installation. */
  actor: string;
  permissions: PermissionSet;
  /** Repository ids, names or `owner/name`; ids survive a rename. */
  repositories: "all" | (string | number)[];
  expiresAt?: number;
  revoked: boolean;
  installationId?: number;
}

export interface AppRecord {
  id: number;
  clientId: string;
  slug: string;
  name: string;
  owner: string;
  /** PEM of the RSA public key that the App's JWTs are verified with. */
  publicKey: string;
  permissions: Record<string, PermissionLevel>;
  createdAt: number;
}

export interface InstallationRecord {
  id: number;
  appId: number;
  account: string;
  repositories: "all" | (string | number)[];
  permissions: Record<string, PermissionLevel>;
  suspendedAt: number | null;
  createdAt: number;
}

/** Settings of a repository that PATCH accepts and the full representation shows, under GitHub's own names. */
export interface RepositorySettings {
  has_issues: boolean;
  has_projects: boolean;
  has_wiki: boolean;
  has_discussions: boolean;
  has_downloads: boolean;
  allow_squash_merge: boolean;
  allow_merge_commit: boolean;
  allow_rebase_merge: boolean;
  allow_auto_merge: boolean;
  delete_branch_on_merge: boolean;
  allow_update_branch: boolean;
  allow_forking: boolean;
  web_commit_signoff_required: boolean;
  squash_merge_commit_title: string;
  squash_merge_commit_message: string;
  merge_commit_title: string;
  merge_commit_message: string;
}

export interface RepositoryRecord {
  id: number;
  owner: string;
  name: string;
  visibility: "public" | "private" | "internal";
  description: string | null;
  homepage: string | null;
  topics: string[];
  defaultBranch: string;
  isTemplate: boolean;
  archived: boolean;
  settings: RepositorySettings;
  /** The repository it was generated from. */
  templateId: number | null;
  createdAt: number;
  updatedAt: number;
  pushedAt: number;
  /** Moments (milliseconds since the epoch) at which the phases of template generation end. */
  ready: { refs: number; objects: number; settings: number };
}

export interface RefRecord {
  /** Full name, `refs/heads/main`. */
  name: string;
  sha: string;
}

export interface GitObjectRecord {
  type: "blob" | "tree" | "commit" | "tag";
  /** The object's body without git's header, base64. */
  data: string;
}

export interface ReviewerRecord {
  type: "User" | "Team";
  id: number;
}

export interface EnvironmentRecord {
  id: number;
  name: string;
  waitTimer: number;
  waitTimerRuleId: number;
  reviewersRuleId: number;
  branchPolicyRuleId: number;
  preventSelfReview: boolean;
  reviewers: ReviewerRecord[];
  branchPolicy: { protected_branches: boolean; custom_branch_policies: boolean } | null;
  canAdminsBypass: boolean;
  createdAt: number;
  updatedAt: number;
}

export interface BranchPolicyRecord {
  id: number;
  name: string;
  type: "branch" | "tag";
}

export interface VariableRecord {
  name: string;
  value: string;
  createdAt: number;
  updatedAt: number;
}

export interface SecretRecord {
  name: string;
  plaintext: string;
  createdAt: number;
  updatedAt: number;
}

export interface KeyRecord {
  keyId: string;
  /** 32 bytes, hexadecimal: the seed of the X25519 pair. */
  seed: string;
}

export interface RulesetRecord {
  id: number;
  name: string;
  target: string;
  enforcement: string;
  bypassActors: unknown[];
  conditions: unknown;
  rules: { type: string; parameters?: unknown }[];
  createdAt: number;
  updatedAt: number;
}

export interface HookRecord {
  id: number;
  active: boolean;
  events: string[];
  config: { url: string; content_type: string; insecure_ssl: string; secret?: string };
  lastResponse: { code: number | null; status: string; message: string | null };
  createdAt: number;
  updatedAt: number;
}
