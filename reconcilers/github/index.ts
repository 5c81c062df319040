/** GitHub: the client and one definition for each type of external resource. */
export { createGitHubClient } from "./client.ts";
export type { GitHubCredentials } from "./client.ts";
export { commitFiles } from "./commit-files.ts";
export { environment } from "./environment.ts";
export { gitBranch } from "./git-branch.ts";
export { revision } from "./heads.ts";
export { repository, repositoryLookup } from "./repository.ts";
export { ruleset } from "./ruleset.ts";
export { secrets } from "./secrets.ts";
export { seedFiles, seededFrom } from "./seed-files.ts";
export type * from "./types.ts";
export { variables } from "./variables.ts";
export { webhook } from "./webhook.ts";
