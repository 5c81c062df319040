import { requireToken, visibleTo } from "../access.ts";
import type { Call, OpenRoute, RepositoryCall, RepositoryRoute } from "../call.ts";
import { addRepository, commitFiles, nameTaken, normalizedName, signatureOf } from "../create-repository.ts";
import { failure, invalid, notFound, type Reply } from "../failure.ts";
import { branchesOf, storeOf } from "../git-store.ts";
import { optionalFlag, optionalText, text } from "../page.ts";
import type { AccountRecord, RepositoryRecord, RepositorySettings } from "../records.ts";
import { fullRepository } from "../represent.ts";
import { DEFAULT_SETTINGS } from "../create-repository.ts";
import { emit, viewerOf } from "../webhooks.ts";
import { findRepository, removeRepository, type World } from "../world.ts";

type Visibility = RepositoryRecord["visibility"];

function settingsIn(body: Record<string, unknown>): Partial<RepositorySettings> {
  const known = Object.keys(DEFAULT_SETTINGS).filter(
    (name) => body[name] !== undefined && body[name] !== null,
  );
  return Object.fromEntries(known.map((name) => [name, body[name]])) as Partial<RepositorySettings>;
}

/** Titles and messages come in pairs; the merge methods must leave one way to merge. */
function checkSettings(before: RepositorySettings, sent: Partial<RepositorySettings>): void {
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

function visibilityIn(body: Record<string, unknown>): Visibility | undefined {
  const named = optionalText(body, "visibility");
  if (named !== undefined) return named as Visibility;
  const hidden = optionalFlag(body, "private");
  return hidden === undefined ? undefined : hidden ? "private" : "public";
}

function create(call: Call, owner: AccountRecord): Reply {
  const { world, body } = call;
  const token = requireToken(call, { administration: "write" });
  if (token.owner.toLowerCase() !== owner.login.toLowerCase())
    throw failure(403, "Resource not accessible by personal access token");
  // A personal token for selected repositories cannot make new ones; an App's new repository joins its selection.
  if (token.kind === "personal" && token.repositories !== "all")
    throw failure(403, "Resource not accessible by personal access token");
  const name = text(body, "name");
  if (nameTaken(world, owner.login, name))
    throw invalid({
      resource: "Repository",
      code: "custom",
      field: "name",
      message: "name already exists on this account",
    });
  checkSettings(DEFAULT_SETTINGS, settingsIn(body));
  const record = addRepository({
    world,
    owner: owner.login,
    name,
    visibility: visibilityIn(body) ?? "public",
    description: optionalText(body, "description"),
    homepage: optionalText(body, "homepage"),
    isTemplate: optionalFlag(body, "is_template") ?? false,
    settings: settingsIn(body),
  });
  if (optionalFlag(body, "auto_init") === true) {
    const files = { "README.md": `# ${record.name}${record.description ? `\n${record.description}` : ""}` };
    commitFiles({
      world,
      repository: record,
      branch: record.defaultBranch,
      files,
      message: "Initial commit",
      author: token.actor,
    });
  }
  joinSelection(world, token.installationId, record);
  return created(call, record);
}

function joinSelection(world: World, installationId: number | undefined, record: RepositoryRecord): void {
  const installation =
    installationId === undefined ? undefined : world.installations.get(String(installationId));
  if (!installation || installation.repositories === "all") return;
  world.installations.set(String(installation.id), {
    ...installation,
    repositories: [...installation.repositories, record.id],
  });
}

function created(call: Call, record: RepositoryRecord): Reply {
  const { world } = call;
  const location = `${world.publicUrl}/repos/${record.owner}/${record.name}`;
  return { status: 201, body: fullRepository(world, record, viewerOf(call, record)), headers: { location } };
}

function generate(call: Call): Reply {
  const { world, body, identity, parameters } = call;
  const token = requireToken(call, { administration: "write" });
  const found = findRepository(world, parameters["template_owner"] ?? "", parameters["template_repo"] ?? "");
  // What is no template answers as if it did not exist (terraform-provider-github #771, #1081, #1667).
  if (!found || !visibleTo(world, identity, found.repository) || !found.repository.isTemplate)
    throw notFound();
  const template = found.repository;
  const login = optionalText(body, "owner") ?? token.owner;
  const owner = world.accounts.get(login.toLowerCase());
  const mayCreate = token.kind === "installation" || token.repositories === "all";
  if (!owner || token.owner.toLowerCase() !== owner.login.toLowerCase() || !mayCreate)
    throw failure(403, `${token.actor} cannot create a repository for ${login}.`);
  const name = text(body, "name");
  if (nameTaken(world, owner.login, name))
    throw invalid("Could not clone: Name already exists on this account");
  const delays = world.delays();
  const now = world.now();
  const record = addRepository({
    world,
    owner: owner.login,
    name,
    visibility: optionalFlag(body, "private") === true ? "private" : "public",
    description: optionalText(body, "description"),
    templateId: template.id,
    defaultBranch: template.defaultBranch,
    ready: {
      refs: now + delays.refMs,
      objects: now + delays.refMs + delays.objectsMs,
      settings: now + delays.settingsMs,
    },
  });
  copyTemplate({
    world,
    template,
    record,
    all: optionalFlag(body, "include_all_branches") === true,
    actor: token.actor,
  });
  joinSelection(world, token.installationId, record);
  return created(call, record);
}

/** Every copied branch is one commit without history, holding the template's tree. */
function copyTemplate(options: {
  world: World;
  template: RepositoryRecord;
  record: RepositoryRecord;
  all: boolean;
  actor: string;
}): void {
  const { world, template, record, all, actor } = options;
  const from = storeOf(world, template);
  const to = storeOf(world, record);
  for (const [branch, sha] of Object.entries(branchesOf(world, template))) {
    if (!all && branch !== template.defaultBranch) continue;
    const tree = from.commit(sha)?.tree ?? "";
    for (const entry of from.flatten(tree, true)) {
      const type = entry.mode === "040000" ? "tree" : "blob";
      const body = entry.mode === "160000" ? undefined : from.get(type, entry.sha);
      if (body) to.put(type, body);
    }
    to.putTree(from.tree(tree) ?? []);
    const signature = signatureOf(world, actor);
    const commit = to.putCommit({
      tree,
      parents: [],
      author: signature,
      committer: signature,
      message: "Initial commit",
    });
    const name = `refs/heads/${branch}`;
    world.refs(record.id).set(name, { name, sha: commit });
  }
}

function rename(world: World, record: RepositoryRecord, name: string): string {
  const next = normalizedName(name);
  if (next.toLowerCase() !== record.name.toLowerCase() && nameTaken(world, record.owner, next))
    throw invalid({
      resource: "Repository",
      code: "custom",
      field: "name",
      message: "name already exists on this account",
    });
  world.names.set(`${record.owner}/${next}`.toLowerCase(), record.id);
  return next;
}

function update(call: RepositoryCall): Reply {
  const { world, body, repository: record } = call;
  if (record.archived && Object.keys(body).some((name) => name !== "archived"))
    throw failure(403, "Repository was archived so is read-only.");
  const wanted = visibilityIn(body);
  if (optionalText(body, "visibility") !== undefined && wanted === record.visibility)
    throw invalid({
      resource: "Repository",
      code: "custom",
      field: "visibility",
      message: `Visibility is already ${wanted}.`,
    });
  const branch = optionalText(body, "default_branch");
  if (branch !== undefined && branch !== record.defaultBranch) {
    const branches = world.now() < record.ready.refs ? {} : branchesOf(world, record);
    if (Object.keys(branches).length === 0)
      throw invalid({
        resource: "Repository",
        code: "invalid",
        field: "default_branch",
        message:
          "Cannot update default branch for an empty repository. Please init the repository and push first",
      });
    if (branches[branch] === undefined)
      throw invalid({
        resource: "Repository",
        code: "invalid",
        field: "default_branch",
        message: `The branch ${branch} was not found. Please push that ref first or create it via the Git Data API.`,
      });
  }
  const sent = settingsIn(body);
  checkSettings(record.settings, sent);
  const name = optionalText(body, "name");
  const next: RepositoryRecord = {
    ...record,
    name: name === undefined ? record.name : rename(world, record, name),
    description:
      body["description"] === undefined ? record.description : (optionalText(body, "description") ?? null),
    homepage: body["homepage"] === undefined ? record.homepage : (optionalText(body, "homepage") ?? null),
    visibility: wanted ?? record.visibility,
    defaultBranch: branch ?? record.defaultBranch,
    isTemplate: optionalFlag(body, "is_template") ?? record.isTemplate,
    archived: optionalFlag(body, "archived") ?? record.archived,
    settings: { ...record.settings, ...sent },
    updatedAt: world.now(),
  };
  if (JSON.stringify({ ...next, updatedAt: 0 }) !== JSON.stringify({ ...record, updatedAt: 0 })) {
    world.repositories.set(String(record.id), next);
    emitUpdate(call, record, next);
  }
  return { status: 200, body: fullRepository(world, next, viewerOf(call, next)) };
}

function emitUpdate(call: RepositoryCall, before: RepositoryRecord, after: RepositoryRecord): void {
  const actor = call.identity.kind === "token" ? call.identity.token.actor : after.owner;
  const send = (action: string, changes?: unknown): void =>
    emit(call.world, after, "repository", actor, changes === undefined ? { action } : { action, changes });
  if (before.name !== after.name) send("renamed", { repository: { name: { from: before.name } } });
  if (before.archived !== after.archived) send(after.archived ? "archived" : "unarchived");
  if (before.visibility !== after.visibility)
    send(after.visibility === "public" ? "publicized" : "privatized");
  // Merge settings change silently; only these are told (OpenAPI webhook repository.edited).
  const changes = {
    ...(before.description === after.description ? {} : { description: { from: before.description } }),
    ...(before.homepage === after.homepage ? {} : { homepage: { from: before.homepage } }),
    ...(before.defaultBranch === after.defaultBranch
      ? {}
      : { default_branch: { from: before.defaultBranch } }),
  };
  if (Object.keys(changes).length > 0) send("edited", changes);
}

function replaceTopics(call: RepositoryCall): Reply {
  const { world, body, repository: record } = call;
  const names = body["names"] as string[];
  if (names.length > 20) throw invalid("Repositories cannot have more than 20 topics.");
  const topics = [...new Set(names.map((name) => name.toLowerCase()))];
  const bad = topics.find((topic) => !/^[a-z0-9][a-z0-9-]{0,49}$/.test(topic));
  if (bad !== undefined)
    throw invalid(
      "Topics must start with a lowercase letter or number, consist of 50 characters or less, and can include hyphens.",
    );
  if (topics.join() !== record.topics.join()) {
    const next = { ...record, topics, updatedAt: world.now() };
    world.repositories.set(String(record.id), next);
    emit(world, next, "repository", record.owner, {
      action: "edited",
      changes: { topics: { from: record.topics } },
    });
  }
  return { status: 200, body: { names: topics } };
}

/** Creating repositories: plainly, or from a template in phases. */
export const creationRoutes: readonly OpenRoute[] = [
  {
    scope: "open",
    method: "POST",
    path: "/orgs/:org/repos",
    handler: (call) => {
      const owner = call.world.accounts.get((call.parameters["org"] ?? "").toLowerCase());
      if (owner?.type !== "Organization") throw notFound();
      return create(call, owner);
    },
  },
  {
    scope: "open",
    method: "POST",
    path: "/user/repos",
    handler: (call) => {
      const token = requireToken(call);
      const owner = call.world.accounts.get(token.actor.toLowerCase());
      // Not enabled for installation tokens (OpenAPI: enabledForGitHubApps false).
      if (token.kind === "installation" || !owner)
        throw failure(403, "Resource not accessible by integration");
      return create(call, owner);
    },
  },
  {
    scope: "open",
    method: "POST",
    path: "/repos/:template_owner/:template_repo/generate",
    handler: generate,
  },
];

/** One repository: reading, changing, topics, removing. */
export const repositoryRoutes: readonly RepositoryRoute[] = [
  {
    scope: "repository",
    method: "GET",
    path: "",
    requires: { metadata: "read" },
    handler: (call) => ({
      status: 200,
      body: fullRepository(call.world, call.repository, viewerOf(call, call.repository)),
      headers: { "last-modified": new Date(call.repository.updatedAt).toUTCString() },
    }),
  },
  {
    scope: "repository",
    method: "PATCH",
    path: "",
    requires: { administration: "write" },
    settled: true,
    archived: true,
    handler: update,
  },
  {
    scope: "repository",
    method: "DELETE",
    path: "",
    requires: { administration: "write" },
    archived: true,
    handler: ({ world, repository }) => {
      removeRepository(world, repository.id);
      return { status: 204 };
    },
  },
  {
    scope: "repository",
    method: "GET",
    path: "/topics",
    requires: { metadata: "read" },
    handler: ({ repository }) => ({ status: 200, body: { names: repository.topics } }),
  },
  {
    scope: "repository",
    method: "PUT",
    path: "/topics",
    requires: { administration: "write" },
    settled: true,
    handler: replaceTopics,
  },
];
