/**
 * Whose a GitHub environment is that several Environments name: of one Project, or of Projects that share a repository.
 * GitHub has one of each name, whatever its case, and nothing on it could say whose it is.
 */
import { FlaresmithError } from "../controller/runtime/errors.ts";
import type { InventoryEntry } from "./engine/resource.ts";
import { byAge, entryOf, shortName } from "./names.ts";
import { connectionType, environmentType } from "./objects.ts";
import type { ConnectionObject, EnvironmentObject, ObjectReader, ProjectObject } from "./objects.ts";

/** Slot of the GitHub environment. */
export const GITHUB_ENVIRONMENT = "githubEnvironment";

/** Name of an Environment's GitHub environment. */
export function githubEnvironmentName({ metadata, spec }: EnvironmentObject): string {
  return spec.github?.environment ?? shortName(metadata.name, spec.projectRef.name);
}

/** Whether it has one at all, by its spec: also where it is only made for secrets. */
function hasGitHubEnvironment({ spec }: EnvironmentObject): boolean {
  return spec.github !== undefined || (spec.secrets ?? []).some(({ to }) => to.includes("GitHub"));
}

const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();
const keyOf = ({ metadata }: EnvironmentObject): string => `${metadata.namespace ?? ""}/${metadata.name}`;

/** Where and what the Project's repository is; undefined while nobody knows whose account the Connection's is. */
function repositoryOf(project: ProjectObject, reader: ObjectReader): string | undefined {
  const { github } = project.spec;
  if (!github) return undefined;
  const { name, namespace = project.metadata.namespace ?? "" } = github.connectionRef;
  const connection = reader.get<ConnectionObject>(connectionType, { namespace, name });
  const entry = entryOf(project, "githubRepo");
  const owner = github.owner ?? entry?.scope ?? connection?.spec.account ?? connection?.status?.account;
  if (owner === undefined) return undefined;
  return `${connection?.spec.endpoint ?? ""} ${owner}/${entry?.name ?? github.repository}`.toLowerCase();
}

/** What an Environment remembers of the GitHub environment of that name. */
function entryAt(object: EnvironmentObject, name: string): InventoryEntry | undefined {
  const entry = entryOf(object, GITHUB_ENVIRONMENT);
  return entry?.name !== undefined && isSame(entry.name, name) ? entry : undefined;
}

/** Who has it already comes first, then the older one. */
function precedes(one: EnvironmentObject, other: EnvironmentObject, name: string): boolean {
  const has = entryAt(one, name) !== undefined;
  return has === (entryAt(other, name) !== undefined) ? byAge(one, other) < 0 : has;
}

/** The Environments of all Projects whose repository is called so, whatever its case and its owner. */
const neighbours = (repository: string, reader: ObjectReader) =>
  reader
    .usingRepository(repository)
    .flatMap((project) =>
      reader
        .ofProject<EnvironmentObject>(
          environmentType,
          project.metadata.namespace ?? "",
          project.metadata.name,
        )
        .map((object) => ({ object, project })),
    );

/** Says that another Environment comes first with this one's GitHub environment; undefined when none does. */
export function rivalOf(
  object: EnvironmentObject,
  project: ProjectObject,
  reader: ObjectReader,
): FlaresmithError | undefined {
  const name = githubEnvironmentName(object);
  const repository = repositoryOf(project, reader);
  if (repository === undefined) return undefined;
  const first = neighbours(project.spec.github?.repository ?? "", reader).find(
    ({ object: other, project: its }) =>
      keyOf(other) !== keyOf(object) &&
      hasGitHubEnvironment(other) &&
      isSame(githubEnvironmentName(other), name) &&
      repositoryOf(its, reader) === repository &&
      precedes(other, object, name),
  );
  if (first === undefined) return undefined;
  return new FlaresmithError({
    code: "INTEGRATION_NAME_CONFLICT",
    message: `the GitHub environment ${name} of that repository is the one of Environment ${keyOf(first.object)}`,
    field: "spec.github.environment",
    hint: "Choose another name: GitHub tells names of environments apart without case.",
    context: { provider: "github" },
  });
}

/** Whether an Environment that stays has what the entry stands for, or what it lies in: then it is not ours to delete. */
export function isShared(object: EnvironmentObject, entry: InventoryEntry, reader: ObjectReader): boolean {
  const { name = "", provider, scope = "", type } = entry;
  if (provider !== "github" || !["environment", "secrets", "variables"].includes(type)) return false;
  const [, repository = ""] = scope.split("/");
  const environment = name.replace(/^environments\//, "");
  return neighbours(repository, reader).some(({ object: other }) => {
    if (keyOf(other) === keyOf(object) || other.metadata.deletionTimestamp !== undefined) return false;
    const theirs = entryAt(other, environment);
    return theirs?.id !== undefined && isSame(theirs.scope ?? "", scope);
  });
}
