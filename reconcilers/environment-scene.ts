/** What the parts of an Environment's graph share. */
import { FlaresmithError } from "../controller/runtime/errors.ts";
import type { SecretValue } from "../controller/runtime/secret-value.ts";
import type { ResourceClient } from "../controller/store/resource-client.ts";
import type { ConnectionRegistry } from "./connections.ts";
import { shortName } from "./names.ts";
import { projectType } from "./objects.ts";
import type { EnvironmentObject, ObjectReader, PreviewObject, ProjectObject } from "./objects.ts";

export interface EnvironmentOptions {
  client: ResourceClient;
  reader: ObjectReader;
  connections: ConnectionRegistry;
  makeSecret: (plaintext: string) => SecretValue;
}

/** Everything that the parts of an environment's graph share. */
export interface EnvironmentScene {
  object: EnvironmentObject;
  project: ProjectObject;
  options: EnvironmentOptions;
  signal: AbortSignal;
  namespace: string;
  short: string;
  keyOf: (segment: string, logical?: string) => string;
}

/** The project an Environment or Preview belongs to. @throws FlaresmithError SPEC_REFERENCE_MISSING */
export function projectOf(object: EnvironmentObject | PreviewObject, reader: ObjectReader): ProjectObject {
  const namespace = object.metadata.namespace ?? "";
  const project = reader.get<ProjectObject>(projectType, { namespace, name: object.spec.projectRef.name });
  if (project?.metadata.deletionTimestamp !== undefined) {
    // Whatever were made now would have to be deleted at once; a Source may re-create this object until it sees the end.
    throw new FlaresmithError({
      code: "DEPENDENCY_NOT_READY",
      message: `Project ${project.metadata.name} is being deleted`,
      hint: "Its environments and previews go with it.",
    });
  }
  if (project) return project;
  throw new FlaresmithError({
    code: "SPEC_REFERENCE_MISSING",
    message: `Project ${object.spec.projectRef.name} does not exist in namespace ${namespace}`,
    field: "spec.projectRef.name",
    hint: "Create the Project, or correct the name.",
  });
}

/** The Neon branch that an Environment has, by its spec alone; undefined when the project uses no Neon. */
export function neonBranchName(object: EnvironmentObject, project: ProjectObject): string | undefined {
  const neon = project.spec.neon;
  if (!neon) return undefined;
  const short = shortName(object.metadata.name, project.metadata.name);
  return object.spec.neon?.branch ?? (object.spec.stage === "Production" ? neon.branch : short);
}
