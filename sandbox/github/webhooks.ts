import { createHmac } from "node:crypto";
import { levelOn } from "./access.ts";
import type { Call } from "./call.ts";
import { storeOf } from "./git-store.ts";
import type { HookRecord, RepositoryRecord } from "./records.ts";
import { accountOf, repository, simpleUser } from "./represent.ts";
import { gitCommit } from "./represent-commit.ts";
import { isoTime, type World } from "./world.ts";

const NO_COMMIT = "0".repeat(40);

/** Who caused an event; the owner when nobody is known. */
export function actorOf(call: Pick<Call, "identity">, fallback: string): string {
  return call.identity.kind === "token" ? call.identity.token.actor : fallback;
}

function post(
  world: World,
  record: RepositoryRecord,
  hook: HookRecord,
  event: string,
  payload: unknown,
): void {
  const { deliver } = world;
  if (!deliver) return;
  const json = JSON.stringify(payload);
  const form = hook.config.content_type !== "json";
  const body = form ? `payload=${encodeURIComponent(json)}` : json;
  const { secret } = hook.config;
  const headers: Record<string, string> = {
    "content-type": form ? "application/x-www-form-urlencoded" : "application/json",
    "user-agent": "GitHub-Hookshot/flaresmith",
    "x-github-delivery": world.context.random.uuid(),
    "x-github-event": event,
    "x-github-hook-id": String(hook.id),
    "x-github-hook-installation-target-id": String(record.id),
    "x-github-hook-installation-target-type": "repository",
  };
  if (secret !== undefined) {
    headers["x-hub-signature-256"] = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
    headers["x-hub-signature"] = `sha1=${createHmac("sha1", secret).update(body).digest("hex")}`;
  }
  // A receiver that fails is its own problem: GitHub does not retry and the API call that caused the event succeeded.
  void Promise.resolve()
    .then(() => deliver({ url: hook.config.url, headers, body }))
    .catch(() => undefined);
}

/** Sends an event to every active webhook of a repository that asked for it. */
export function emit(
  world: World,
  record: RepositoryRecord,
  event: string,
  actor: string,
  fields: Record<string, unknown>,
): void {
  if (!world.deliver) return;
  const owner = accountOf(world, record.owner);
  const payload = {
    ...fields,
    repository: repository(world, record, { contentsWrite: true, administration: true }),
    ...(owner.type === "Organization" ? { organization: simpleUser(world, owner) } : {}),
    sender: simpleUser(world, accountOf(world, actor)),
  };
  for (const hook of world.hooks(record.id).latestValues())
    if (hook.active && (hook.events.includes(event) || hook.events.includes("*")))
      post(world, record, hook, event, payload);
}

/** The ping that GitHub sends when a webhook is created, or when it is asked to. */
export function ping(world: World, record: RepositoryRecord, hook: HookRecord, actor: string): void {
  post(world, record, hook, "ping", {
    zen: "Keep it logically awesome.",
    hook_id: hook.id,
    hook: hookView(world, record, hook),
    repository: repository(world, record, { contentsWrite: true, administration: true }),
    sender: simpleUser(world, accountOf(world, actor)),
  });
}

/** A webhook as the API shows it (schema `hook`); the secret is never shown. */
export function hookView(world: World, record: RepositoryRecord, hook: HookRecord): Record<string, unknown> {
  const url = `${world.publicUrl}/repos/${record.owner}/${record.name}/hooks/${hook.id}`;
  const { secret, ...config } = hook.config;
  return {
    type: "Repository",
    id: hook.id,
    name: "web",
    active: hook.active,
    events: hook.events,
    config: secret === undefined ? config : { ...config, secret: "********" },
    updated_at: isoTime(hook.updatedAt),
    created_at: isoTime(hook.createdAt),
    url,
    test_url: `${url}/test`,
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
    last_response: hook.lastResponse,
  };
}

/** Fires what a moved ref causes: `push`, and `create` or `delete` when it began or ended. */
export function emitRefChange(options: {
  world: World;
  repository: RepositoryRecord;
  actor: string;
  ref: string;
  before: string | undefined;
  after: string | undefined;
  forced?: boolean;
}): void {
  const { world, repository: record, actor, ref, before, after } = options;
  if (!world.deliver) return;
  const store = storeOf(world, record);
  const branch = ref.startsWith("refs/heads/");
  const name = ref.replace(/^refs\/(heads|tags)\//, "");
  const pusher = { name: actor, email: `${actor}@users.noreply.github.com` };
  const described = (sha: string): Record<string, unknown> => {
    const { tree, parents: _parents, ...commit } = gitCommit(world, record, sha) ?? {};
    return {
      ...commit,
      id: sha,
      tree_id: (tree as { sha: string } | undefined)?.sha,
      distinct: true,
      added: [],
      removed: [],
      modified: [],
    };
  };
  const fresh: string[] = [];
  if (after !== undefined)
    for (const sha of store.history(after, 20)) {
      if (sha === before) break;
      fresh.unshift(sha);
    }
  const kind = { ref: name, ref_type: branch ? "branch" : "tag", pusher_type: "user" };
  if (before === undefined)
    emit(world, record, "create", actor, {
      ...kind,
      master_branch: record.defaultBranch,
      description: record.description,
    });
  emit(world, record, "push", actor, {
    ref,
    before: before ?? NO_COMMIT,
    after: after ?? NO_COMMIT,
    base_ref: null,
    pusher,
    created: before === undefined,
    deleted: after === undefined,
    forced: options.forced ?? false,
    compare: `${world.publicUrl}/${record.owner}/${record.name}/compare/${before ?? NO_COMMIT}...${after ?? NO_COMMIT}`,
    commits: fresh.map(described),
    head_commit: after === undefined ? null : described(after),
  });
  if (after === undefined) emit(world, record, "delete", actor, kind);
}

/** What the caller may see and do with a repository. */
export function viewerOf(
  call: Pick<Call, "world" | "identity">,
  record: RepositoryRecord,
): { contentsWrite: boolean; administration: boolean } {
  const holds = (permission: string): boolean => {
    const level = levelOn(call.world, call.identity, record, permission);
    return level === "write" || level === "admin";
  };
  return { contentsWrite: holds("contents"), administration: holds("administration") };
}
