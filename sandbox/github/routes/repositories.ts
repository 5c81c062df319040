import type { RepositoryCall, RepositoryRoute } from "../call.ts";
import { nameTaken, normalizedName } from "../create-repository.ts";
import { failure, invalid, type Reply } from "../failure.ts";
import { branchesOf } from "../git-store.ts";
import { optionalFlag, optionalText } from "../page.ts";
import type { RepositoryRecord } from "../records.ts";
import { fullRepository } from "../represent.ts";
import { checkSettings, settingsIn, visibilityIn } from "../repository-settings.ts";
import { emit, viewerOf } from "../webhooks.ts";
import { removeRepository, type World } from "../world.ts";

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
