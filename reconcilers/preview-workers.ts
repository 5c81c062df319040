/** A Preview at GitHub and Cloudflare: the commit it shows, storage of its own, and a preview of each of its base's Workers. */
import { FlaresmithError } from "../controller/runtime/errors.ts";
import { preview as workerPreview, previewName, workerName } from "./cloudflare/index.ts";
import type { CloudflareClient } from "./cloudflare/client.ts";
import {
  REVISION,
  bundleNode,
  bundleOf,
  dependency,
  fixedRevisionNode,
  planBindings,
  repositoryNode,
  revisionNode,
  secretValuesFor,
  storageNodes,
  variableValues,
} from "./deployment.ts";
import type { Connected, PlannedSecret } from "./deployment.ts";
import { input, resource } from "./engine/graph.ts";
import type { GraphNode } from "./engine/graph.ts";
import type { GitHubClient } from "./github/client.ts";
import { chosenName, shortName, slotOf } from "./names.ts";
import { environmentType } from "./objects.ts";
import type { EnvironmentObject } from "./objects.ts";
import { connectionTo } from "./place.ts";
import { previewBranchName } from "./preview-neon.ts";
import type { PreviewPlace } from "./preview-place.ts";

/** No nodes without a repository to deploy from. */
export async function codePart(place: PreviewPlace, secrets: readonly PlannedSecret[]): Promise<GraphNode[]> {
  const { object, project, short } = place;
  const code = await connectionTo(place, "GitHub");
  if (!code) return [];
  const revisionOf =
    object.spec.revision === undefined
      ? revisionNode(code, object.spec.branch, [], branchAwaited(place))
      : fixedRevisionNode(code, object.spec.revision);
  const nodes: GraphNode[] = [repositoryNode(project, code), revisionOf];
  const connection = await connectionTo(place, "Cloudflare");
  if (!connection) return nodes;
  const storage = storageNodes({
    project,
    cloudflare: connection,
    scope: "Environment",
    place: short,
    removal: "Delete",
    ephemeral: true,
  });
  const workers = (project.spec.cloudflare?.workers ?? []).flatMap((one) =>
    workerNodes(place, one, { connection, code, secrets }),
  );
  return [...nodes, ...storage, ...workers];
}

/** An Environment that deploys from the branch makes it, unless it exists. */
function branchAwaited({ namespace, object, options, project }: PreviewPlace): FlaresmithError | undefined {
  const { branch } = object.spec;
  const maker = options.reader
    .ofProject<EnvironmentObject>(environmentType, namespace, project.metadata.name)
    .find(({ spec }) => spec.deploy?.branch === branch);
  return maker && dependency(maker, "gitBranch", `the git branch ${branch}`);
}

function workerNodes(
  place: PreviewPlace,
  declared: { name: string; code: { path: string } },
  parts: {
    connection: Connected<CloudflareClient>;
    code: Connected<GitHubClient>;
    secrets: readonly PlannedSecret[];
  },
): GraphNode[] {
  const { base, keyOf, object, project, short } = place;
  const { connection: target, secrets } = parts;
  const { name } = declared;
  const baseShort = shortName(base.metadata.name, project.metadata.name);
  const scriptOf = (logical: string): string =>
    chosenName(base.spec.cloudflare?.names, logical) ?? workerName(project.metadata.name, logical, baseShort);
  const settings = base.spec.cloudflare?.workers?.find((one) => one.name === name);
  const bindings = planBindings(
    project,
    settings?.bindings ?? [],
    `spec.cloudflare.workers[${name}]`,
    scriptOf,
  );
  const bundle = bundleNode(parts.code, declared);
  const toWorker = secrets.filter((secret) => secret.to.includes("Worker"));
  // The Worker that is previewed must be there first; the base environment's status says so.
  const waiting = dependency(base, slotOf("cloudflareWorker", name), `Worker ${name}`);
  const ready = target instanceof FlaresmithError ? target : (waiting ?? target);
  return [
    bundle,
    resource({
      slot: slotOf("cloudflarePreview", name),
      definition: workerPreview,
      connection: ready,
      key: keyOf(workerPreview.segment, name),
      removal: "Delete",
      ephemeral: true,
      needs: [REVISION, bundle.slot, ...bindings.needs, ...toWorker.flatMap((secret) => secret.needs)],
      desired: (inputs) => {
        const sha = input<string>(inputs, REVISION, "sha");
        return {
          accountId: target instanceof FlaresmithError ? "" : target.account,
          workerName: scriptOf(name),
          previewName: previewName(short, scriptOf(name)),
          bundle: bundleOf(inputs, declared),
          vars: variableValues(settings, {
            project: project.metadata.name,
            environment: short,
            stage: "Preview",
            revision: sha,
            neonBranch: previewBranchName(place),
          }),
          secrets: secretValuesFor(secrets, "Worker", inputs),
          bindings: bindings.resolve(inputs),
          revision: sha,
          message: `${object.kind} ${object.metadata.name}`,
        };
      },
    }),
  ];
}
