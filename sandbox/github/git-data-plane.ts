import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import type { GitDataPlane, GitRepository } from "./git-http.ts";
import type { GitObjectRecord } from "./records.ts";

type GitType = GitObjectRecord["type"];

/** The whole configuration of a materialised repository; nothing of the machine's own git configuration applies. */
const CONFIG = `[core]
	repositoryformatversion = 0
	bare = true
[http]
	receivepack = true
[receive]
	autogc = false
	denyDeleteCurrent = refuse
[gc]
	auto = 0
[uploadpack]
	allowFilter = true
	allowReachableSHA1InWant = true
`;

/** Refuses what the rulesets forbid, in the words that GitHub's own hook uses. Only here is it known what is forced. */
const UPDATE_HOOK = `#!/bin/sh
zero=0000000000000000000000000000000000000000
if [ "$2" = $zero ]; then change=create
elif [ "$3" = $zero ]; then change=delete
elif git merge-base --is-ancestor "$2" "$3"; then change=update
else change=force
fi
status=0
while read -r kind ref text; do
  [ "$kind $ref" = "$change $1" ] || continue
  [ $status = 1 ] || echo "error: GH013: Repository rule violations found for $1."
  echo "- $text"
  status=1
done < violations
exit $status
`;

const CHANGES = ["create", "update", "force", "delete"] as const;

/** The refs that a push wants to change: the pkt-lines before the first flush packet. */
function pushedRefs(body: Uint8Array): string[] {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const refs: string[] = [];
  let position = 0;
  while (position + 4 <= buffer.length) {
    const length = Number.parseInt(buffer.toString("latin1", position, position + 4), 16);
    if (!(length > 4)) break;
    const [command = ""] = buffer.toString("utf8", position + 4, position + length).split("\0");
    const ref = command.trim().split(" ")[2];
    if (ref !== undefined) refs.push(ref);
    position += length;
  }
  return refs;
}

/**
 * Runs git and collects what it prints.
 * @throws Error with git's own words when it cannot be started or exits other than 0
 */
async function git(options: {
  directory: string;
  arguments: readonly string[];
  input?: Uint8Array;
  environment?: Record<string, string>;
}): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const child = spawn("git", options.arguments, {
    cwd: options.directory,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: options.directory,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      LC_ALL: "C",
      ...options.environment,
    },
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  child.on("error", (cause) =>
    reject(new Error("git could not be started: install git and put it on PATH", { cause })),
  );
  child.on("close", (code) => {
    if (code === 0) resolve(Buffer.concat(output));
    else
      reject(
        new Error(
          `git ${options.arguments[0] ?? ""} ended with ${code}: ${Buffer.concat(errors).toString("utf8").trim()}`,
        ),
      );
  });
  // A child that ends before it has read everything breaks the pipe; its exit code tells what happened.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? Buffer.alloc(0));
  return promise;
}

/** The answer a CGI program printed. */
function cgiResponse(output: Buffer): Response {
  const split = output.indexOf("\r\n\r\n");
  const head = output.toString("latin1", 0, Math.max(split, 0));
  const headers = new Headers();
  let status = 200;
  for (const line of head.split("\r\n").filter((text) => text.includes(":"))) {
    const name = line.slice(0, line.indexOf(":"));
    const value = line.slice(line.indexOf(":") + 1).trim();
    if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
    else headers.set(name, value);
  }
  return new Response(new Uint8Array(output.subarray(split + 4)), { status, headers });
}

/** Objects of a repository directory that the world does not have yet. */
async function newObjects(
  directory: string,
  repository: GitRepository,
): Promise<{ sha: string; type: GitType; body: Buffer }[]> {
  const listed = await git({
    directory,
    arguments: ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"],
  });
  const fresh = listed
    .toString("latin1")
    .split("\n")
    .filter((sha) => sha !== "" && !repository.has(sha));
  if (fresh.length === 0) return [];
  const output = await git({
    directory,
    arguments: ["cat-file", "--batch"],
    input: Buffer.from(`${fresh.join("\n")}\n`),
  });
  const objects: { sha: string; type: GitType; body: Buffer }[] = [];
  let position = 0;
  while (position < output.length) {
    const end = output.indexOf(0x0a, position);
    const [sha = "", type = "", size = "0"] = output.toString("latin1", position, end).split(" ");
    const start = end + 1;
    objects.push({ sha, type: type as GitType, body: output.subarray(start, start + Number(size)) });
    position = start + Number(size) + 1;
  }
  return objects;
}

async function refsOf(directory: string): Promise<Map<string, string>> {
  const output = await git({ directory, arguments: ["for-each-ref", "--format=%(refname) %(objectname)"] });
  const lines = output
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "");
  return new Map(
    lines.map((line): [string, string] => {
      const [name = "", sha = ""] = line.split(" ");
      return [name, sha];
    }),
  );
}

/**
 * Serves repositories with `git http-backend`, each materialised as a bare repository when it is asked for.
 * What lies in the directory is a cache: the world's own objects and refs are written over it before every request.
 * @param options.directory created when missing; only this data plane may use it
 */
export function createGitDataPlane(options: { directory: string }): GitDataPlane {
  const { directory } = options;
  const written = new Map<number, Set<string>>();
  const turns = new Map<number, Promise<unknown>>();
  const running = new Set<Promise<unknown>>();

  const place = (repository: GitRepository): string => join(directory, `${repository.id}.git`);

  const materialise = (repository: GitRepository): void => {
    const root = place(repository);
    mkdirSync(join(root, "objects"), { recursive: true });
    const known = written.get(repository.id) ?? new Set<string>();
    written.set(repository.id, known);
    for (const { sha, type, body } of repository.objects()) {
      if (known.has(sha)) continue;
      const file = join(root, "objects", sha.slice(0, 2), sha.slice(2));
      if (!existsSync(file)) {
        const content = body();
        mkdirSync(join(file, ".."), { recursive: true });
        writeFileSync(
          file,
          deflateSync(Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content])),
        );
      }
      known.add(sha);
    }
    rmSync(join(root, "refs"), { recursive: true, force: true });
    mkdirSync(join(root, "refs", "heads"), { recursive: true });
    writeFileSync(
      join(root, "packed-refs"),
      repository
        .refs()
        .map(([name, sha]) => `${sha} ${name}\n`)
        .join(""),
    );
    writeFileSync(join(root, "HEAD"), `ref: refs/heads/${repository.defaultBranch}\n`);
    writeFileSync(join(root, "config"), CONFIG);
  };

  const answer = async (
    request: Request,
    repository: GitRepository,
    path: string,
    user: string,
  ): Promise<Response> => {
    const input = request.method === "POST" ? new Uint8Array(await request.arrayBuffer()) : new Uint8Array();
    materialise(repository);
    const root = place(repository);
    if (path === "git-receive-pack") {
      const lines = pushedRefs(input).flatMap((ref) =>
        CHANGES.flatMap((change) =>
          repository.violations(ref, change).map((text) => `${change} ${ref} ${text}\n`),
        ),
      );
      mkdirSync(join(root, "hooks"), { recursive: true });
      writeFileSync(join(root, "hooks", "update"), UPDATE_HOOK, { mode: 0o755 });
      writeFileSync(join(root, "violations"), lines.join(""));
    }
    const before = new Map(repository.refs());
    const header = (name: string): string => request.headers.get(name) ?? "";
    const output = await git({
      directory: root,
      arguments: ["http-backend"],
      input,
      environment: {
        GIT_PROJECT_ROOT: directory,
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_INFO: `/${repository.id}.git/${path}`,
        REQUEST_METHOD: request.method,
        QUERY_STRING: new URL(request.url).search.slice(1),
        CONTENT_TYPE: header("content-type"),
        CONTENT_LENGTH: String(input.length),
        HTTP_CONTENT_ENCODING: header("content-encoding"),
        GIT_PROTOCOL: header("git-protocol"),
        REMOTE_USER: user,
        REMOTE_ADDR: "127.0.0.1",
      },
    });
    if (path === "git-receive-pack") {
      const after = await refsOf(root);
      const names = new Set([...before.keys(), ...after.keys()]);
      const updates = [...names]
        .filter((name) => before.get(name) !== after.get(name))
        .map((ref) => ({ ref, before: before.get(ref), after: after.get(ref) }));
      repository.import({ objects: updates.length > 0 ? await newObjects(root, repository) : [], updates });
    }
    return cgiResponse(output);
  };

  return {
    serve: ({ request, repository, path, user }) => {
      // One at a time for each repository: the directory is rewritten for every request.
      const previous = turns.get(repository.id) ?? Promise.resolve();
      const turn = previous.catch(() => undefined).then(() => answer(request, repository, path, user));
      turns.set(repository.id, turn);
      running.add(turn);
      void turn.catch(() => undefined).finally(() => running.delete(turn));
      return turn;
    },
    close: async () => {
      await Promise.allSettled(running);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
