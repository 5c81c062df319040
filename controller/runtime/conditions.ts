/**
 * Conditions by the kstatus convention: `Ready` always, `Reconciling` and `Stalled` only while they are true and never
 * both, Ready the AND of everything that counts. Pure functions over frozen data.
 *
 * @see https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus
 */

type ConditionStatus = "True" | "False" | "Unknown";

export interface Condition {
  readonly type: string;
  readonly status: ConditionStatus;
  readonly observedGeneration?: number | undefined;
  /** RFC 3339 in UTC with second precision: when `status` last changed. */
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
}

export type ConditionInput = Omit<Condition, "lastTransitionTime">;

/** The API server refuses longer messages on conditions of its own types. */
const maxMessageLength = 32_768;

/** kstatus reads conditions in list order, so the telling ones come first; the rest is sorted by type. */
const leading: readonly string[] = ["Stalled", "Reconciling", "Ready"];

function rank(type: string): number {
  const index = leading.indexOf(type);
  return index === -1 ? leading.length : index;
}

function sorted(conditions: readonly Condition[]): readonly Condition[] {
  return Object.freeze(
    conditions.toSorted(
      (a, b) => rank(a.type) - rank(b.type) || (a.type < b.type ? -1 : a.type > b.type ? 1 : 0),
    ),
  );
}

/** Messages are cut where the API would refuse them. */
function clip(message: string): string {
  return message.length <= maxMessageLength ? message : `${message.slice(0, maxMessageLength - 1)}…`;
}

/**
 * The conditions with this one set. `lastTransitionTime` is kept while `status` is the same, as the Kubernetes API asks.
 *
 * @param now RFC 3339, of the injected clock (`timestamp(clock)`)
 */
export function setCondition(
  conditions: readonly Condition[],
  input: ConditionInput,
  now: string,
): readonly Condition[] {
  const old = getCondition(conditions, input.type);
  const condition = Object.freeze({
    ...input,
    message: clip(input.message),
    lastTransitionTime: old?.status === input.status ? old.lastTransitionTime : now,
  });
  return sorted([...conditions.filter((other) => other.type !== input.type), condition]);
}

/** The conditions without this type. */
export function removeCondition(conditions: readonly Condition[], type: string): readonly Condition[] {
  return sorted(conditions.filter((condition) => condition.type !== type));
}

/** The condition of this type, if there is one. */
export function getCondition(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** Whether the condition exists with status True. */
export function isTrue(conditions: readonly Condition[], type: string): boolean {
  return getCondition(conditions, type)?.status === "True";
}

/** One aspect of an object, e.g. `GitHubSynced` or `UpToDate`; becomes a condition and, unless told otherwise, counts for Ready. */
export interface StatusPart {
  readonly type: string;
  readonly status: ConditionStatus;
  readonly reason: string;
  readonly message: string;
  /** What a part that is not True waits for: `time` is retried by itself, `person` needs an edit. Default `time`. */
  readonly waitsFor?: "time" | "person" | undefined;
  /** False for what is only reported, such as UpToDate under `drift: Warn`. Default true. */
  readonly countsForReady?: boolean | undefined;
  /** True for what only waits for another part: Ready takes its reason from the cause, where there is one. */
  readonly consequence?: boolean | undefined;
}

export interface Summary {
  /** Conditions that the object has now; types that are neither parts nor Ready, Reconciling, Stalled are dropped. */
  readonly previous: readonly Condition[];
  /** `metadata.generation` that was reconciled. */
  readonly generation: number;
  /** RFC 3339, of the injected clock. */
  readonly now: string;
  readonly parts: readonly StatusPart[];
  /** Work that goes on although no part says so, e.g. deletion. */
  readonly progress?: { readonly reason: string; readonly message: string } | undefined;
  /** Something a person must do although no part says so, e.g. an invalid spec. Wins over everything. */
  readonly stalled?: { readonly reason: string; readonly message: string } | undefined;
  /** Message of Ready=True. Default "Everything is as specified." */
  readonly readyMessage?: string | undefined;
}

/**
 * All conditions of an object from its parts. Ready is True when every part that counts is True and nothing goes on; else
 * False, with Stalled=True when only a person can help and Reconciling=True while anything is retried by itself.
 *
 * @returns conditions in the order kstatus wants them, each with `observedGeneration`
 */
export function summarize(summary: Summary): readonly Condition[] {
  const { generation, now, parts } = summary;
  const failing = parts
    .filter((part) => part.countsForReady !== false && part.status !== "True")
    .toSorted((a, b) => (a.type < b.type ? -1 : 1));
  const inputs: Omit<ConditionInput, "observedGeneration">[] = parts.map(
    ({ type, status, reason, message }) => ({
      type,
      status,
      reason,
      message,
    }),
  );
  inputs.push(...headline(summary, failing));
  let conditions: readonly Condition[] = [];
  for (const input of inputs) {
    const old = getCondition(summary.previous, input.type);
    conditions = setCondition(
      old === undefined ? conditions : [...conditions, old],
      { ...input, observedGeneration: generation },
      now,
    );
  }
  return conditions;
}

function headline(
  { progress, stalled, readyMessage }: Summary,
  failing: readonly StatusPart[],
): Omit<ConditionInput, "observedGeneration">[] {
  const blocked = stalled ?? (progress === undefined ? waitingForPerson(failing) : undefined);
  if (blocked !== undefined) {
    return [
      { type: "Ready", status: "False", ...blocked },
      { type: "Stalled", status: "True", ...blocked },
    ];
  }
  const cause = progress ?? firstRetried(failing);
  if (cause !== undefined) {
    const ready =
      failing.length === 0 ? cause : { reason: cause.reason, message: joined(failing, cause.message) };
    return [
      { type: "Ready", status: "False", ...ready },
      {
        type: "Reconciling",
        status: "True",
        reason: progress === undefined ? "ProgressingWithRetry" : "Progressing",
        message: cause.message,
      },
    ];
  }
  const message = readyMessage ?? "Everything is as specified.";
  return [{ type: "Ready", status: "True", reason: "Succeeded", message }];
}

function waitingForPerson(failing: readonly StatusPart[]): { reason: string; message: string } | undefined {
  const first = causeAmong(failing);
  if (first === undefined || failing.some((part) => part.waitsFor !== "person")) return undefined;
  return { reason: first.reason, message: joined(failing, first.message) };
}

function causeAmong(parts: readonly StatusPart[]): StatusPart | undefined {
  return parts.find((part) => part.consequence !== true) ?? parts[0];
}

function firstRetried(failing: readonly StatusPart[]): { reason: string; message: string } | undefined {
  const first = causeAmong(failing.filter((part) => part.waitsFor !== "person"));
  return first === undefined ? undefined : { reason: first.reason, message: first.message };
}

/**
 * One failing part speaks for itself; several are told apart by their type. Equal messages are said once, and what only
 * follows from another part is left to its own condition.
 */
function joined(all: readonly StatusPart[], fallback: string): string {
  const causes = all.filter((part) => part.consequence !== true);
  const failing = causes.length === 0 ? all : causes;
  const messages = new Set(failing.map((part) => part.message));
  if (messages.size === 0) return fallback;
  if (messages.size === 1) return [...messages].join("");
  return failing.map((part) => `${part.type}: ${part.message}`).join(" ");
}
