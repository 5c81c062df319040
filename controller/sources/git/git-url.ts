/** Which repositories may be reached, and how a URL is given to git. */
import { fileURLToPath } from "node:url";
import { FlaresmithError } from "../../runtime/errors.ts";
import { confineDirectory } from "../confine.ts";

/** A URL that was looked at and may be handed to git. */
export interface GitUrl {
  readonly url: string;
  readonly protocol: "https" | "ssh" | "file";
  /** Scheme, host and port of https URLs. */
  readonly origin?: string;
}

const refuse = (message: string, hint: string): FlaresmithError =>
  new FlaresmithError({ code: "SOURCE_NOT_READABLE", field: "spec.git.url", message, hint });

/**
 * Checks a repository URL: https, ssh (also `user@host:path`), or file below an allowed directory.
 *
 * @throws FlaresmithError SOURCE_NOT_READABLE for every other scheme, credentials inside the URL, or a path that is not allowed
 */
export async function checkGitUrl(url: string, allowedDirectories: readonly string[]): Promise<GitUrl> {
  if (/[\s\p{Cc}]/u.test(url))
    throw refuse("the URL contains white space or control characters", "Encode them.");
  const scp = /^([A-Za-z0-9_][A-Za-z0-9_.-]*)@([A-Za-z0-9][A-Za-z0-9.-]*):([^-].*)$/.exec(url);
  if (scp !== null && !url.includes("://")) return { url, protocol: "ssh" };
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw refuse(
      "this is no URL",
      "Write https://host/path, ssh://user@host/path, user@host:path or file:///path.",
    );
  }
  if (parsed.password !== "" || (parsed.protocol === "https:" && parsed.username !== "")) {
    throw refuse("the URL contains credentials", "Remove them and name a Secret in spec.git.secretRef.");
  }
  switch (parsed.protocol) {
    case "https:":
      return { url, protocol: "https", origin: parsed.origin };
    case "ssh:":
      if (!/^[A-Za-z0-9[]/.test(parsed.hostname) || parsed.username.startsWith("-")) {
        throw refuse("the host of the URL is not a host name", "Write ssh://user@host/path.");
      }
      return { url, protocol: "ssh" };
    case "file:": {
      if (parsed.host !== "") throw refuse("a file URL names no host", "Write file:///path.");
      const directory = fileURLToPath(parsed);
      const real = await confineDirectory({ directory, allowed: allowedDirectories, field: "spec.git.url" });
      return { url: `file://${real}`, protocol: "file" };
    }
    default:
      throw refuse(
        `the scheme ${parsed.protocol} is not supported`,
        "Use https, ssh, or file below a directory named with --allow-directory.",
      );
  }
}

/**
 * The full name of a branch's ref.
 *
 * @throws FlaresmithError SOURCE_NOT_READABLE when git would not take the name
 * @see https://git-scm.com/docs/git-check-ref-format
 */
export function branchRef(branch: string): string {
  const bad =
    // oxlint-disable-next-line no-control-regex -- git forbids control characters in ref names
    /[\u0000- ~^:?*[\\\u007f]|\.\.|@\{|\/\/|^\/|\/$|\.$|^@$/.test(branch) ||
    branch.startsWith("-") ||
    branch.split("/").some((part) => part.startsWith(".") || part.endsWith(".lock"));
  if (!bad && branch !== "") return `refs/heads/${branch}`;
  throw new FlaresmithError({
    code: "SOURCE_NOT_READABLE",
    field: "spec.git.branch",
    message: `${JSON.stringify(branch)} is not a name of a branch`,
    hint: "Name the branch as git branch lists it, such as main.",
  });
}
