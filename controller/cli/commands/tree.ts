/** `flaresmith tree KIND/NAME`: an object, what hangs on it, and what each stands for at the providers. */
import { resourceType } from "../../../crds/index.ts";
import type { KubernetesObject, ResourceClient, ResourceType } from "../../store/resource-client.ts";
import { TOMBSTONE_LABEL, readTombstone } from "../../../reconcilers/engine/tombstones.ts";
import type { Tombstone } from "../../../reconcilers/engine/tombstones.ts";
import { CommandError, exitCodes } from "../failure.ts";
import { readinessOf } from "../readiness.ts";
import { listAll, withServer } from "../running-server.ts";
import type { ServerOptions } from "../running-server.ts";
import { clipped } from "../terminal.ts";
import { configMapType, environmentType, kindCalled, previewType, shownTypes, sourceType } from "../types.ts";
import type { CommandEnvironment } from "../environment.ts";

export interface TreeOptions extends ServerOptions {
  output: "text" | "json";
  namespace?: string | undefined;
}

interface External {
  provider: string;
  type: string;
  slot: string;
  id?: string;
  name?: string;
  scope?: string;
  state: string;
  error?: string;
}

interface TreeNode {
  kind: string;
  namespace: string;
  name: string;
  state: string;
  message: string;
  external: External[];
  children: TreeNode[];
  /** What this object left in place on purpose. */
  tombstones: Tombstone[];
}

/**
 * Prints the tree of one object.
 * @param reference `KIND/NAME`; exit code 2 for another form, 1 when it does not exist
 */
export async function tree(
  reference: string,
  options: TreeOptions,
  environment: Pick<CommandEnvironment, "clock" | "env" | "random" | "terminal">,
): Promise<number> {
  const { terminal } = environment;
  const [kindText = "", name = "", ...rest] = reference.split("/");
  if (name === "" || rest.length > 0) {
    throw new CommandError(`${JSON.stringify(reference)} names no object`, {
      hint: "Write KIND/NAME, such as project/shop.",
      exitCode: exitCodes.usage,
    });
  }
  const kind = kindCalled(kindText);
  return withServer(options, environment, async (server) => {
    const namespace = options.namespace ?? server.namespace;
    const root = await server.client.get<KubernetesObject>(resourceType(kind), { namespace, name });
    const world = await readWorld(server.client, namespace);
    const node = nodeOf(root, world);
    if (options.output === "json") terminal.line(JSON.stringify(node, null, 2));
    else for (const line of linesOf(node, "", "")) terminal.line(line);
    return exitCodes.ok;
  });
}

interface World {
  objects: KubernetesObject[];
  tombstones: Tombstone[];
}

async function readWorld(client: ResourceClient, namespace: string): Promise<World> {
  const lists = await Promise.all(shownTypes.map((type: ResourceType) => listAll(client, type, namespace)));
  const { items } = await client.list(configMapType, { namespace, labelSelector: TOMBSTONE_LABEL });
  return {
    objects: lists.flat(),
    tombstones: items.map(readTombstone),
  };
}

interface References {
  projectRef?: { name: string };
  environmentRef?: { name: string };
}

function childrenOf(object: KubernetesObject, { objects }: World): KubernetesObject[] {
  const references = (child: KubernetesObject): References => child["spec"] ?? {};
  const { name } = object.metadata;
  switch (object.kind) {
    case sourceType.kind: {
      const inventory =
        (object["status"] as { inventory?: { kind: string; name: string }[] } | undefined)?.inventory ?? [];
      return inventory.flatMap((entry) =>
        objects.filter((child) => child.kind === entry.kind && child.metadata.name === entry.name),
      );
    }
    case "Project":
      return objects.filter(
        (child) =>
          (child.kind === environmentType.kind || child.kind === previewType.kind) &&
          references(child).projectRef?.name === name,
      );
    case environmentType.kind:
      return objects.filter(
        (child) => child.kind === previewType.kind && references(child).environmentRef?.name === name,
      );
    default:
      return [];
  }
}

function nodeOf(object: KubernetesObject, world: World): TreeNode {
  const { kind, message, name, namespace, state } = readinessOf(object);
  const inventory = (object["status"] as { inventory?: Partial<External>[] } | undefined)?.inventory ?? [];
  const shallow = object.kind === sourceType.kind;
  return {
    kind,
    namespace,
    name,
    state,
    message,
    external: shallow
      ? []
      : inventory.map(
          ({ provider = "", type = "", slot = "", state: is = "", id, name: called, scope, error }) => ({
            provider,
            type,
            slot,
            state: is,
            ...(id === undefined ? {} : { id }),
            ...(called === undefined ? {} : { name: called }),
            ...(scope === undefined ? {} : { scope }),
            ...(error === undefined ? {} : { error }),
          }),
        ),
    children: childrenOf(object, world).map((child) => nodeOf(child, world)),
    tombstones: world.tombstones.filter(({ owner }) => owner === `${kind} ${name}`),
  };
}

function linesOf(node: TreeNode, first: string, indent: string): string[] {
  const reason =
    node.state === "ready" || node.state === "suspended" ? "" : `: ${clipped(node.message, 300)}`;
  const branches: { head: string; node?: TreeNode }[] = [
    ...node.external.map((external) => ({ head: externalLine(external) })),
    ...node.tombstones.map(({ id, name, provider, type, when, why }) => ({
      head: `left in place: ${provider} ${type} ${name === "" ? id : name}${id === "" || id === name ? "" : ` (${id})`}, since ${when}: ${why}`,
    })),
    ...node.children.map((child) => ({ head: "", node: child })),
  ];
  const lines = [oneLine(`${first}${node.kind} ${node.name}   ${node.state}${reason}`)];
  for (const [index, branch] of branches.entries()) {
    const last = index === branches.length - 1;
    const here = `${indent}${last ? "└─ " : "├─ "}`;
    const below = `${indent}${last ? "   " : "│  "}`;
    if (branch.node === undefined) lines.push(oneLine(`${here}${branch.head}`));
    else lines.push(...linesOf(branch.node, here, below));
  }
  return lines;
}

const oneLine = (text: string): string => text.replaceAll("\n", " ");

function externalLine({ error, id, name, provider, scope, state, type }: External): string {
  const called = name ?? id ?? "";
  const place = scope === undefined || scope === "" ? "" : ` in ${scope}`;
  const known = id === undefined || id === called ? "" : ` (${id})`;
  return `${provider} ${type} ${called}${known}${place}   ${state}${error === undefined ? "" : `: ${clipped(error, 300)}`}`;
}
