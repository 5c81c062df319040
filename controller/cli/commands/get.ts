/** `flaresmith get`: what there is; for environments the matrix. */
import { columnsOf } from "../../apiserver/table.ts";
import type { KindDefinition } from "../../../crds/kind.ts";
import { resourceType } from "../../../crds/index.ts";
import type { KubernetesObject } from "../../store/resource-client.ts";
import { matricesOf, matrixText } from "../matrix-text.ts";
import { listAll, withServer } from "../running-server.ts";
import type { RunningServer, ServerOptions } from "../running-server.ts";
import { tableText } from "../terminal.ts";
import { environmentType, connectionType, kindCalled, previewType, projectType } from "../types.ts";
import type { CommandEnvironment } from "../environment.ts";
import { exitCodes } from "../failure.ts";

export interface GetOptions extends ServerOptions {
  output: "text" | "json";
  namespace?: string | undefined;
  allNamespaces: boolean;
}

/** In the order in which they are shown. */
const everything = ["connections", "sources", "projects", "environments", "previews"] as const;

/**
 * Prints objects.
 * @param what `all`, or a kind in any of its spellings; an unknown one ends with exit code 2
 */
export async function get(
  what: string,
  options: GetOptions,
  environment: Pick<CommandEnvironment, "clock" | "env" | "random" | "terminal">,
): Promise<number> {
  const { clock, terminal } = environment;
  const wanted =
    what.toLowerCase() === "all" ? everything.map((name) => kindCalled(name)) : [kindCalled(what)];
  return withServer(options, environment, async (server) => {
    const namespace = options.allNamespaces ? undefined : (options.namespace ?? server.namespace);
    const found = await Promise.all(
      wanted.map(async (kind) => ({
        kind,
        objects: await listAll(server.client, resourceType(kind), namespace),
      })),
    );
    if (options.output === "json") {
      const items = found.flatMap(({ objects }) => objects);
      terminal.line(JSON.stringify({ apiVersion: "v1", kind: "List", items }, null, 2));
      return exitCodes.ok;
    }
    const sections: string[] = [];
    for (const { kind, objects } of found) {
      if (kind.kind === "Environment" && objects.length > 0)
        sections.push(await matrixSection(server, namespace));
      else if (objects.length > 0)
        sections.push(kindTable(kind, objects, namespace === undefined, clock.now()));
    }
    const where = namespace === undefined ? "any namespace" : `namespace ${namespace}`;
    if (sections.length > 0) terminal.line(sections.join("\n\n"));
    else
      terminal.error(
        `No ${what.toLowerCase() === "all" ? "objects" : (wanted[0]?.plural ?? what)} in ${where}.`,
      );
    return exitCodes.ok;
  });
}

function kindTable(
  kind: KindDefinition,
  objects: readonly KubernetesObject[],
  withNamespace: boolean,
  now: number,
): string {
  const columns = columnsOf(kind.columns);
  const shown = columns.definitions.map(({ priority }) => priority === 0);
  const pick = <T>(cells: readonly T[]): T[] => cells.filter((_, index) => shown[index] === true);
  const header = pick(columns.definitions.map(({ name }) => name.toUpperCase()));
  const rows = objects.map((object) => [
    ...(withNamespace ? [object.metadata.namespace] : []),
    ...pick(columns.cells(object, now)).map((cell) => (cell === null ? undefined : String(cell))),
  ]);
  return [`${kind.plural}:`, tableText([...(withNamespace ? ["NAMESPACE"] : []), ...header], rows)].join(
    "\n",
  );
}

async function matrixSection({ client }: RunningServer, namespace: string | undefined): Promise<string> {
  const lists = await Promise.all(
    [projectType, environmentType, previewType].map((type) => listAll(client, type, namespace)),
  );
  // A Project may use Connections of other namespaces.
  const connections = await listAll(client, connectionType);
  const objects = [...lists.flat(), ...connections];
  const rows = matricesOf(objects).map((matrix) => matrixText(matrix));
  const projects = new Set(
    objects
      .filter(({ kind }) => kind === "Project")
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
  );
  const lost = objects.filter(
    (object) =>
      object.kind === "Environment" &&
      !projects.has(
        `${object.metadata.namespace}/${(object["spec"] as { projectRef: { name: string } }).projectRef.name}`,
      ),
  );
  const orphans = lost.map(
    ({ metadata }) => `Environment ${metadata.namespace}/${metadata.name}: its Project does not exist`,
  );
  return [...rows, ...orphans].join("\n\n");
}
