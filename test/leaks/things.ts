/** What exists at the providers, in the sandbox's own words: of the types that can carry a marker, and of all others. */
import type { Sandbox } from "../../sandbox/sandbox.ts";

interface State {
  github: { repositories: { id: number; name: string; isTemplate: boolean }[] };
  neon: {
    projects: {
      id: string;
      deletedAt?: number;
      branches: { id: string; deletedAt?: number; parentId?: string; initSource?: string }[];
    }[];
  };
  cloudflare: {
    accounts: {
      scripts: { id: string; previews: { id: string }[] }[];
      kv: { id: string }[];
      r2: { name: string }[];
    }[];
  };
}

/** `provider/type/id` of everything that could carry a marker, sorted. The template is left out. */
export function markable({ cloudflare, github, neon }: Sandbox): string[] {
  const { repositories } = github.state() as State["github"];
  const { projects } = neon.state() as State["neon"];
  const { accounts } = cloudflare.state() as State["cloudflare"];
  const living = projects.filter(({ deletedAt }) => deletedAt === undefined);
  const branches = living
    .flatMap((project) => project.branches)
    .filter(({ deletedAt, initSource, parentId }) => {
      const root = parentId === undefined && initSource !== "schema-only";
      return deletedAt === undefined && !root;
    });
  const scripts = accounts.flatMap((account) => account.scripts);
  return [
    ...repositories.filter(({ isTemplate }) => !isTemplate).map(({ id }) => `github/repository/${id}`),
    ...living.map(({ id }) => `neon/project/${id}`),
    ...branches.map(({ id }) => `neon/branch/${id}`),
    ...scripts.map(({ id }) => `cloudflare/worker/${id}`),
    ...scripts.flatMap(({ previews }) => previews).map(({ id }) => `cloudflare/preview/${id}`),
    ...accounts.flatMap(({ kv }) => kv).map(({ id }) => `cloudflare/kvNamespace/${id}`),
    ...accounts.flatMap(({ r2 }) => r2).map(({ name }) => `cloudflare/r2Bucket/${name}`),
  ].toSorted();
}

/** What is in one list and not in the other. */
export function without(all: readonly string[], known: readonly string[]): string[] {
  const before = new Set(known);
  return all.filter((one) => !before.has(one));
}

/** `provider/type` of each, once. */
export function typesOf(things: readonly string[]): string[] {
  return [...new Set(things.map((thing) => thing.split("/").slice(0, 2).join("/")))].toSorted();
}
