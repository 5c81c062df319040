/** The files at a path of a commit, read by object id: no work tree, and nothing is read twice. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { LookupDefinition } from "../engine/resource.ts";
import type { GitHubClient } from "./client.ts";
import { readBlob, readTree, treeOfCommit } from "./git-objects.ts";
import type { GitTreeEntry } from "./git-objects.ts";
import type { ReadContext } from "./repository-access.ts";
import type { CommitFile, CommitFilesInput, CommitFilesOutputs } from "./types.ts";

/** Each file costs a call, so a bundle of more would eat the hourly budget; assets belong into an artifact then. */
const MOST_FILES = 1000;
const MOST_BYTES = 25 * 1024 * 1024;
/** Blobs asked for at once; the transport bounds what all of them do together. */
const AT_ONCE = 8;

/** How every pointer file of Git LFS begins (its specification, version 1). */
const LFS_POINTER = Buffer.from("version https://git-lfs.github.com/spec/v1\n");
const startsWith = (content: Uint8Array, prefix: Uint8Array): boolean =>
  Buffer.compare(content.subarray(0, prefix.length), prefix) === 0;

const TREE = "040000";
const LINK = "120000";
const SUBMODULE = "160000";
const EXECUTABLE = "100755";

/** @throws FlaresmithError SPEC_INVALID for paths that lead out of the repository */
function segmentsOf(path: string): string[] {
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (segments.includes("..") || path.startsWith("/"))
    throw new FlaresmithError({
      code: "SPEC_INVALID",
      message: `the path ${path} leads out of the repository`,
      field: "code.path",
      hint: "Give a path relative to the root of the repository.",
    });
  return segments;
}

function unsupported(input: CommitFilesInput, why: string, hint: string): FlaresmithError {
  return new FlaresmithError({
    code: "SPEC_BUNDLE_UNSUPPORTED",
    message: `${input.path} in ${input.repository} at ${input.revision} ${why}`,
    field: "code.path",
    hint,
    context: { provider: "github" },
  });
}

function refuseKinds(input: CommitFilesInput, entries: readonly GitTreeEntry[]): void {
  const odd = entries.find(({ mode }) => mode === LINK || mode === SUBMODULE);
  if (!odd) return;
  const kind = odd.mode === LINK ? "symbolic link" : "submodule";
  throw unsupported(
    input,
    `holds the ${kind} ${odd.path}`,
    `Commit the files themselves in place of the ${kind}.`,
  );
}

async function find(input: CommitFilesInput, context: ReadContext): Promise<GitTreeEntry> {
  const { repository, revision, path } = input;
  let entry: GitTreeEntry = {
    path: "",
    mode: TREE,
    sha: await treeOfCommit(context, repository, revision),
    size: 0,
  };
  for (const segment of segmentsOf(path)) {
    const tree = entry.mode === TREE ? await readTree(context, repository, entry.sha, false) : undefined;
    const next = tree?.entries.find((item) => item.path === segment);
    if (!next)
      throw new FlaresmithError({
        code: "SPEC_BUNDLE_MISSING",
        message: `there is no ${path} in ${repository} at ${revision}`,
        field: "code.path",
        context: { provider: "github" },
      });
    entry = next;
  }
  return entry;
}

async function readAll(
  input: CommitFilesInput,
  entries: readonly GitTreeEntry[],
  context: ReadContext,
): Promise<CommitFile[]> {
  const bytes = entries.reduce((sum, entry) => sum + entry.size, 0);
  if (entries.length > MOST_FILES)
    throw unsupported(
      input,
      `holds ${entries.length} files of ${MOST_FILES} that are allowed`,
      "Bundle it into fewer files.",
    );
  if (bytes > MOST_BYTES)
    throw unsupported(
      input,
      `holds ${bytes} bytes of ${MOST_BYTES} that are allowed`,
      "Leave out what the Worker does not need.",
    );
  const files: CommitFile[] = [];
  for (let start = 0; start < entries.length; start += AT_ONCE) {
    const batch = entries.slice(start, start + AT_ONCE).map(async ({ path, mode, sha }) => ({
      path,
      content: await readBlob(context, input.repository, sha),
      executable: mode === EXECUTABLE,
    }));
    files.push(...(await Promise.all(batch)));
  }
  const pointer = files.find(({ content }) => content.length < 1024 && startsWith(content, LFS_POINTER));
  if (pointer)
    throw unsupported(
      input,
      `holds ${pointer.path}, whose content lies in Git LFS`,
      "Commit the file itself in place of the pointer.",
    );
  return files;
}

async function readBelow(
  input: CommitFilesInput,
  found: GitTreeEntry,
  context: ReadContext,
): Promise<CommitFilesOutputs> {
  if (found.mode !== TREE) {
    refuseKinds(input, [found]);
    return { files: await readAll(input, [found], context), treeSha: found.sha, kind: "file" };
  }
  const { entries, truncated } = await readTree(context, input.repository, found.sha, true);
  if (truncated)
    throw unsupported(input, "holds more files than GitHub lists", "Bundle it into fewer files.");
  refuseKinds(input, entries);
  const blobs = entries.filter(({ mode }) => mode !== TREE).toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return { files: await readAll(input, blobs, context), treeSha: found.sha, kind: "directory" };
}

/**
 * Files sorted by path, the same objects as long as the tree is the same. The commit must be known by its full id, so
 * that the answer can be kept.
 */
export const commitFiles: LookupDefinition<CommitFilesInput, GitHubClient> = Object.freeze({
  provider: "github",
  type: "commitFiles",
  /**
   * @throws FlaresmithError SPEC_BUNDLE_MISSING when there is nothing at the path, SPEC_BUNDLE_UNSUPPORTED for links,
   * submodules, pointers of Git LFS, and more than 1,000 files or 25 MiB, SPEC_REFERENCE_MISSING when there is no such commit
   */
  look: async (input: CommitFilesInput, context: ReadContext): Promise<CommitFilesOutputs> => {
    const { files } = context.client.objects;
    const found = await find(input, context);
    // A blob does not know its name and mode.
    const key = `${found.mode} ${found.path} ${found.sha}`;
    const known = files.get(key);
    if (known) return known;
    const read = await readBelow(input, found, context);
    const bytes = read.files.reduce((sum, file) => sum + file.content.length, 0);
    files.set(key, read, bytes);
    return read;
  },
});
