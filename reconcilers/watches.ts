/** What else than its own change wakes an object, and the indexes that make that cheap. */
import { isDeepStrictEqual } from "node:util";
import type { Caches, WatchedType } from "../controller/runtime/reconcile.ts";
import type { KubernetesObject, ObjectKey, ResourceType } from "../controller/store/resource-client.ts";
import { connectionType, environmentType, previewType, projectType } from "./objects.ts";
import type { ConnectionObject, EnvironmentObject, PreviewObject, ProjectObject } from "./objects.ts";

/** Environments or previews. */
type Child = EnvironmentObject | PreviewObject;

const BY_PROJECT = "project";
const BY_REPOSITORY = "repository";
const BY_REPOSITORY_NAME = "repositoryName";

const childIndex = (type: ResourceType) => ({
  type,
  name: BY_PROJECT,
  values: (object: KubernetesObject): readonly string[] => {
    const { metadata, spec } = object as Child;
    return [`${metadata.namespace ?? ""}/${spec.projectRef.name}`];
  },
});

/** Indexes of the manager's caches that everything here reads by. */
export const indexes = [
  childIndex(environmentType),
  childIndex(previewType),
  {
    type: projectType,
    name: BY_REPOSITORY,
    values: (object: KubernetesObject): readonly string[] => {
      const { metadata, spec } = object as ProjectObject;
      return spec.github ? [`${metadata.namespace ?? ""}/${spec.github.repository}`] : [];
    },
  },
  {
    type: projectType,
    name: BY_REPOSITORY_NAME,
    values: (object: KubernetesObject): readonly string[] => {
      const { github } = (object as ProjectObject).spec;
      return github ? [github.repository.toLowerCase()] : [];
    },
  },
] as const;

/** Environments or previews of a project. */
export function ofProject<T extends Child>(
  caches: Caches,
  type: ResourceType,
  namespace: string,
  project: string,
): readonly T[] {
  return caches.of<T>(type).byIndex(BY_PROJECT, `${namespace}/${project}`);
}

/** Projects whose spec calls their repository so, in any case and in any namespace. */
export function usingRepository(caches: Caches, repository: string): readonly ProjectObject[] {
  return caches.of<ProjectObject>(projectType).byIndex(BY_REPOSITORY_NAME, repository.toLowerCase());
}

/** Infers the object type inside a definition; a list of them holds several. */
const defineWatch = <T extends KubernetesObject>(watched: WatchedType<T>): WatchedType => watched;

const keysOf = (objects: readonly KubernetesObject[]): ObjectKey[] =>
  objects.map(({ metadata: { name, namespace } }) => ({
    name,
    ...(namespace === undefined ? {} : { namespace }),
  }));

/** What a Connection is, without how busy its provider is: whoever meets that waits by himself as long as it takes. */
function withoutPace({ metadata, spec, status }: ConnectionObject): unknown {
  const { breaker: _breaker, throttledUntil: _until, ...lasting } = { ...status } as Record<string, unknown>;
  const { annotations, deletionTimestamp } = metadata;
  return { annotations, deletionTimestamp, spec, lasting };
}

/** A Connection that changes, or works again, wakes everything in the namespaces that may use it. */
export function connectionWatch(target: ResourceType): WatchedType {
  return defineWatch<ConnectionObject>({
    type: connectionType,
    toKeys: (connection, caches) => {
      const { allowedNamespaces = [] } = connection.spec;
      const shared = allowedNamespaces.length > 0;
      return keysOf(caches.of(target).list(shared ? undefined : connection.metadata.namespace));
    },
    isNews: (before, now) => !isDeepStrictEqual(withoutPace(before), withoutPace(now)),
  });
}

/** A Connection that is being deleted waits until nothing stands for external things through it. */
export function connectionUserWatch(type: ResourceType): WatchedType {
  return defineWatch<ProjectObject | Child>({
    type,
    toKeys: ({ status }, caches) => {
      const keys = new Set((status?.inventory ?? []).map((entry) => entry.connection ?? ""));
      return [...keys].flatMap((text) => {
        const [namespace = "", name = ""] = text.split("/");
        const connection = caches.of(connectionType).get({ namespace, name });
        return connection?.metadata.deletionTimestamp === undefined ? [] : [{ namespace, name }];
      });
    },
  });
}

/**
 * A Project's status says what its environments and previews wait for; those of Projects that only use its repository
 * wait for it as well.
 */
export function projectWatch(target: ResourceType): WatchedType {
  return defineWatch<ProjectObject>({
    type: projectType,
    toKeys: (project, caches) => {
      const { name, namespace = "" } = project.metadata;
      const { mode, repository = "" } = project.spec.github ?? {};
      const users =
        mode === "Manage"
          ? caches
              .of<ProjectObject>(projectType)
              .byIndex(BY_REPOSITORY, `${namespace}/${repository}`)
              .filter(({ spec }) => spec.github?.mode === "Reference")
          : [];
      const projects = new Set([name, ...users.map((user) => user.metadata.name)]);
      return keysOf([...projects].flatMap((one) => ofProject(caches, target, namespace, one)));
    },
  });
}

/** A Project that is being deleted waits for these; one that is not has nothing to do with them. */
export function childWatch(type: ResourceType): WatchedType {
  return defineWatch<Child>({
    type,
    toKeys: (child, caches) => {
      const { namespace } = child.metadata;
      const key = { name: child.spec.projectRef.name, ...(namespace === undefined ? {} : { namespace }) };
      const project = caches.of(projectType).get(key);
      return project?.metadata.deletionTimestamp === undefined ? [] : [key];
    },
  });
}

/** An Environment that is being deleted waits for the previews that are based on it. */
export const previewOfEnvironment: WatchedType = defineWatch<PreviewObject>({
  type: previewType,
  toKeys: ({ metadata, spec }, caches) =>
    keysOf(
      ofProject(caches, environmentType, metadata.namespace ?? "", spec.projectRef.name).filter(
        (environment) => environment.metadata.deletionTimestamp !== undefined,
      ),
    ),
});

/** Previews use the Worker, the variables and the database branch of the environment they are based on. */
export const environmentWatch: WatchedType = defineWatch<EnvironmentObject>({
  type: environmentType,
  toKeys: ({ metadata, spec }, caches) =>
    keysOf(ofProject(caches, previewType, metadata.namespace ?? "", spec.projectRef.name)),
});

/** A place in the queue becomes free when another preview ends. */
export const siblingWatch: WatchedType = defineWatch<PreviewObject>({
  type: previewType,
  toKeys: ({ metadata, spec }, caches) =>
    keysOf(
      ofProject<PreviewObject>(caches, previewType, metadata.namespace ?? "", spec.projectRef.name).filter(
        (other) => (other.status?.queuePosition ?? 0) > 0,
      ),
    ),
});
