/**
 * The environment matrix: one row per Environment and Preview of a Project, from objects alone. The read API serves it,
 * `flaresmith get environments` and `flaresmith up --once` print it.
 */
import { getCondition } from "../runtime/conditions.ts";
import type { Condition } from "../runtime/conditions.ts";
import type { KubernetesObject } from "../store/resource-client.ts";

type MatrixStage = "Dev" | "Staging" | "Production" | "Preview";
type MatrixHealth = "Healthy" | "Progressing" | "Degraded" | "Archived" | "Suspended" | "Unknown";
type BreakerState = "Closed" | "Open" | "Unknown";

export interface MatrixRow {
  readonly kind: "Environment" | "Preview";
  readonly name: string;
  readonly stage: MatrixStage;
  /** Git branch that is followed or previewed. */
  readonly branch: string | null;
  /** The deployed commit. */
  readonly commit: string | null;
  readonly url: string | null;
  readonly neonBranch: string | null;
  /** `status.state`: pending, provisioning, active, updating, validating, error, failed, archived. */
  readonly deployment: string;
  readonly ready: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  /** From suspension, deployment and Ready: nothing probes the URL. */
  readonly health: MatrixHealth;
  /** Breaker of each provider that the Project uses. */
  readonly breaker: Readonly<Record<string, BreakerState>>;
  /** RFC 3339; previews only. */
  readonly expiresAt: string | null;
  /** Place in the queue from 1; previews that wait only. */
  readonly queuePosition: number | null;
}

export interface EnvironmentMatrix {
  readonly namespace: string;
  readonly project: string;
  /** Whether there are rows and every one is Ready. */
  readonly ready: boolean;
  readonly rows: readonly MatrixRow[];
}

export interface MatrixInput {
  readonly project: KubernetesObject;
  /** Environments and Previews of the namespace; those of other Projects are left out. */
  readonly environments: readonly KubernetesObject[];
  readonly previews: readonly KubernetesObject[];
  /** Connections that the Project refers to, of any namespace. */
  readonly connections: readonly KubernetesObject[];
}

const stages: readonly MatrixStage[] = ["Dev", "Staging", "Production", "Preview"];
const providers = ["github", "neon", "cloudflare"] as const;

/** Computes the matrix: Dev, Staging, Production, then previews, each by name. Pure; missing fields become null or Unknown. */
export function environmentMatrix(input: MatrixInput): EnvironmentMatrix {
  const { name, namespace = "" } = input.project.metadata;
  const ofProject = (object: KubernetesObject): boolean =>
    object.metadata.namespace === input.project.metadata.namespace &&
    text(member(object["spec"], "projectRef"), "name") === name;
  const breaker = breakers(input);
  const rows = [
    ...input.environments.filter(ofProject).map((object) => row("Environment", object, breaker)),
    ...input.previews.filter(ofProject).map((object) => row("Preview", object, breaker)),
  ].toSorted(byRank);
  return {
    namespace,
    project: name,
    ready: rows.length > 0 && rows.every(({ ready }) => ready === "True"),
    rows,
  };
}

/** The order of rows, as one comparable text; also what a cursor remembers. */
export function rowRank({ stage, name }: Pick<MatrixRow, "stage" | "name">): string {
  return `${stages.indexOf(stage)}/${name}`;
}

function byRank(a: MatrixRow, b: MatrixRow): number {
  const [left, right] = [rowRank(a), rowRank(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function row(
  kind: "Environment" | "Preview",
  object: KubernetesObject,
  breaker: Readonly<Record<string, BreakerState>>,
): MatrixRow {
  const spec = object["spec"];
  const status = object["status"];
  const ready = readiness(object);
  const suspended = member(spec, "suspend") === true;
  const deployment = text(status, "state") ?? "pending";
  const queuePosition = member(status, "queuePosition");
  return {
    kind,
    name: object.metadata.name,
    stage: kind === "Preview" ? "Preview" : stageOf(text(spec, "stage")),
    branch: text(status, "branch") ?? text(spec, "branch") ?? text(member(spec, "deploy"), "branch") ?? null,
    commit: text(status, "revision") ?? null,
    url: text(status, "url") ?? null,
    neonBranch: text(status, "neonBranch") ?? null,
    deployment,
    ...ready,
    health: suspended ? "Suspended" : healthOf(deployment, ready.ready),
    breaker,
    expiresAt: text(status, "expiresAt") ?? null,
    queuePosition: typeof queuePosition === "number" ? queuePosition : null,
  };
}

/** Ready as kstatus reads it: what it says about an older generation says nothing about this one. */
function readiness(object: KubernetesObject): Pick<MatrixRow, "ready" | "reason" | "message"> {
  const conditions = member(object["status"], "conditions");
  const ready = getCondition(Array.isArray(conditions) ? (conditions as Condition[]) : [], "Ready");
  if (ready === undefined)
    return { ready: "Unknown", reason: "NotReconciled", message: "Not reconciled yet." };
  const generation = object.metadata.generation ?? 0;
  if ((ready.observedGeneration ?? generation) < generation) {
    return { ready: "Unknown", reason: "NotReconciled", message: "The last change was not reconciled yet." };
  }
  return { ready: ready.status, reason: ready.reason, message: ready.message };
}

function healthOf(deployment: string, ready: MatrixRow["ready"]): MatrixHealth {
  switch (deployment) {
    case "archived":
      return "Archived";
    case "error":
    case "failed":
      return "Degraded";
    case "pending":
    case "provisioning":
    case "updating":
    case "validating":
      return "Progressing";
    case "active":
      return ready === "True" ? "Healthy" : ready === "False" ? "Degraded" : "Unknown";
    default:
      return "Unknown";
  }
}

function breakers({ project, connections }: MatrixInput): Readonly<Record<string, BreakerState>> {
  const found: Record<string, BreakerState> = {};
  for (const provider of providers) {
    const reference = member(member(project["spec"], provider), "connectionRef");
    const name = text(reference, "name");
    if (name === undefined) continue;
    const namespace = text(reference, "namespace") ?? project.metadata.namespace;
    const connection = connections.find(
      ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
    );
    const state = text(connection?.["status"], "breaker");
    found[provider] = state === "Open" || state === "Closed" ? state : "Unknown";
  }
  return Object.freeze(found);
}

function stageOf(stage: string | undefined): MatrixStage {
  return stages.find((known) => known === stage) ?? "Dev";
}

function member(value: unknown, name: string): unknown {
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function text(value: unknown, name: string): string | undefined {
  const found = member(value, name);
  return typeof found === "string" && found !== "" ? found : undefined;
}
