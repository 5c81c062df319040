/** What a person does next: where kubectl looks, what answers where, how to clone and how to look into the databases. */
import type { SandboxAddresses } from "../../../sandbox/serve.ts";
import type { Fetch } from "../../runtime/clock.ts";
import type { KubernetesObject } from "../../store/resource-client.ts";

interface Entry {
  provider?: string;
  type?: string;
  id?: string;
  scope?: string;
}

function inventoryOf(object: KubernetesObject): readonly Entry[] {
  return (object["status"] as { inventory?: readonly Entry[] } | undefined)?.inventory ?? [];
}

/** `git clone` of every Project that has a repository. */
export function cloneCommands(objects: readonly KubernetesObject[]): string[] {
  return objects
    .filter(({ kind }) => kind === "Project")
    .flatMap((project) => {
      const url = (project["status"] as { repositoryUrl?: string } | undefined)?.repositoryUrl;
      return url === undefined ? [] : [`git clone ${url}${url.endsWith(".git") ? "" : ".git"}`];
    });
}

interface NeonBranchPlace {
  name: string;
  project: string;
  branch: string;
}

function branchesOf(objects: readonly KubernetesObject[]): NeonBranchPlace[] {
  const production = objects.filter(
    (object) =>
      object.kind === "Environment" && (object["spec"] as { stage?: string }).stage === "Production",
  );
  const previews = objects.filter(({ kind }) => kind === "Preview");
  return [...production, ...previews].flatMap((object) => {
    const entry = inventoryOf(object).find(
      ({ provider, type }) => provider === "neon" && (type === "branch" || type === "rootBranch"),
    );
    if (entry?.id === undefined || entry.scope === undefined) return [];
    return [{ name: object.metadata.name, project: entry.scope, branch: entry.id }];
  });
}

interface NeonFact {
  databases?: { name: string; owner_name: string }[];
  uri?: string;
}

/**
 * `psql` for the production and preview branches in the sandbox. URIs hold passwords, so they are asked for only there,
 * where they open nothing but a local database. What cannot be read is left out.
 */
export async function psqlCommands(options: {
  objects: readonly KubernetesObject[];
  addresses: SandboxAddresses;
  fetch: Fetch;
  signal: AbortSignal;
}): Promise<{ name: string; command: string }[]> {
  const { addresses, fetch, objects, signal } = options;
  const read = async (path: string): Promise<NeonFact> => {
    const headers = { authorization: `Bearer ${addresses.neon.token}`, accept: "application/json" };
    const response = await fetch(`${addresses.neon.url}${path}`, { headers, signal });
    return response.ok ? ((await response.json()) as NeonFact) : {};
  };
  const found = await Promise.allSettled(
    branchesOf(objects).map(async ({ branch, name, project }) => {
      const { databases } = await read(`/projects/${project}/branches/${branch}/databases`);
      const database = databases?.[0];
      if (database === undefined) return [];
      const query = new URLSearchParams({
        branch_id: branch,
        database_name: database.name,
        role_name: database.owner_name,
      });
      const { uri } = await read(`/projects/${project}/connection_uri?${query.toString()}`);
      return uri === undefined ? [] : [{ name, command: `psql '${uri}'` }];
    }),
  );
  return found.flatMap((branch) => (branch.status === "fulfilled" ? branch.value : []));
}
