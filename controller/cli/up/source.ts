/** `--source`: a Source for a directory or a git repository, added when it is not there yet and never rewritten. */
import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { KubernetesObject, ResourceClient } from "../../store/resource-client.ts";
import { CommandError, exitCodes } from "../failure.ts";
import { sourceType } from "../types.ts";

const URL_FORM = /^(https?:\/\/|ssh:\/\/|file:\/\/|[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:)/;

/** What `--source` names. */
export interface WantedSource {
  /** What its name is made of. */
  name: string;
  spec: { directory: string } | { git: { url: string; branch?: string } };
}

function objectNameOf(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 50)
    .replace(/-+$/g, "");
  return name === "" ? "source" : name;
}

/** What stands before the host of a URL, and is a credential: ssh's user alone is none. */
const CREDENTIALS = /^(?:(?:https?|file):\/\/[^/?]*@|ssh:\/\/[^/?@]*:[^/?]*@)/;

/** Before anything else is done with them: what is stored, or shown, stays somewhere. */
function refuseCredentials(text: string): void {
  const [credentials] = CREDENTIALS.exec(text) ?? [];
  if (credentials === undefined) {
    if (!text.includes("://") || URL.canParse(text)) return;
    // Not repeated: a password with a slash in it is what makes a URL none.
    throw new CommandError("--source names a git repository by what is no URL", {
      hint: "Write https://host/path, ssh://user@host/path, user@host:path or file:///path.",
      exitCode: exitCodes.usage,
    });
  }
  const scheme = credentials.slice(0, credentials.indexOf(":"));
  throw new CommandError(`--source ${scheme}://…@${text.slice(credentials.length)} holds credentials`, {
    hint: "Leave them out. A repository that needs them: put them into a Secret, and apply a Source that names it in spec.git.secretRef.",
    exitCode: exitCodes.usage,
  });
}

/**
 * Reads one `--source`: a directory, or a git URL, optionally with `#branch`.
 * @throws CommandError when the directory does not exist or is none, and for what is no URL, or one with credentials in it
 */
export function readSource(text: string): WantedSource {
  if (URL_FORM.test(text)) {
    refuseCredentials(text);
    const [url = "", branch] = text.split("#", 2);
    if (url.startsWith("http://")) {
      throw new CommandError(`--source ${url}: git over plain http is not used`, {
        hint: "Use https:// or ssh://.",
        exitCode: exitCodes.usage,
      });
    }
    const last = url.replace(/\/+$/, "").split(/[/:]/).at(-1) ?? "";
    return {
      name: objectNameOf(last.replace(/\.git$/, "")),
      spec: { git: { url, ...(branch === undefined || branch === "" ? {} : { branch }) } },
    };
  }
  const directory = resolve(text);
  const problem = !existsSync(directory)
    ? "does not exist"
    : statSync(directory).isDirectory()
      ? undefined
      : "is no directory";
  if (problem !== undefined) {
    throw new CommandError(`--source ${text}: ${directory} ${problem}`, {
      hint: "Name a directory with YAML files, or a git URL (https://, ssh://, user@host:path).",
    });
  }
  return { name: objectNameOf(basename(directory)), spec: { directory } };
}

interface SourceObject extends KubernetesObject {
  spec?: { directory?: string; git?: { url?: string; branch?: string } };
}

function isSame(source: SourceObject, wanted: WantedSource): boolean {
  if ("directory" in wanted.spec) return source.spec?.directory === wanted.spec.directory;
  const { branch = "main", url } = wanted.spec.git;
  return source.spec?.git?.url === url && (source.spec.git.branch ?? "main") === branch;
}

/**
 * Makes sure that a Source in namespace `default` reads what is wanted.
 * @returns its name: the wanted one, that of a Source which reads the same already, or the wanted one with a suffix when
 *   another Source has it
 */
export async function ensureSource(client: ResourceClient, wanted: WantedSource): Promise<string> {
  const { items } = await client.list<SourceObject>(sourceType, { namespace: "default" });
  const same = items.find((source) => isSame(source, wanted));
  if (same !== undefined) return same.metadata.name;
  const taken = items.some(({ metadata }) => metadata.name === wanted.name);
  const suffix = createHash("sha256").update(JSON.stringify(wanted.spec)).digest("hex").slice(0, 6);
  const name = taken ? `${wanted.name}-${suffix}` : wanted.name;
  const source: SourceObject = {
    apiVersion: "flaresmith.dev/v1alpha1",
    kind: "Source",
    metadata: { name, namespace: "default" },
    spec: wanted.spec,
  };
  await client.create(sourceType, source, { fieldManager: "flaresmith-up" });
  return name;
}
