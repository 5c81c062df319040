/** Which repositories may be reached, and how a URL is given to git. */
import { isIP } from "node:net";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { HostResolver } from "../../runtime/adapters/resolve-host.ts";
import { FlaresmithError } from "../../runtime/errors.ts";
import { confineDirectory } from "../confine.ts";
import { isAllowedAddress } from "./allowed-address.ts";
import { localRepository } from "./local-repository.ts";

/** A URL that was looked at and may be handed to git. */
export interface GitUrl {
  /** As git gets it. */
  readonly url: string;
  readonly protocol: "https" | "ssh" | "file";
  /** Scheme, host and port of https URLs. */
  readonly origin?: string;
  /** `host:port:address,…`: where an https host was found. Git goes there and does not look again. */
  readonly resolved?: string;
}

/** What may be reached. */
export interface GitReach {
  /** Directories below which `file://` may lie. */
  readonly directories: readonly string[];
  readonly resolveHost: HostResolver;
}

/** `user@host:path`; neither may look like an option. */
const SCP = /^([A-Za-z0-9_][A-Za-z0-9_.-]*)@([A-Za-z0-9][A-Za-z0-9.-]*):([^-].*)$/;
/** Nothing in front of the path may be encoded: ssh would be given what it decodes to. */
const SSH =
  /^ssh:\/\/(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?(?:([A-Za-z0-9][A-Za-z0-9.-]*)|\[([0-9A-Fa-f:.]+)\])(?::\d+)?\/./;

const refuse = (message: string, hint: string): FlaresmithError =>
  new FlaresmithError({ code: "SOURCE_NOT_READABLE", field: "spec.git.url", message, hint });

/**
 * Checks a repository URL: https, ssh (also `user@host:path`), or file below an allowed directory.
 *
 * @throws FlaresmithError SOURCE_NOT_READABLE for every other scheme, credentials inside the URL, a path that is not
 * allowed, or a host at an address where no repository is
 */
export async function checkGitUrl(url: string, reach: GitReach): Promise<GitUrl> {
  if (/[\s\p{Cc}\\]/u.test(url))
    throw refuse("the URL contains white space, control characters or backslashes", "Encode them.");
  const scp = url.includes("://") ? null : SCP.exec(url);
  if (scp !== null) {
    await addressesOf(scp[2] ?? "", reach.resolveHost);
    return { url, protocol: "ssh" };
  }
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
    case "https:": {
      const addresses = await addressesOf(parsed.hostname.replace(/^\[|\]$/g, ""), reach.resolveHost);
      const shown = addresses.map((address) => (isIP(address) === 6 ? `[${address}]` : address));
      const resolved = `${parsed.hostname}:${parsed.port === "" ? 443 : parsed.port}:${shown.join(",")}`;
      // Normalized: what reads it next must not find another host in it than was looked at.
      return {
        url: parsed.href,
        protocol: "https",
        origin: parsed.origin,
        ...(shown.length === 0 ? {} : { resolved }),
      };
    }
    case "ssh:": {
      const match = SSH.exec(url);
      if (match === null)
        throw refuse("the user or host of the URL is not one", "Write ssh://user@host/path.");
      await addressesOf(match[1] ?? match[2] ?? "", reach.resolveHost);
      return { url, protocol: "ssh" };
    }
    case "file:": {
      if (parsed.host !== "") throw refuse("a file URL names no host", "Write file:///path.");
      const real = await confineDirectory({
        directory: pathOf(parsed),
        allowed: reach.directories,
        field: "spec.git.url",
      });
      const repository = await localRepository(real, `file://${real}`);
      // Git decodes the path once more; encoded, it comes out as what was looked at.
      return { url: pathToFileURL(repository).href, protocol: "file" };
    }
    default:
      throw refuse(
        `the scheme ${parsed.protocol} is not supported`,
        "Use https, ssh, or file below a directory named with --allow-directory.",
      );
  }
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw refuse("the path of the URL is not one", "Write file:///path; a slash cannot be encoded.");
  }
}

/**
 * Addresses of a host; empty when it stands for itself, or is not known: then git says so, or a proxy knows it.
 * @throws FlaresmithError SOURCE_NOT_READABLE when one of them is where no repository is
 */
async function addressesOf(host: string, resolveHost: HostResolver): Promise<readonly string[]> {
  const isAddress = isIP(host) !== 0;
  const addresses = isAddress ? [host] : await resolveHost(host).catch(() => []);
  if (addresses.every(isAllowedAddress)) return isAddress ? [] : addresses;
  throw refuse(
    `the host ${host} is at a link-local, metadata, multicast or unspecified address`,
    "Name the host of a repository; these addresses are never reached.",
  );
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
