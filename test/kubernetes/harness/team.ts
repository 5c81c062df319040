/** A team at a cluster whose providers are the sandbox: what it wants, and whether the world is so. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, systemRandom } from "../../../controller/runtime/adapters/system.ts";
import { checkConditionInvariants } from "../../../controller/runtime/condition-invariants.ts";
import { leaseType } from "../../../controller/runtime/leader-election.ts";
import { connectCluster } from "../../../controller/store/cluster/connect.ts";
import type { KubernetesObject, ResourceClient } from "../../../controller/store/resource-client.ts";
import { isApiError } from "../../../controller/store/resource-client.ts";
import { crdOf, kinds } from "../../../crds/index.ts";
import { NO_LIMITS } from "../../../sandbox/github/index.ts";
import { serveSandbox, type ServedSandbox } from "../../../sandbox/serve.ts";
import { namespaces } from "../../contract/contract-helpers.ts";
import { kubeApi } from "../../contract/kube-api.ts";
import { manifestsOf, type ProjectShape } from "../../simulation/desired.ts";
import { createIntention } from "../../simulation/intention.ts";
import { duplicates } from "../../simulation/oracles/things.ts";
import { byName, lacking, surplus } from "../../simulation/oracles/world-match.ts";
import { prepare } from "../../simulation/people.ts";
import { thingsOf, type Thing } from "../../simulation/world-state.ts";
import { clusterFetch } from "../../support/cluster.ts";
import { conditionsOf, statusOf, typeOf, type Manifest } from "../../support/world.ts";
import { installDefinition } from "./definitions.ts";
import type { Kubernetes } from "./kubernetes.ts";
import { removeAfterwards } from "./program.ts";
import { until } from "./until.ts";

const NAMESPACE = "default";
const LEASE = { namespace: "flaresmith-system", name: "flaresmith-controller" };
const LOOK_MILLISECONDS = 250;
const OWN_KINDS = ["Connection", "Project", "Environment", "Preview"] as const;

export interface Team {
  client: ResourceClient;
  providers: ServedSandbox;
  /** Applies everything that says a shape, and notes that it is wanted. */
  want(shape: ProjectShape): Promise<void>;
  /** Deletes a Project, and notes that nothing of it is wanted any more. */
  abandon(name: string): Promise<void>;
  /** Asks for everything to be looked at again. @param token what the answers must name */
  request(token: string): Promise<void>;
  list(kind: string): Promise<KubernetesObject[]>;
  /**
   * Resolves when every object says that it is Ready, and the providers have exactly what is wanted.
   * @param logs what to say besides when that does not come
   * @throws Error that names what is not ready, missing, too much, or was there twice
   */
  converged(logs: () => unknown): Promise<void>;
  /** What the providers have too little, too much or otherwise than wanted; what they ever had twice. */
  wrong(): string[];
  /** The name of the pod that leads; undefined when nobody does. */
  leader(): Promise<string | undefined>;
  /** Now, in the providers' journal. */
  moment(): number;
  /** Requests that changed something at the providers since a moment. */
  changes(since: number): string[];
  close(): Promise<void>;
}

/** Installs the kinds, starts the providers and connects the namespace to them. */
export async function joinTeam({ admin, url }: Kubernetes): Promise<Team> {
  const { fetch, close } = clusterFetch(admin);
  const api = kubeApi(fetch, url);
  for (const kind of kinds) await installDefinition(api, crdOf(kind));
  await close();
  const cluster = connectCluster(admin, { clock: systemClock(), random: systemRandom() });
  const { client } = cluster;
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: LEASE.namespace } };
  await client.create(namespaces, namespace);

  const directory = await mkdtemp(join(tmpdir(), "sandbox-"));
  removeAfterwards(directory);
  const providers = await serveSandbox({
    directory,
    dataPlanes: { git: false, postgres: false, workers: false },
    // What GitHub allows in a minute would turn every test into one about waiting.
    providers: { github: { rateLimits: NO_LIMITS } },
  });
  const { sandbox } = providers;
  const { journal } = sandbox.context;
  const intention = createIntention(() => Date.now());
  const twice = new Set<string>();
  const look = (): Thing[] => {
    const things = thingsOf(sandbox);
    const violation = duplicates(things);
    if (violation !== undefined) twice.add(violation.message);
    return things;
  };
  // What exists twice for a while is a fault as well, although somebody tidies up in the end.
  const looking = setInterval(look, LOOK_MILLISECONDS);

  const apply = async (...manifests: Manifest[]): Promise<void> => {
    for (const { kind, metadata, ...rest } of manifests) {
      const type = typeOf(kind);
      const apiVersion = type.group === "" ? type.version : `${type.group}/${type.version}`;
      const object = { apiVersion, kind, metadata: { namespace: NAMESPACE, ...metadata }, ...rest };
      await client.apply(type, object, { fieldManager: "kubectl", force: true });
    }
  };
  const remove = async (kind: string, name: string): Promise<void> => {
    await client.delete(typeOf(kind), { namespace: NAMESPACE, name });
  };
  const annotate = async (
    kind: string,
    name: string,
    annotations: Record<string, string | null>,
  ): Promise<void> => {
    const body = { metadata: { annotations } };
    await client.patch(typeOf(kind), { namespace: NAMESPACE, name }, { type: "merge", body });
  };
  await prepare({ apply, delete: remove, annotate }, sandbox);

  const list = async (kind: string): Promise<KubernetesObject[]> =>
    (await client.list(typeOf(kind), { namespace: NAMESPACE })).items;
  const restless = async (): Promise<string[]> =>
    (await Promise.all(OWN_KINDS.map(list))).flat().flatMap((object) => {
      const problem = problemOf(object);
      return problem === undefined ? [] : [`${object.kind}/${object.metadata.name ?? ""}: ${problem}`];
    });
  const wrong = (): string[] => {
    const things = byName(look());
    const expected = intention.expected();
    const tooMuch = surplus(expected, things, intention.left, intention.foreign);
    return [...twice, ...lacking(expected, things), ...tooMuch.map((one) => `nobody wants ${one}`)];
  };
  return {
    client,
    providers,
    list,
    wrong,
    want: async (shape) => {
      intention.want(shape);
      await apply(...manifestsOf(shape));
    },
    abandon: async (name) => {
      intention.abandon(name);
      await remove("Project", name);
    },
    request: async (token) => {
      for (const kind of OWN_KINDS)
        for (const { metadata } of await list(kind))
          await annotate(kind, metadata.name ?? "", { "flaresmith.dev/reconcile-requested-at": token });
    },
    converged: async (logs) => {
      await until(
        async () => ((await restless()).length === 0 ? true : undefined),
        async () => [await restless(), wrong(), logs()],
      );
      const found = wrong();
      if (found.length > 0) throw new Error(`all say that they are Ready, but ${found.join("; ")}`);
    },
    leader: async () => {
      try {
        const { spec } = await client.get<KubernetesObject & { spec: { holderIdentity?: string } }>(
          leaseType,
          LEASE,
        );
        return spec.holderIdentity?.split("_")[0];
      } catch (error) {
        if (isApiError(error, "NotFound")) return undefined;
        throw error;
      }
    },
    moment: () => journal.last(),
    changes: (since) =>
      journal
        .since(since)
        .filter(({ changed }) => changed)
        .map(({ method, path, provider }) => `${provider} ${method} ${path}`),
    close: async () => {
      clearInterval(looking);
      await providers.stop();
      await cluster.close();
    },
  };
}

/** Why an object cannot be said to be done; undefined when it can. */
function problemOf(object: KubernetesObject): string | undefined {
  if (object.metadata.deletionTimestamp !== undefined) return "is being deleted";
  const conditions = conditionsOf(object);
  if (conditions.length === 0) return "has no conditions";
  const broken = checkConditionInvariants(object);
  if (broken.length > 0) return `breaks the rules for conditions: ${JSON.stringify(broken)}`;
  const status = statusOf(object);
  const requested = object.metadata.annotations?.["flaresmith.dev/reconcile-requested-at"];
  const isDone =
    status["observedGeneration"] === object.metadata.generation &&
    (requested === undefined || status["lastHandledReconcileAt"] === requested) &&
    conditions.some(({ status: is, type }) => type === "Ready" && is === "True");
  if (isDone) return undefined;
  return conditions
    .map(({ message, reason, status: is, type }) => `${type}=${is} ${reason} ${message}`)
    .join(" | ");
}
