/** What an Environment and a Preview have in common: a place of a Project, at each of its providers. */
import { FlaresmithError } from "../controller/runtime/errors.ts";
import type { SecretValue } from "../controller/runtime/secret-value.ts";
import type { CloudflareClient } from "./cloudflare/client.ts";
import type { ConnectionRegistry } from "./connections.ts";
import { connected } from "./connections.ts";
import type { Connected } from "./deployment.ts";
import type { GitHubClient } from "./github/client.ts";
import { idempotencyKey, shortName } from "./names.ts";
import type { NeonClient } from "./neon/client.ts";
import { projectType } from "./objects.ts";
import type { EnvironmentObject, ObjectReader, PreviewObject, ProjectObject } from "./objects.ts";

export interface PlaceOptions {
  reader: ObjectReader;
  connections: ConnectionRegistry;
  makeSecret: (plaintext: string) => SecretValue;
}

/** What the parts of a place's graph share. */
export interface Place<Kind extends EnvironmentObject | PreviewObject = EnvironmentObject | PreviewObject> {
  object: Kind;
  project: ProjectObject;
  options: PlaceOptions;
  signal: AbortSignal;
  namespace: string;
  short: string;
  keyOf: (segment: string, logical?: string) => string;
}

/** @throws FlaresmithError SPEC_REFERENCE_MISSING, or DEPENDENCY_NOT_READY while the Project is being deleted */
export function placeOf<Kind extends EnvironmentObject | PreviewObject>(
  object: Kind,
  options: PlaceOptions,
  signal: AbortSignal,
): Place<Kind> {
  const project = projectOf(object, options.reader);
  const namespace = object.metadata.namespace ?? "";
  const short = shortName(object.metadata.name, project.metadata.name);
  const keyOf = (segment: string, logical?: string): string =>
    idempotencyKey({
      namespace,
      project: project.metadata.name,
      segment,
      environment: short,
      ...(logical === undefined ? {} : { logical }),
    });
  return { object, project, options, signal, namespace, short, keyOf };
}

function projectOf(object: EnvironmentObject | PreviewObject, reader: ObjectReader): ProjectObject {
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

interface Clients {
  GitHub: GitHubClient;
  Neon: NeonClient;
  Cloudflare: CloudflareClient;
}

/** The Project's Connection to a provider; undefined when the Project does not use it. */
export async function connectionTo<Provider extends keyof Clients>(
  { namespace, options, project, signal }: Place,
  provider: Provider,
): Promise<Connected<Clients[Provider]> | undefined> {
  const { cloudflare, github, neon } = project.spec;
  const spec = { GitHub: github, Neon: neon, Cloudflare: cloudflare }[provider];
  if (!spec) return undefined;
  const field = `spec.${provider.toLowerCase()}.connectionRef of the Project`;
  return connected<Clients[Provider]>(
    await options.connections.resolve(spec.connectionRef, namespace, provider, field, signal),
  );
}

/** The Neon branch that an Environment has, by its spec alone; undefined when the project uses no Neon. */
export function neonBranchName(object: EnvironmentObject, project: ProjectObject): string | undefined {
  const neon = project.spec.neon;
  if (!neon) return undefined;
  const short = shortName(object.metadata.name, project.metadata.name);
  return object.spec.neon?.branch ?? (object.spec.stage === "Production" ? neon.branch : short);
}
