import { invalid } from "./failure.ts";
import { storeOf } from "./git-store.ts";
import type { RepositoryRecord, RepositorySettings } from "./records.ts";
import type { Signature } from "./git-object.ts";
import type { World } from "./world.ts";

/** What a repository has when nobody said otherwise (defaults of the OpenAPI description of repository creation). */
export const DEFAULT_SETTINGS: RepositorySettings = Object.freeze({
  has_issues: true,
  has_projects: true,
  has_wiki: true,
  has_discussions: false,
  has_downloads: true,
  allow_squash_merge: true,
  allow_merge_commit: true,
  allow_rebase_merge: true,
  allow_auto_merge: false,
  delete_branch_on_merge: false,
  allow_update_branch: false,
  allow_forking: false,
  web_commit_signoff_required: false,
  squash_merge_commit_title: "COMMIT_OR_PR_TITLE",
  squash_merge_commit_message: "COMMIT_MESSAGES",
  merge_commit_title: "MERGE_MESSAGE",
  merge_commit_message: "PR_TITLE",
});

const LONGEST_NAME = 100;

/** A repository name as GitHub stores it: every character it does not allow becomes `-`. */
export function normalizedName(name: string): string {
  return name.replace(/[^\w.-]+/g, "-");
}

/**
 * A new repository that nobody can see yet: its content is written first and `publishRepository` comes last, so that a
 * process killed in between leaves no half-made repository behind.
 * @throws ApiFailure 422 when the name is empty, too long or reserved
 */
export function draftRepository(options: {
  world: World;
  owner: string;
  name: string;
  visibility: RepositoryRecord["visibility"];
  description?: string | undefined;
  homepage?: string | undefined;
  isTemplate?: boolean;
  settings?: Partial<RepositorySettings>;
  templateId?: number;
  topics?: string[];
  defaultBranch?: string;
  ready?: RepositoryRecord["ready"];
}): RepositoryRecord {
  const { world, owner } = options;
  const name = normalizedName(options.name);
  if (name === "" || name === "." || name === "..")
    throw invalid({ resource: "Repository", code: "missing_field", field: "name" });
  if (name.length > LONGEST_NAME)
    throw invalid({
      resource: "Repository",
      code: "custom",
      field: "name",
      message: `name is too long (maximum is ${LONGEST_NAME} characters)`,
    });
  const now = world.now();
  return {
    id: world.nextId(),
    owner,
    name,
    visibility: options.visibility,
    description: options.description ?? null,
    homepage: options.homepage ?? null,
    topics: options.topics ?? [],
    defaultBranch: options.defaultBranch ?? "main",
    isTemplate: options.isTemplate ?? false,
    archived: false,
    settings: { ...DEFAULT_SETTINGS, ...options.settings },
    templateId: options.templateId ?? null,
    createdAt: now,
    updatedAt: now,
    pushedAt: now,
    ready: options.ready ?? { refs: now, objects: now, settings: now },
  };
}

/** Makes a drafted repository exist, under its name. */
export function publishRepository(world: World, record: RepositoryRecord): void {
  world.names.set(`${record.owner}/${record.name}`.toLowerCase(), record.id);
  world.repositories.set(String(record.id), record);
}

/** Whether an account already has a repository of that name; a redirect from an old name does not count. */
export function nameTaken(world: World, owner: string, name: string): boolean {
  const wanted = `${owner}/${normalizedName(name)}`.toLowerCase();
  const record = world.repositories.latest(String(world.names.get(wanted)));
  return record !== undefined && `${record.owner}/${record.name}`.toLowerCase() === wanted;
}

/** Who commits when GitHub itself does it on behalf of `login`. */
export function signatureOf(world: World, login: string): Signature {
  const seconds = Math.floor(world.now() / 1000);
  return { name: login, email: `${login}@users.noreply.github.com`, seconds, offset: "+0000" };
}

/** Commits files as the new head of a branch. Returns the commit's id. */
export function commitFiles(options: {
  world: World;
  repository: RepositoryRecord;
  branch: string;
  files: Record<string, string | Uint8Array>;
  message: string;
  author: string;
}): string {
  const { world, repository, branch, files } = options;
  const store = storeOf(world, repository);
  const refs = world.refs(repository.id);
  const name = `refs/heads/${branch}`;
  const parent = refs.latest(name)?.sha;
  const changes = Object.entries(files).map(([path, content]) => ({
    path,
    entry: { mode: "100644", sha: store.put("blob", Buffer.from(content)) },
  }));
  const changed = store.change(parent === undefined ? undefined : store.commit(parent)?.tree, changes);
  if ("missing" in changed) throw new TypeError(`${changed.missing} cannot be removed: it does not exist`);
  const signature = signatureOf(world, options.author);
  const sha = store.putCommit({
    tree: changed.tree,
    parents: parent === undefined ? [] : [parent],
    author: signature,
    committer: signature,
    message: options.message,
  });
  refs.set(name, { name, sha });
  return sha;
}
