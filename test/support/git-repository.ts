/** Real git repositories for tests, made with the git on the PATH. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";

export interface TestRepository {
  readonly directory: string;
  readonly url: string;
  /** Runs git in it. @throws Error with what git said */
  git(args: readonly string[], input?: string | Buffer): string;
  /** Makes files (path -> text; null removes) the next commit of a branch; the commit's id. */
  commit(files: Readonly<Record<string, string | null>>, branch?: string): string;
  /** Makes a branch's next commit of a raw tree: `mode type id\tpath` per entry. */
  commitTree(
    entries: readonly { mode: string; type: string; id: string; name: string | Buffer }[],
    branch?: string,
  ): string;
  blob(text: string | Buffer): string;
}

const env = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Test",
  GIT_AUTHOR_EMAIL: "test@example.com",
  GIT_COMMITTER_NAME: "Test",
  GIT_COMMITTER_EMAIL: "test@example.com",
  GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z",
  GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z",
};

/** Makes an empty bare repository. */
export function createRepository(directory: string): TestRepository {
  mkdirSync(directory, { recursive: true });
  const run = (args: readonly string[], input: string | Buffer = ""): string => {
    const result = spawnSync("git", args, { cwd: directory, env, input, maxBuffer: 64 * 1024 * 1024 });
    if (result.status !== 0) throw new Error(`git ${args.join(" ")}: ${result.stderr.toString()}`);
    return result.stdout.toString().trimEnd();
  };
  run(["init", "--bare", "--quiet", "--initial-branch=main", "."]);
  run(["config", "uploadpack.allowAnySHA1InWant", "true"]);
  const tip = (branch: string): string | undefined => {
    const found = run(["for-each-ref", "--format=%(objectname)", `refs/heads/${branch}`]);
    return found === "" ? undefined : found;
  };
  const commitOf = (tree: string, branch: string): string => {
    const parent = tip(branch);
    const commit = run([
      "commit-tree",
      tree,
      ...(parent === undefined ? [] : ["-p", parent]),
      "-m",
      "change",
    ]);
    run(["update-ref", `refs/heads/${branch}`, commit]);
    return commit;
  };
  const blob = (text: string | Buffer): string => run(["hash-object", "-w", "--stdin"], text);
  return {
    directory,
    url: `file://${directory}`,
    git: run,
    blob,
    commit: (files, branch = "main") => {
      const parent = tip(branch);
      const lines = ["feature done"];
      lines.push(
        `commit refs/heads/${branch}`,
        "committer Test <test@example.com> 1767225600 +0000",
        "data 6",
        "change",
      );
      if (parent !== undefined) lines.push(`from ${parent}`);
      for (const [path, text] of Object.entries(files)) {
        if (text === null) lines.push(`D ${path}`);
        else lines.push(`M 100644 inline ${path}`, `data ${Buffer.byteLength(text)}`, text);
      }
      run(["fast-import", "--quiet", "--force"], `${lines.join("\n")}\n\ndone\n`);
      return tip(branch) ?? "";
    },
    commitTree: (entries, branch = "main") => {
      const records = entries.flatMap(({ mode, id, name }) => [
        Buffer.from(`${mode.replace(/^0/, "")} `),
        Buffer.from(name),
        Buffer.from([0]),
        Buffer.from(id, "hex"),
      ]);
      const tree = run(["hash-object", "-w", "-t", "tree", "--stdin", "--literally"], Buffer.concat(records));
      return commitOf(tree, branch);
    },
  };
}
