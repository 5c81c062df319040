/** Canary secrets are in no object but Secrets, no log line, no metric and no Event. */
import type { EmbeddedStore } from "../../../controller/store/embedded/index.ts";
import type { Sandbox } from "../../../sandbox/sandbox.ts";
import { canariesOf, objectsOf } from "../people.ts";
import type { Process } from "../process.ts";
import type { Violation } from "./violation.ts";

export const tellingKinds = [
  "Connection",
  "Project",
  "Environment",
  "Preview",
  "ConfigMap",
  "Event",
] as const;

function passwordsOf(sandbox: Sandbox): string[] {
  const { projects } = sandbox.neon.state() as {
    projects: { branches: { roles: { password?: string }[] }[] }[];
  };
  return projects.flatMap((project) =>
    project.branches.flatMap((branch) => branch.roles.flatMap((role) => role.password ?? [])),
  );
}

export async function told(
  store: EmbeddedStore,
  sandbox: Sandbox,
  processes: readonly Process[],
): Promise<Violation | undefined> {
  const canaries = [...new Set([...canariesOf(sandbox), ...passwordsOf(sandbox)])];
  const places: [string, string][] = [
    ...tellingKinds.flatMap((kind) =>
      objectsOf(store, kind).map((object): [string, string] => [
        `${kind} ${object.metadata.name}`,
        JSON.stringify(object),
      ]),
    ),
    ...processes.map((process): [string, string] => [`the log of ${process.name}`, process.log.join("\n")]),
  ];
  for (const process of processes) {
    const metrics = await process.exposition();
    if (/^errors_total\{[^}]*INTERNAL_ERROR[^}]*\} [1-9]/m.test(metrics))
      return { oracle: "crash-free", message: `${process.name} met an INTERNAL_ERROR` };
    places.push([`the metrics of ${process.name}`, metrics]);
  }
  for (const [place, text] of places) {
    const canary = canaries.find(
      (one) => text.includes(one) || text.includes(Buffer.from(one).toString("base64")),
    );
    if (canary !== undefined)
      return { oracle: "no secret told", message: `${canary.slice(0, 6)}… stands in ${place}` };
  }
  return undefined;
}
