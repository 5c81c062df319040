/** `--source`: a Source for a directory or a git repository, added when it is not there yet and never rewritten. */
import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { KubernetesObject, ResourceClient } from "../../store/resource-client.ts";
import { CommandError } from "../failure.ts";
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

/**
 * Reads one `--source`: a directory, or a git URL, optionally with `#branch`.
 * @throws CommandError when the directory does not exist or is none
 */
export function readSource(text: string): WantedSource {
  if (URL_FORM.test(text)) {
    const [url = "", branch] = text.split("#", 2);
    if (url.startsWith("http://")) {
      throw new CommandError(`--source ${url}: git over plain http is not used`, {
        hint: "Use https:// or ssh://.",
        exitCode: 2,
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
