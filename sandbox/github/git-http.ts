import type { Hono } from "hono";
import type { SandboxHono } from "../core/provider.ts";
import { granted, identify, includesLevel, levelOn, visibleTo } from "./access.ts";
import { ApiFailure } from "./failure.ts";
import type { Identity } from "./call.ts";
import type { GitObjectRecord, RepositoryRecord } from "./records.ts";
import { namedRefs } from "./git-store.ts";
import { ruleViolations, type RefChange } from "./rules.ts";
import { actorOf, emitRefChange } from "./webhooks.ts";
import { findRepository, type World } from "./world.ts";

/** A repository as a data plane sees it. */
export interface GitRepository {
  id: number;
  defaultBranch: string;
  objects(): Iterable<{ sha: string; type: GitObjectRecord["type"]; body: () => Buffer }>;
  has(sha: string): boolean;
  /** Full ref names and the ids they point to. */
  refs(): [string, string][];
  /** What the rulesets say against a change of a ref by the user who asks; empty when it may pass. */
  violations(ref: string, change: RefChange): string[];
  /** Takes over what a push brought: new objects first, then refs, each only where it still is what the push saw. */
  import(push: {
    objects: Iterable<{ sha: string; type: GitObjectRecord["type"]; body: Buffer }>;
    updates: { ref: string; before: string | undefined; after: string | undefined }[];
  }): void;
}

/** Serves clone and push of repositories over git's smart HTTP protocol. */
export interface GitDataPlane {
  /** @param path below the repository: `info/refs`, `git-upload-pack`, `git-receive-pack` */
  serve(options: {
    request: Request;
    repository: GitRepository;
    path: string;
    user: string;
  }): Promise<Response>;
  /** Ends whatever it started and removes what it keeps on disk. */
  close(): Promise<void>;
}

function gitRepository(world: World, record: RepositoryRecord, identity: Identity): GitRepository {
  const actor = actorOf({ identity }, "anonymous");
  const objects = world.objects(record.id);
  const takeOver: GitRepository["import"] = ({ objects: brought, updates }) => {
    for (const { sha, type, body } of brought) objects.set(sha, { type, data: body.toString("base64") });
    const refs = world.refs(record.id);
    for (const { ref, before, after } of updates) {
      if (refs.latest(ref)?.sha !== before) continue;
      if (after === undefined) refs.delete(ref);
      else refs.set(ref, { name: ref, sha: after });
      emitRefChange({ world, repository: record, actor, ref, before, after });
    }
    const current = world.repositories.latest(String(record.id));
    if (current && updates.length > 0)
      world.repositories.set(String(record.id), { ...current, pushedAt: world.now() });
  };
  return {
    id: record.id,
    defaultBranch: record.defaultBranch,
    objects: () =>
      objects.entries().map(([sha, item]) => ({
        sha,
        type: item.type,
        body: () => Buffer.from(item.data, "base64"),
      })),
    has: (sha) => objects.get(sha) !== undefined,
    // Before a generated repository has content it is an empty repository to git as well.
    refs: () => (world.now() < record.ready.refs ? [] : namedRefs(world, record)),
    violations: (ref, change) =>
      ruleViolations({ world, call: { world, identity }, repository: record, ref, change }),
    import: (push) => world.context.storage.transaction(() => takeOver(push)),
  };
}

function refused(status: number, text: string): Response {
  const headers = new Headers({ "content-type": "text/plain; charset=utf-8" });
  if (status === 401) headers.set("www-authenticate", 'Basic realm="GitHub"');
  return new Response(text, { status, headers });
}

/** Who talks git: Basic with the token as the password, or Bearer. Undefined when the credentials are wrong. */
function gitIdentity(world: World, request: Request): Identity | undefined {
  try {
    return identify(world, request.headers.get("authorization"));
  } catch (error) {
    if (error instanceof ApiFailure) return undefined;
    throw error;
  }
}

function admit(
  world: World,
  request: Request,
  repository: RepositoryRecord | undefined,
  writing: boolean,
): Response | Identity {
  const identity = gitIdentity(world, request);
  if (!identity)
    return refused(
      401,
      "remote: Invalid username or token. Password authentication is not supported for Git operations.\n",
    );
  const visible = repository !== undefined && visibleTo(world, identity, repository);
  // Git asks without credentials first and sends them only when challenged.
  if (identity.kind === "anonymous" && (!visible || writing)) return refused(401, "Repository not found.\n");
  if (!repository || !visible) return refused(404, "remote: Repository not found.\n");
  const level = levelOn(world, identity, repository, "contents");
  if (!includesLevel(level, "read")) return refused(403, "remote: Write access to repository not granted.\n");
  if (!writing) return identity;
  if (repository.archived) return refused(403, "remote: This repository was archived so it is read-only.\n");
  if (
    identity.kind !== "token" ||
    !granted(world, identity.token, repository) ||
    !includesLevel(level, "write")
  )
    return refused(403, "remote: Write access to repository not granted.\n");
  return identity;
}

/** Adds git's paths and the repository page to an app; without a data plane the git paths answer 404. */
export function mountGit(app: Hono<SandboxHono>, world: World, plane: GitDataPlane | undefined): void {
  for (const [method, path] of [
    ["GET", "info/refs"],
    ["POST", "git-upload-pack"],
    ["POST", "git-receive-pack"],
  ] as const)
    app.on(method, `/:owner/:file{[^/]+\\.git}/${path}`, async (context) => {
      const { owner, file } = context.req.param();
      const repository = findRepository(world, owner ?? "", (file ?? "").replace(/\.git$/, ""))?.repository;
      const request = context.req.raw;
      const writing = path === "git-receive-pack" || context.req.query("service") === "git-receive-pack";
      const identity = admit(world, request, repository, writing);
      if (identity instanceof Response) return identity;
      if (!plane || !repository) return refused(404, "git is not served here\n");
      const actor = actorOf({ identity }, "anonymous");
      const before = world.changes();
      const response = await plane.serve({
        request,
        repository: gitRepository(world, repository, identity),
        path,
        user: actor,
      });
      if (path === "git-receive-pack" && world.changes() !== before) context.env.changed = true;
      return response;
    });
  app.get("/:owner/:repo", (context, next) => {
    const { owner, repo } = context.req.param();
    const repository = findRepository(world, owner, repo)?.repository;
    if (
      !repository ||
      ["orgs", "users", "user", "app", "repos", "repositories", "api", "installation"].includes(owner)
    )
      return next();
    const identity = gitIdentity(world, context.req.raw) ?? { kind: "anonymous" };
    if (!visibleTo(world, identity, repository)) return next();
    const lines = [
      `${repository.owner}/${repository.name}${repository.archived ? " (archived)" : ""}`,
      repository.description ?? "",
      `default branch: ${repository.defaultBranch}`,
      `git clone ${world.publicUrl}/${repository.owner}/${repository.name}.git`,
    ];
    return context.text(`${lines.filter((line) => line !== "").join("\n")}\n`);
  });
}
