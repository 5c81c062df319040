/** A repository on this machine, before git is let at it: git itself would follow it to wherever it points. */
import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { FlaresmithError } from "../../runtime/errors.ts";

/** What leads a repository's reader elsewhere, and why it is there. */
const POINTERS: readonly (readonly [path: string, what: string])[] = [
  ["commondir", "a linked work tree, whose repository is elsewhere"],
  ["objects/info/alternates", "borrowed objects of another repository"],
  ["objects/info/http-alternates", "borrowed objects of another repository"],
];
/** Parts that a link could exchange for those of another repository. */
const PARTS = [
  "",
  "HEAD",
  "config",
  "objects",
  "objects/info",
  "objects/pack",
  "refs",
  "refs/heads",
  "packed-refs",
];

const refuse = (message: string, hint: string): FlaresmithError =>
  new FlaresmithError({ code: "SOURCE_NOT_READABLE", field: "spec.git.url", message, hint });

/**
 * The directory that git has to read, for a directory that may be read: itself, or its `.git`.
 *
 * @param directory a real path (see `confineDirectory`)
 * @param shown how messages name it
 * @throws FlaresmithError SOURCE_NOT_READABLE when it is no repository, or one that leads out of itself
 */
export async function localRepository(directory: string, shown: string): Promise<string> {
  const dotGit = join(directory, ".git");
  const kind = await kindOf(dotGit);
  if (kind === "file" || kind === "link")
    throw leadsElsewhere(shown, "a .git that points to another directory");
  const repository = kind === "directory" ? dotGit : directory;
  for (const part of PARTS) {
    if ((await kindOf(join(repository, part))) === "link")
      throw leadsElsewhere(shown, `a symbolic link in place of ${part}`);
  }
  for (const [part, what] of POINTERS)
    if ((await kindOf(join(repository, part))) !== undefined) throw leadsElsewhere(shown, what);
  // Objects that are missing would be fetched from wherever its configuration says.
  const config = await readFile(join(repository, "config"), "latin1").catch(() => "");
  if (/promisor|partialclone/i.test(config))
    throw leadsElsewhere(shown, "a partial clone of another repository");
  const isRepository =
    (await kindOf(join(repository, "HEAD"))) === "file" &&
    (await kindOf(join(repository, "objects"))) === "directory";
  if (isRepository) return repository;
  throw refuse(
    `there is no git repository at ${shown}`,
    "Name the directory of a repository: a bare one, or a work tree with its .git.",
  );
}

function leadsElsewhere(shown: string, what: string): FlaresmithError {
  return refuse(
    `${shown} has ${what}, which is not followed`,
    "Name a repository that is complete in itself; git clone --bare makes one.",
  );
}

async function kindOf(path: string): Promise<"file" | "directory" | "link" | "other" | undefined> {
  try {
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) return "link";
    if (stats.isDirectory()) return "directory";
    return stats.isFile() ? "file" : "other";
  } catch {
    return undefined;
  }
}
