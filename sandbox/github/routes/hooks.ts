import type { RepositoryCall, RepositoryRoute } from "../call.ts";
import { invalid, notFound, type Reply } from "../failure.ts";
import { listReply, optionalFlag, optionalText } from "../page.ts";
import type { HookRecord } from "../records.ts";
import { actorOf, hookView, ping } from "../webhooks.ts";

/** docs: "Troubleshooting webhooks": at most 20 that subscribe to one event. */
const MOST_PER_EVENT = 20;

type HookConfig = HookRecord["config"];

function configFrom(value: unknown): HookConfig {
  const given = (value ?? {}) as Record<string, unknown>;
  const url = optionalText(given, "url");
  if (url === undefined || url === "")
    throw invalid({ resource: "Hook", code: "custom", message: "Config must contain URL for webhooks" });
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw invalid({ resource: "Hook", code: "custom", field: "url", message: "url is not a valid URL" });
  const insecure = given["insecure_ssl"] as string | number | null | undefined;
  const contentType = optionalText(given, "content_type") ?? "form";
  if (!["json", "form"].includes(contentType))
    throw invalid({
      resource: "Hook",
      code: "custom",
      field: "content_type",
      message: "content_type must be json or form",
    });
  const secret = optionalText(given, "secret");
  return {
    url,
    content_type: contentType,
    insecure_ssl: insecure === undefined || insecure === null ? "0" : String(insecure),
    ...(secret === undefined || secret === "" ? {} : { secret }),
  };
}

function checkDuplicate(
  call: RepositoryCall,
  hook: Pick<HookRecord, "config" | "events">,
  self?: number,
): void {
  const others = call.world
    .hooks(call.repository.id)
    .latestValues()
    .filter((item) => item.id !== self);
  const same = others.some(
    (item) =>
      item.config.url === hook.config.url &&
      item.config.content_type === hook.config.content_type &&
      item.events.some((event) => hook.events.includes(event)),
  );
  if (same)
    throw invalid({ resource: "Hook", code: "custom", message: "Hook already exists on this repository" });
  for (const event of hook.events)
    if (others.filter((item) => item.events.includes(event)).length >= MOST_PER_EVENT)
      throw invalid({
        resource: "Hook",
        code: "custom",
        message: `The "${event}" event cannot have more than ${MOST_PER_EVENT} hooks`,
      });
}

function hookOf(call: RepositoryCall): HookRecord {
  const hooks = call.world.hooks(call.repository.id);
  const key = call.parameters["hook_id"] ?? "";
  const item = call.method === "GET" ? hooks.get(key) : hooks.latest(key);
  if (!item) throw notFound();
  return item;
}

function reply(call: RepositoryCall, status: number, hook: HookRecord): Reply {
  return { status, body: hookView(call.world, call.repository, hook) };
}

function save(call: RepositoryCall, hook: HookRecord, known?: HookRecord): HookRecord {
  if (JSON.stringify(hook) === JSON.stringify(known)) return hook;
  const next = { ...hook, updatedAt: call.world.now() };
  call.world.hooks(call.repository.id).set(String(hook.id), next);
  return next;
}

function create(call: RepositoryCall): Reply {
  const { world, body, repository } = call;
  const name = optionalText(body, "name");
  if (name !== undefined && name !== "web")
    throw invalid({ resource: "Hook", code: "invalid", field: "name" });
  const now = world.now();
  const hook: HookRecord = {
    id: world.nextId(),
    active: optionalFlag(body, "active") ?? true,
    events: (body["events"] as string[] | undefined) ?? ["push"],
    config: configFrom(body["config"]),
    lastResponse: { code: null, status: "unused", message: null },
    createdAt: now,
    updatedAt: now,
  };
  checkDuplicate(call, hook);
  world.hooks(repository.id).set(String(hook.id), hook);
  ping(world, repository, hook, actorOf(call, repository.owner));
  return reply(call, 201, hook);
}

function update(call: RepositoryCall): Reply {
  const { body } = call;
  const known = hookOf(call);
  const listed = (field: string): string[] => (body[field] as string[] | undefined) ?? [];
  const base = (body["events"] as string[] | undefined) ?? known.events;
  const events = [...new Set([...base, ...listed("add_events")])].filter(
    (event) => !listed("remove_events").includes(event),
  );
  // A config replaces the whole config: without `secret` the secret is gone (OpenAPI: "Update a repository webhook").
  const config = body["config"] === undefined ? known.config : configFrom(body["config"]);
  const hook: HookRecord = { ...known, active: optionalFlag(body, "active") ?? known.active, events, config };
  checkDuplicate(call, hook, known.id);
  return reply(call, 200, save(call, hook, known));
}

function configView(config: HookConfig): Record<string, unknown> {
  return config.secret === undefined ? { ...config } : { ...config, secret: "********" };
}

function updateConfig(call: RepositoryCall): Reply {
  const known = hookOf(call);
  const hook = { ...known, config: configFrom({ ...known.config, ...call.body }) };
  checkDuplicate(call, hook, known.id);
  return { status: 200, body: configView(save(call, hook, known).config) };
}

const READ = Object.freeze({ repository_hooks: "read" as const });
const WRITE = Object.freeze({ repository_hooks: "write" as const });
const ONE = "/hooks/:hook_id";

/** Repository webhooks. */
export const hookRoutes: readonly RepositoryRoute[] = [
  {
    scope: "repository",
    method: "GET",
    path: "/hooks",
    requires: READ,
    settled: true,
    handler: (call) => {
      const { world, repository } = call;
      const all = world.hooks(repository.id).values();
      return listReply(
        call,
        `/repositories/${repository.id}/hooks`,
        all.map((item) => hookView(world, repository, item)),
      );
    },
  },
  { scope: "repository", method: "POST", path: "/hooks", requires: WRITE, settled: true, handler: create },
  {
    scope: "repository",
    method: "GET",
    path: ONE,
    requires: READ,
    settled: true,
    handler: (call) => reply(call, 200, hookOf(call)),
  },
  { scope: "repository", method: "PATCH", path: ONE, requires: WRITE, settled: true, handler: update },
  {
    scope: "repository",
    method: "DELETE",
    path: ONE,
    requires: WRITE,
    settled: true,
    handler: (call) => {
      call.world.hooks(call.repository.id).delete(String(hookOf(call).id));
      return { status: 204 };
    },
  },
  {
    scope: "repository",
    method: "GET",
    path: `${ONE}/config`,
    requires: READ,
    settled: true,
    handler: (call) => ({ status: 200, body: configView(hookOf(call).config) }),
  },
  {
    scope: "repository",
    method: "PATCH",
    path: `${ONE}/config`,
    requires: WRITE,
    settled: true,
    handler: updateConfig,
  },
  {
    scope: "repository",
    method: "POST",
    path: `${ONE}/pings`,
    requires: WRITE,
    settled: true,
    handler: (call) => {
      ping(call.world, call.repository, hookOf(call), actorOf(call, call.repository.owner));
      return { status: 204 };
    },
  },
];
