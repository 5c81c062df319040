import { requireToken, visibleTo } from "../access.ts";
import type { Call, OpenRoute } from "../call.ts";
import {
  draftRepository,
  commitFiles,
  DEFAULT_SETTINGS,
  nameTaken,
  publishRepository,
  signatureOf,
} from "../create-repository.ts";
import { creationFailed, failure, notFound, type Reply } from "../failure.ts";
import { branchesOf, storeOf } from "../git-store.ts";
import { optionalFlag, optionalText, text } from "../page.ts";
import type { AccountRecord, RepositoryRecord } from "../records.ts";
import { fullRepository } from "../represent.ts";
import { checkSettings, settingsIn, visibilityIn } from "../repository-settings.ts";
import { viewerOf } from "../webhooks.ts";
import { findRepository, type World } from "../world.ts";

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
    throw creationFailed({
      resource: "Repository",
      code: "custom",
      field: "name",
      message: "name already exists on this account",
    });
  checkSettings(DEFAULT_SETTINGS, settingsIn(body));
  const record = draftRepository({
    world,
    owner: owner.login,
    name,
    visibility: visibilityIn(body) ?? "public",
    description: optionalText(body, "description"),
    homepage: optionalText(body, "homepage"),
    isTemplate: optionalFlag(body, "is_template") ?? false,
    defaultBranch: owner.defaultBranch ?? "main",
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
  publishRepository(world, record);
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
  if (nameTaken(world, owner.login, name)) {
    const refusal = "Could not clone: Name already exists on this account";
    throw failure(422, refusal, { errors: [refusal] });
  }
  const delays = world.delays();
  const now = world.now();
  const record = draftRepository({
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
  publishRepository(world, record);
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
