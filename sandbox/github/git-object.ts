import { createHash } from "node:crypto";

export type GitObjectType = "blob" | "tree" | "commit" | "tag";

/** One line of a tree: mode as git prints it (`100644`, `100755`, `040000`, `120000`, `160000`). */
export interface TreeEntry {
  mode: string;
  path: string;
  sha: string;
}

/** Who wrote or applied a commit; `seconds` since the epoch, `offset` as `+0000`. */
export interface Signature {
  name: string;
  email: string;
  seconds: number;
  offset: string;
}

export interface CommitBody {
  tree: string;
  parents: string[];
  author: Signature;
  committer: Signature;
  message: string;
}

/** The id of the tree without entries, which git knows without storing it. */
export const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/** The object id git gives to a body: SHA-1 over `<type> <length>\0<body>`. */
export function objectId(type: GitObjectType, body: Uint8Array): string {
  return createHash("sha1").update(`${type} ${body.length}\0`).update(body).digest("hex");
}

/** The object type that a tree entry's mode stands for. */
export function typeOfMode(mode: string): "blob" | "tree" | "commit" {
  if (mode === "040000") return "tree";
  return mode === "160000" ? "commit" : "blob";
}

/** A tree's body; entries are put in git's order (a directory sorts as if its name ended in `/`). */
export function encodeTree(entries: readonly TreeEntry[]): Buffer {
  const key = (entry: TreeEntry): Buffer =>
    Buffer.from(entry.mode === "040000" ? `${entry.path}/` : entry.path);
  const sorted = [...entries].toSorted((left, right) => Buffer.compare(key(left), key(right)));
  return Buffer.concat(
    sorted.flatMap((entry) => [
      // Git writes directory modes without the leading zero.
      Buffer.from(`${entry.mode.replace(/^0/, "")} ${entry.path}\0`),
      Buffer.from(entry.sha, "hex"),
    ]),
  );
}

/** The entries of a tree's body, in its order. */
export function decodeTree(body: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  let position = 0;
  while (position < body.length) {
    const space = body.indexOf(0x20, position);
    const end = body.indexOf(0, space);
    const mode = body.toString("latin1", position, space).padStart(6, "0");
    const path = body.toString("utf8", space + 1, end);
    entries.push({ mode, path, sha: body.toString("hex", end + 1, end + 21) });
    position = end + 21;
  }
  return entries;
}

function signatureLine(signature: Signature): string {
  return `${signature.name} <${signature.email}> ${signature.seconds} ${signature.offset}`;
}

/** A commit's body, as `git commit-tree` would write it. */
export function encodeCommit(commit: CommitBody): Buffer {
  const lines = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${signatureLine(commit.author)}`,
    `committer ${signatureLine(commit.committer)}`,
  ];
  return Buffer.from(`${lines.join("\n")}\n\n${commit.message}`);
}

function parseSignature(text: string): Signature {
  const match = /^(.*) <(.*)> (\d+) ([+-]\d{4})$/.exec(text);
  return {
    name: match?.[1] ?? "",
    email: match?.[2] ?? "",
    seconds: Number(match?.[3] ?? 0),
    offset: match?.[4] ?? "+0000",
  };
}

/** Reads a commit's body; headers it does not know (signatures, encodings) are skipped. */
export function decodeCommit(body: Buffer): CommitBody {
  const text = body.toString("utf8");
  const split = text.indexOf("\n\n");
  const head = split < 0 ? text : text.slice(0, split);
  const value = (name: string): string | undefined =>
    head
      .split("\n")
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1);
  return {
    tree: value("tree") ?? EMPTY_TREE,
    parents: head
      .split("\n")
      .filter((line) => line.startsWith("parent "))
      .map((line) => line.slice(7)),
    author: parseSignature(value("author") ?? ""),
    committer: parseSignature(value("committer") ?? ""),
    message: split < 0 ? "" : text.slice(split + 2),
  };
}

/** An ISO 8601 date as git keeps it: seconds and the offset it was written with; undefined when it is no date. */
export function parseGitDate(text: string): { seconds: number; offset: string } | undefined {
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds)) return undefined;
  const offset = /([+-])(\d{2}):?(\d{2})$/.exec(text);
  return {
    seconds: Math.floor(milliseconds / 1000),
    offset: offset ? `${offset[1]}${offset[2]}${offset[3]}` : "+0000",
  };
}
