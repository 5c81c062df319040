/** `flaresmith diff -f PATH`: what applying these manifests would change at the providers. It writes nothing anywhere. */
import { readManifests } from "../../sources/read-manifests.ts";
import { kinds, resourceType } from "../../../crds/index.ts";
import { previewObjects } from "../../../reconcilers/preview-objects.ts";
import type { ObjectPreview } from "../../../reconcilers/preview-objects.ts";
import { createTracker } from "../../runtime/tracker.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../store/embedded/index.ts";
import type { KubernetesObject, ResourceClient, ResourceType } from "../../store/resource-client.ts";
import { isApiError } from "../../store/resource-client.ts";
import { CommandError } from "../failure.ts";
import { isServerRunning, listAll, withServer } from "../running-server.ts";
import type { ServerOptions } from "../running-server.ts";
import type { Terminal } from "../terminal.ts";
import { shownTypes } from "../types.ts";
import { secretReader } from "../process/controller.ts";
import type { SecretReader } from "../process/controller.ts";
import { environmentSecrets, putSecrets } from "../up/credentials.ts";
import { createNamespace, readInstallation } from "../process/installation.ts";
import type { CommandEnvironment } from "../environment.ts";
import { diffLines, toJson } from "./diff-text.ts";

export interface DiffOptions extends ServerOptions {
  file: string;
  namespace?: string | undefined;
  installation?: string | undefined;
  output: "text" | "json";
}

/** 0: nothing would change. 1: something would. 2: it cannot be told, or some of it could not. */
export const diffExitCodes = Object.freeze({ same: 0, changes: 1, failed: 2 });

/** What a preview is made from, wherever it comes from. */
interface Basis {
  /** Whose objects these are; undefined: the manifests are all there is. */
  server: string | undefined;
  objects: readonly KubernetesObject[];
  planned: readonly KubernetesObject[];
  deleted: readonly KubernetesObject[];
  secret: SecretReader;
  installation: string;
  hashKey: string;
  publicUrl: string | undefined;
}

interface DeclaredObject {
  object: KubernetesObject;
  file: string;
  line: number;
}

/**
 * Compares manifests with the providers, through the running server's objects and Connections when there is one.
 * @returns one of {@link diffExitCodes}
 * @throws CommandError with exit code 2 when the manifests cannot be read or are not valid
 */
export async function diff(options: DiffOptions, environment: CommandEnvironment): Promise<number> {
  const { clock, terminal } = environment;
  const { signal } = new AbortController();
  const read = await readManifests(
    options.file,
    { clock, ...(options.namespace === undefined ? {} : { namespace: options.namespace }) },
    signal,
  );
  if (read.errors.length > 0) {
    const lines = read.errors.map(({ column, field, file, line, message }) => {
      const place = [file, line, column].filter((part) => part !== undefined).join(":");
      return `${place}: ${field === undefined ? "" : `${field}: `}${message}`;
    });
    throw new CommandError(lines.join("\n"), {
      exitCode: diffExitCodes.failed,
      hint: "Correct the named places.",
    });
  }
  if (options.output === "text") for (const note of read.notes) terminal.error(`note: ${note}`);
  // Where one was named, nothing else will do.
  const named = options.kubeconfig !== undefined;
  if (!named && !(await isServerRunning(options, environment))) {
    if (options.output === "text")
      terminal.error("note: no server runs here: the manifests are all there is");
    return withMemory(read.objects, options, environment, (memory) =>
      run(memory, options, environment, signal),
    );
  }
  return withServer(options, environment, async ({ client, url }) => {
    const basis = { ...(await serverBasis(client, read.objects)), server: url };
    if (options.output === "text")
      terminal.error(`note: compared through ${url}, as installation ${basis.installation}`);
    return run(basis, options, environment, signal);
  });
}

async function run(
  basis: Basis,
  options: DiffOptions,
  environment: CommandEnvironment,
  signal: AbortSignal,
): Promise<number> {
  const { clock, fetch, random, terminal, version } = environment;
  const { server } = basis;
  const installation = server === undefined ? options.installation : basis.installation;
  const tracker = createTracker({ clock });
  const previews = await previewObjects({ ...basis, clock, fetch, random, tracker, version, signal });
  const redact = (text: string): string => tracker.secrets.redact(text);
  if (options.output === "json")
    terminal.line(redact(JSON.stringify(toJson(previews, { server, installation }), null, 2)));
  else printText(previews, terminal, redact);
  return exitCodeOf(previews);
}

function exitCodeOf(previews: readonly ObjectPreview[]): number {
  const changes = previews.flatMap((preview) => preview.changes);
  if (previews.some(({ error }) => error !== undefined) || changes.some(({ action }) => action === "failed"))
    return diffExitCodes.failed;
  return changes.length > 0 ? diffExitCodes.changes : diffExitCodes.same;
}

function printText(
  previews: readonly ObjectPreview[],
  terminal: Terminal,
  redact: (text: string) => string,
): void {
  const lines = diffLines(previews);
  for (const line of lines) terminal.line(redact(line));
  if (lines.length === 0) terminal.line("Nothing would change at the providers.");
}

const typeOf = (object: KubernetesObject): ResourceType => {
  const kind = kinds.find((candidate) => candidate.kind === object.kind);
  if (kind === undefined)
    throw new CommandError(`kind ${object.kind} is not known`, { exitCode: diffExitCodes.failed });
  return resourceType(kind);
};

const identityOf = ({ kind, metadata }: KubernetesObject): string =>
  `${kind}/${metadata.namespace ?? ""}/${metadata.name}`;

/** The server answers what each object would become, and stores nothing. */
async function serverBasis(
  client: ResourceClient,
  declared: readonly DeclaredObject[],
): Promise<Omit<Basis, "server">> {
  const current = (await Promise.all(shownTypes.map((type) => listAll(client, type)))).flat();
  const planned: KubernetesObject[] = [];
  for (const item of declared) planned.push(await dryRun(client, item));
  const replaced = new Set(planned.map(identityOf));
  const objects = [...current.filter((object) => !replaced.has(identityOf(object))), ...planned];
  const { hashKey, id, publicUrl } = await readInstallation(client);
  return {
    objects,
    planned,
    deleted: [],
    secret: secretReader(client),
    installation: id,
    hashKey,
    publicUrl,
  };
}

async function dryRun(
  client: ResourceClient,
  { file, line, object }: DeclaredObject,
): Promise<KubernetesObject> {
  try {
    return await client.apply(typeOf(object), object, {
      fieldManager: "flaresmith-source",
      force: true,
      dryRun: true,
    });
  } catch (error) {
    if (!isApiError(error, "Invalid")) throw error;
    throw new CommandError(`${file}:${line}: ${error.message}`, {
      exitCode: diffExitCodes.failed,
      cause: error,
    });
  }
}

/** Without a server the manifests are all there is; their namespaces are made, with credentials of the environment. */
async function withMemory(
  declared: readonly DeclaredObject[],
  options: DiffOptions,
  { clock, env, random }: CommandEnvironment,
  action: (basis: Basis) => Promise<number>,
): Promise<number> {
  const store = await openEmbeddedStore({
    path: ":memory:",
    clock,
    random,
    types: [...builtinTypes, ...kinds.map((kind) => kindType(kind))],
  });
  try {
    await store.ensureStandingNamespaces();
    const namespaces = new Set(declared.map(({ object }) => object.metadata.namespace ?? "default"));
    for (const namespace of namespaces) {
      await createNamespace(store, namespace);
      await putSecrets(store, environmentSecrets(env), namespace);
    }
    const objects: KubernetesObject[] = [];
    for (const { object } of declared) {
      objects.push(
        await store.apply(typeOf(object), object, { fieldManager: "flaresmith-source", force: true }),
      );
    }
    return await action({
      server: undefined,
      objects,
      planned: objects,
      deleted: [],
      secret: secretReader(store),
      // Without one nothing is recognised as ours: everything that exists is somebody else's.
      installation: options.installation ?? "none",
      hashKey: random.hex(32),
      publicUrl: undefined,
    });
  } finally {
    await store.close();
  }
}
