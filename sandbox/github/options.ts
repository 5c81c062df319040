import type { SandboxProvider } from "../core/provider.ts";
import type { RateLimits } from "./rate-limit.ts";
import type { AccountRecord, PermissionLevel, PermissionSet, RepositoryRecord } from "./records.ts";
import type { GenerationDelays } from "./world.ts";

/** An account that exists from the start. `plan` decides what its private repositories may use; default `enterprise`. */
export interface OwnerGrant {
  login: string;
  type: "Organization" | "User";
  plan?: AccountRecord["plan"];
  /** What new repositories call their first branch; default `main`. */
  defaultBranch?: string;
}

/** A personal access token. */
export interface TokenGrant {
  token: string;
  /** The account whose repositories it acts on. */
  owner: string;
  /** Login of the user it belongs to; default: the owner, or `<owner>-admin` when the owner is an organization. */
  user?: string;
  /** Default: everything. */
  permissions?: PermissionSet;
  /** Names, `owner/name` or ids; default: all of the owner's. */
  repositories?: "all" | (string | number)[];
  /** Milliseconds since the epoch. */
  expiresAt?: number;
}

interface AppGrant {
  /** Default: a new id. */
  id?: number;
  slug: string;
  name?: string;
  owner: string;
  /** PEM of the RSA public key; the private half stays with whoever signs. */
  publicKey: string;
  permissions: Record<string, PermissionLevel>;
  installations: {
    id?: number;
    account: string;
    repositories?: "all" | (string | number)[];
    permissions?: Record<string, PermissionLevel>;
  }[];
}

interface RepositorySeed {
  owner: string;
  name: string;
  isTemplate?: boolean;
  /** Default `private`. */
  visibility?: RepositoryRecord["visibility"];
  /** Default `main`. */
  defaultBranch?: string;
  /** Files of the default branch; without any the repository is empty. */
  files?: Record<string, string | Uint8Array>;
  /** Further branches: their files on top of the default branch's. */
  branches?: Record<string, Record<string, string | Uint8Array>>;
  topics?: string[];
  description?: string;
}

/** A local GitHub, with what its operator may do that no API offers. */
export interface GitHubSandbox extends SandboxProvider {
  /**
   * Puts a repository there as if somebody had made it by hand; no webhook is sent. Returns its id.
   * An existing repository of that name is left as it is.
   */
  seedRepository(seed: RepositorySeed): number;
  /**
   * Commits files to a branch as another user would; a new branch starts at the default branch. Webhooks are sent.
   * Returns the commit's id.
   */
  commit(options: {
    owner: string;
    name: string;
    branch: string;
    files: Record<string, string | Uint8Array>;
    message?: string;
  }): string;
  setDelays(delays: Partial<GenerationDelays>): void;
  setRateLimits(limits: Partial<RateLimits>): void;
  /** Sets how many requests of the running hour a token has used. */
  setRateUsed(token: string, used: number): void;
  addAccount(owner: OwnerGrant): number;
  addTeam(team: { organization: string; slug: string; name?: string }): number;
  addToken(grant: TokenGrant): void;
  /** Changes a token at run time: narrower or wider permissions and repositories, expiry. */
  changeToken(token: string, change: Partial<Omit<TokenGrant, "token">>): void;
  revokeToken(token: string): void;
  /** Returns the App's id and its installations' ids in the order given. */
  registerApp(app: AppGrant): { appId: number; installationIds: number[] };
  suspendInstallation(id: number, suspended: boolean): void;
  /** Makes new key pairs for every scope: sealed boxes for the old keys are refused. */
  rotateKeys(): void;
}
