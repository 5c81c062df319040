/** GitHub: the client and one definition for each type of external resource. */
export { createGitHubClient } from "./client.ts";
export type { GitHubClient, GitHubClientOptions, GitHubCredentials, GitHubIdentity } from "./client.ts";
export { gitBranch } from "./git-branch.ts";
export { revision } from "./heads.ts";
export { repository, repositoryLookup } from "./repository.ts";
export type * from "./types.ts";
