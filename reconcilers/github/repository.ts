/** The repository of a Project, and one that a Project only uses. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type {
  FieldChange,
  LookupDefinition,
  Observation,
  Reference,
  ResourceContext,
} from "../engine/resource.ts";
import { collectChanges } from "./changes.ts";
import type { GitHubClient } from "./client.ts";
import { define } from "./define.ts";
import { sharedHeads } from "./heads.ts";
import { notVisible, provenGone, readById, readByName } from "./repository-access.ts";
import type { ReadContext, RepositoryData } from "./repository-access.ts";
import { createRepository } from "./repository-creation.ts";
import { listMarkedRepositories } from "./repository-listing.ts";
import { observedOf, ownerOf, settingKeys } from "./repository-observed.ts";
import { normalTopics, updateRepository } from "./repository-update.ts";
import type {
  RepositoryDesired,
  RepositoryLookupInput,
  RepositoryObserved,
  RepositoryOutputs,
} from "./types.ts";

type Context = ResourceContext<GitHubClient>;

async function contentReady(data: RepositoryData, context: ReadContext): Promise<boolean> {
  return (await sharedHeads(context, data.full_name))?.has(data.default_branch) ?? false;
}

async function present(data: RepositoryData, context: Context): Promise<Observation<RepositoryObserved>> {
  const ready = await contentReady(data, context);
  const observed = observedOf(data, { contentReady: ready, marker: context.marker });
  return {
    state: "present",
    id: String(observed.id),
    name: observed.name,
    owner: ownerOf(data, context.marker),
    observed,
    depth: "deep",
    // An empty repository that was not just made by us waits for nothing.
    ...(ready || !observed.descriptionIsMarker
      ? {}
      : { pending: `the content of the repository ${observed.fullName}` }),
  };
}

/** The repository with a known id that no longer answers under its name: renamed, hidden, or gone. */
async function search(
  reference: Reference,
  id: string,
  taken: RepositoryData | undefined,
  context: Context,
): Promise<Observation<RepositoryObserved>> {
  const { scope, name } = reference;
  const moved = await readById(context, Number(id));
  if (moved) return present(moved, context);
  const gone =
    context.entry?.data?.["confirmGone"] === id || (await provenGone(context, scope, { id: Number(id) }));
  if (!gone) return { state: "unknown", error: notVisible(`${scope}/${name}`, id) };
  return taken ? present(taken, context) : { state: "absent" };
}

async function observe(reference: Reference, context: Context): Promise<Observation<RepositoryObserved>> {
  const { scope, name } = reference;
  const load = (): Promise<RepositoryData | undefined> => readByName(context, scope, name);
  const found = await context.read({
    listing: `${scope}/${name}`.toLowerCase(),
    list: load,
    find: (data) => data,
    single: load,
  });
  const id = reference.id ?? context.entry?.id;
  if (id !== undefined && String(found?.id) !== id) return search(reference, id, found, context);
  if (!found) return { state: "absent" };
  const renamed = found.full_name.toLowerCase() !== `${scope}/${name}`.toLowerCase();
  // GitHub leads an old name to the repository that bore it; without an id it is not the one that is meant.
  return id === undefined && renamed && ownerOf(found, context.marker) !== "ours"
    ? { state: "absent" }
    : present(found, context);
}

function diff(desired: RepositoryDesired, observed: RepositoryObserved): FieldChange[] {
  return collectChanges((compare) => {
    compare("archived", false, observed.archived);
    if (desired.owner.toLowerCase() !== observed.owner.toLowerCase())
      compare("owner", desired.owner, observed.owner);
    if (desired.name.toLowerCase() !== observed.name.toLowerCase())
      compare("name", desired.name, observed.name);
    compare("visibility", desired.visibility, observed.visibility);
    // The marker was only put there for the time until the topic could be.
    compare(
      "description",
      desired.description ?? (observed.descriptionIsMarker ? "" : undefined),
      observed.description,
    );
    compare(
      "topics",
      desired.topics && normalTopics(desired.topics).join(", "),
      normalTopics(observed.topics).join(", "),
    );
    // An empty repository has none that could be another.
    if (observed.contentReady) compare("defaultBranch", desired.defaultBranch, observed.defaultBranch);
    for (const key of settingKeys)
      compare(`settings.${key}`, desired.settings?.[key], observed.settings[key]);
    compare("markerTopic", true, observed.marked);
  });
}

function outputs(observed: RepositoryObserved): RepositoryOutputs {
  const { id, owner, name, fullName, url, cloneUrl, defaultBranch, contentReady: ready } = observed;
  return { id, owner, name, fullName, url, cloneUrl, defaultBranch, contentReady: ready };
}

/**
 * The repository, made plainly or from a template in phases: created, content there, configured. One read, and
 * the branches that others look at too, show everything at any depth. A 404 proves absence only before it was ever seen, or with a complete listing, or with a
 * person's word (`entry.data.confirmGone` equal to the id).
 */
export const repository = define<RepositoryDesired, RepositoryObserved>({
  provider: "github",
  type: "repository",
  segment: "githubRepo",
  holds: "code",
  ownership: "marked",
  keepsIdentity: "both",
  fields: {
    owner: "shallow",
    name: "shallow",
    // Read once, by the creating call.
    template: "shallow",
    archived: "shallow",
    visibility: "shallow",
    description: "shallow",
    topics: "shallow",
    defaultBranch: "shallow",
    markerTopic: "shallow",
    ...Object.fromEntries(settingKeys.map((key) => [`settings.${key}`, "shallow" as const])),
  },
  reference: ({ owner, name }) => ({ scope: owner, name }),
  observe,
  diff,
  create: async (desired, context) => {
    const data = await createRepository(desired, context);
    const id = String(data.id);
    // Configuring is the next pass's work: what fails there must not look like a creation that failed.
    return { id, name: data.name, pending: `the content of the repository ${data.full_name}` };
  },
  update: updateRepository,
  remove: async ({ scope, name, id }, context) => {
    const { client, signal } = context;
    const found =
      id === undefined ? await readByName(context, scope, name) : await readById(context, Number(id));
    if (!found) return undefined;
    const { login: owner } = found.owner;
    const what = `deleting the repository ${found.full_name}`;
    const answer = await client.attempt({ what, signal, write: true, tolerate: [404] }, (request) =>
      request("DELETE /repos/{owner}/{repo}", { owner, repo: found.name }),
    );
    return answer.ok ? "deleted" : undefined;
  },
  listMarked: listMarkedRepositories,
  outputs: (_desired, observed) => outputs(observed),
});

/** A repository that another Project or a person manages; same outputs as `repository`. */
export const repositoryLookup: LookupDefinition<RepositoryLookupInput, GitHubClient> = Object.freeze({
  provider: "github",
  type: "repository",
  /** @throws FlaresmithError INTEGRATION_REPOSITORY_NOT_VISIBLE when it does not exist or cannot be seen */
  look: async ({ owner, name }: RepositoryLookupInput, context: ReadContext): Promise<RepositoryOutputs> => {
    const key = `repository-lookup:${owner}/${name}`.toLowerCase();
    // That it is missing is kept for nobody: another Project may be making it right now.
    const load = async (): Promise<RepositoryData> => {
      const found = await readByName(context, owner, name);
      if (found) return found;
      throw new FlaresmithError({
        code: "INTEGRATION_REPOSITORY_NOT_VISIBLE",
        message: `the repository ${owner}/${name} does not exist, or the credentials cannot see it`,
        field: "spec.github.repository",
        hint: "Correct spec.github.owner and spec.github.repository, or give the credentials of the Connection access to it.",
        context: { provider: "github" },
      });
    };
    const data = await context.shared(key, load, context.fresh ? 0 : undefined);
    return outputs(observedOf(data, { contentReady: await contentReady(data, context) }));
  },
});
