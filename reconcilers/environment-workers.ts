/** An Environment at Cloudflare: KV namespaces, R2 buckets, and one deployment of each Worker with what leads to it. */
import { FlaresmithError } from "../controller/runtime/errors.ts";
import type { CloudflareClient } from "./cloudflare/client.ts";
import { domains, routes, schedules, worker, workerName, workerSubdomain } from "./cloudflare/index.ts";
import {
  REVISION,
  bundleNode,
  bundleOf,
  planBindings,
  secretValuesFor,
  storageNodes,
  variableValues,
} from "./deployment.ts";
import type { Connected, PlannedSecret } from "./deployment.ts";
import type { GraphNode, Inputs } from "./engine/graph.ts";
import { input, resource } from "./engine/graph.ts";
import type { GitHubClient } from "./github/client.ts";
import { chosenName, slotOf } from "./names.ts";
import type { EnvironmentObject, ProjectObject } from "./objects.ts";
import { connectionTo, neonBranchName } from "./place.ts";
import type { Place } from "./place.ts";

/** No nodes when the Project does not use Cloudflare; no Workers without a repository to deploy from. */
export async function cloudflarePart(
  place: Place<EnvironmentObject>,
  github: Connected<GitHubClient> | undefined,
  secrets: readonly PlannedSecret[],
): Promise<GraphNode[]> {
  const { object, project, short } = place;
  const spec = project.spec.cloudflare;
  const connection = await connectionTo(place, "Cloudflare");
  if (!spec || !connection) return [];
  checkReferences(object, project);
  const names = object.spec.cloudflare?.names ?? {};
  const physical = (logical: string): string =>
    chosenName(names, logical) ?? workerName(project.metadata.name, logical, short);
  const storage = storageNodes({
    project,
    cloudflare: connection,
    scope: "Environment",
    place: short,
    names,
    removal: object.spec.deletionPolicy,
    ephemeral: false,
  });
  if (github === undefined || object.spec.deploy === undefined) return storage;
  return [
    ...storage,
    ...(spec.workers ?? []).flatMap((one) =>
      workerNodes(place, one, { connection, github, physical, secrets }),
    ),
  ];
}

/** @throws FlaresmithError SPEC_REFERENCE_MISSING for what the Project does not declare, or has once for all environments */
function checkReferences(
  { spec }: EnvironmentObject,
  { metadata, spec: { cloudflare } }: ProjectObject,
): void {
  const { kv = [], r2 = [], workers = [] } = cloudflare ?? {};
  const unknown = spec.cloudflare?.workers?.find(({ name }) => !workers.some((one) => one.name === name));
  if (unknown) {
    throw new FlaresmithError({
      code: "SPEC_REFERENCE_MISSING",
      message: `Project ${metadata.name} declares no Worker ${unknown.name}`,
      field: `spec.cloudflare.workers[${unknown.name}]`,
      hint: "Declare it under spec.cloudflare.workers of the Project, or correct the name.",
    });
  }
  const storage = [...kv, ...r2];
  const own = [...workers, ...storage.filter(({ scope }) => scope === "Environment")];
  for (const logical of Object.keys(spec.cloudflare?.names ?? {}).toSorted()) {
    if (own.some(({ name }) => name === logical)) continue;
    const isShared = storage.some(({ name }) => name === logical);
    throw new FlaresmithError({
      code: "SPEC_REFERENCE_MISSING",
      message: isShared
        ? `Project ${metadata.name} has one ${logical} for all environments (scope: Project), which none of them names`
        : `Project ${metadata.name} declares no Worker, KV namespace or R2 bucket ${logical}`,
      field: `spec.cloudflare.names[${logical}]`,
      hint: isShared
        ? "Remove the name, or give the storage scope: Environment."
        : "Declare it under spec.cloudflare of the Project, or correct the name.",
    });
  }
}

interface WorkerParts {
  connection: Connected<CloudflareClient>;
  github: Connected<GitHubClient>;
  secrets: readonly PlannedSecret[];
  physical: (logical: string) => string;
}

function workerNodes(
  place: Place<EnvironmentObject>,
  declared: { name: string; code: { path: string } },
  parts: WorkerParts,
): GraphNode[] {
  const { keyOf, object, project, short } = place;
  const { connection, github, physical, secrets } = parts;
  const { name } = declared;
  const settings = object.spec.cloudflare?.workers?.find((one) => one.name === name);
  const field = `spec.cloudflare.workers[${name}]`;
  const bindings = planBindings(project, settings?.bindings ?? [], field, physical);
  const bundle = bundleNode(github, declared);
  const WORKER = slotOf("cloudflareWorker", name);
  const accountId = connection instanceof FlaresmithError ? "" : connection.account;
  const scriptName = physical(name);
  const removal = object.spec.stage === "Production" ? object.spec.deletionPolicy : ("Delete" as const);
  const toWorker = secrets.filter((secret) => secret.to.includes("Worker"));
  const neonBranchOf = neonBranchName(object, project);
  const child = { connection, parent: { slot: WORKER }, removal };
  const nodes: GraphNode[] = [
    bundle,
    resource({
      slot: WORKER,
      definition: worker,
      connection,
      key: keyOf(worker.segment, name),
      removal,
      needs: [REVISION, bundle.slot, ...bindings.needs, ...toWorker.flatMap((secret) => secret.needs)],
      desired: (inputs) => {
        const sha = input<string>(inputs, REVISION, "sha");
        return {
          accountId,
          scriptName,
          bundle: bundleOf(inputs, declared),
          vars: variableValues(settings, {
            project: project.metadata.name,
            environment: short,
            stage: object.spec.stage,
            revision: sha,
            neonBranch: neonBranchOf,
          }),
          secrets: secretValuesFor(secrets, "Worker", inputs),
          bindings: bindings.resolve(inputs),
          bindingsPolicy: object.spec.cloudflare?.bindingsPolicy ?? "Preserve",
          revision: sha,
          message: `${object.kind} ${object.metadata.name}`,
        };
      },
    }),
    resource({
      ...child,
      slot: slotOf("cloudflareWorkersDev", name),
      definition: workerSubdomain,
      key: keyOf(workerSubdomain.segment, name),
      desired: (inputs) => ({
        accountId,
        scriptName,
        workerId: input<string>(inputs, WORKER, "id"),
        enabled: settings?.workersDev ?? true,
        previewsEnabled: true,
      }),
    }),
  ];
  if (settings?.crons) {
    const { crons } = settings;
    const desired = (inputs: Inputs) => ({
      accountId,
      scriptName,
      workerId: input<string>(inputs, WORKER, "id"),
      crons,
    });
    nodes.push(
      resource({
        ...child,
        slot: slotOf("cloudflareSchedules", name),
        definition: schedules,
        key: keyOf(schedules.segment, name),
        desired,
      }),
    );
  }
  if (settings?.routes) {
    const wanted = settings.routes;
    const desired = () => ({ accountId, scriptName, routes: wanted });
    nodes.push(
      resource({
        ...child,
        slot: slotOf("cloudflareRoutes", name),
        definition: routes,
        key: keyOf(routes.segment, name),
        desired,
      }),
    );
  }
  if (settings?.domains) {
    const wanted = settings.domains;
    const desired = () => ({ accountId, scriptName, domains: wanted });
    nodes.push(
      resource({
        ...child,
        slot: slotOf("cloudflareDomains", name),
        definition: domains,
        key: keyOf(domains.segment, name),
        desired,
      }),
    );
  }
  return nodes;
}
