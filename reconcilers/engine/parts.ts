/** From the results of a pass to what conditions say: one part for each provider, and `UpToDate`. */
import { conditionMessage, conditionReason } from "../../controller/runtime/errors.ts";
import type { StatusPart } from "../../controller/runtime/conditions.ts";
import type { RemovalResult } from "./remove.ts";
import type { NodeResult } from "./result.ts";

/** Removals that are still to end, the worst first. */
const pending = ["failed", "confirm", "removing"] as const;
const worst = ["failed", "confirm", "settling", "waiting", "drifted", "ready"] as const;

type Verdict = Pick<StatusPart, "status" | "reason" | "message" | "waitsFor">;

const decision = (message: string): Verdict => ({
  status: "False",
  reason: "ConfirmationRequired",
  message,
  waitsFor: "person",
});

function verdict(result: NodeResult): Verdict {
  switch (result.status) {
    case "ready":
    case "drifted":
      return { status: "True", reason: "Synced", message: "Synced." };
    case "settling":
      return { status: "False", reason: "Progressing", message: `${result.message}.` };
    case "waiting":
      return { status: "False", reason: "DependencyNotReady", message: `${result.message}.` };
    case "confirm":
      return decision(result.message);
    case "failed": {
      const person = result.error.class === "terminal" || result.error.class === "auth";
      return {
        status: "False",
        reason: conditionReason(result.error),
        message: conditionMessage(result.error),
        ...(person ? { waitsFor: "person" as const } : {}),
      };
    }
  }
}

/** Whether anything among the results is retried by itself; what only waits for the stuck is stuck too. */
function anyProgress(results: readonly NodeResult[]): boolean {
  return results.some(
    (result) =>
      result.status === "settling" ||
      (result.status === "failed" && result.error.class !== "terminal" && result.error.class !== "auth"),
  );
}

/**
 * One part for each provider that the object uses.
 * @param names condition type by provider, e.g. `github -> GitHubSynced`
 */
export function providerParts(
  results: readonly NodeResult[],
  removals: readonly RemovalResult[],
  names: Readonly<Record<string, string>>,
): StatusPart[] {
  const progress = anyProgress(results);
  const providers = [...new Set([...results, ...removals].map((result) => result.provider))].sort();
  return providers.map((provider) => {
    const type = names[provider] ?? provider;
    const own = results.filter((result) => result.provider === provider);
    const removal = pending
      .map((status) => removals.find((one) => one.provider === provider && one.status === status))
      .find((one) => one !== undefined);
    const status = worst.find((candidate) => own.some((result) => result.status === candidate)) ?? "ready";
    const candidates = own.filter((result) => result.status === status);
    if ((status === "ready" || status === "drifted") && removal) {
      if (removal.error)
        return { type, ...verdict({ slot: removal.slot, provider, status: "failed", error: removal.error }) };
      if (removal.status === "confirm") return { type, ...decision(removal.message) };
      return { type, status: "False", reason: "Progressing", message: `${removal.message}.` };
    }
    const chosen = candidates.toSorted((a, b) => (a.slot < b.slot ? -1 : 1)).map(verdict);
    const first = chosen[0] ?? { status: "True" as const, reason: "Synced", message: "Synced." };
    // What fails may fail for want of just that decision, which is told beside it.
    const decisions =
      status === "failed"
        ? own.flatMap((result) => (result.status === "confirm" ? [result.message] : [])).sort()
        : [];
    const messages = [
      ...new Set(chosen.filter((one) => one.reason === first.reason).map((one) => one.message)),
    ];
    const shown =
      messages.length > 3 ? [...messages.slice(0, 3), `And ${messages.length - 3} more.`] : messages;
    const stuck = first.waitsFor === "person" || (status === "waiting" && !progress);
    return {
      type,
      ...first,
      ...(shown.length === 0 ? {} : { message: [...shown, ...decisions].join(" ") }),
      ...(stuck ? { waitsFor: "person" as const } : {}),
      ...(status === "waiting" ? { consequence: true } : {}),
    };
  });
}

/**
 * The `UpToDate` condition: False names every field that differs and is left so, and what waits for a person; Unknown as
 * long as something could not be compared.
 */
export function upToDatePart(
  results: readonly NodeResult[],
  removals: readonly RemovalResult[],
  drift: "Correct" | "Warn",
): StatusPart {
  const type = "UpToDate";
  const drifted = results.filter((result) => result.status === "drifted");
  const waiting = [...results, ...removals]
    .filter((result) => result.status === "confirm")
    .map((result) => result.slot);
  if (drifted.length === 0 && waiting.length === 0) {
    // Nobody knows about what could not be looked at, and what was just written is not seen yet.
    if (results.some((result) => result.status !== "ready"))
      return {
        type,
        status: "Unknown",
        reason: "NotCompared",
        message: "Not everything could be compared.",
        countsForReady: false,
      };
    return { type, status: "True", reason: "NoDrift", message: "Nothing differs.", countsForReady: false };
  }
  const fields = drifted
    .map(
      (result) =>
        `${result.slot}: ${result.changes
          .map((change) => describeChange(change))
          .sort()
          .join(", ")}`,
    )
    .sort();
  const sentences = [
    ...(fields.length === 0 ? [] : [`${fields.join("; ")}. drift: ${drift} leaves it as it is.`]),
    ...(waiting.length === 0 ? [] : [`${waiting.sort().join(", ")}: waits for a person's confirmation.`]),
  ];
  const reason = fields.length === 0 ? "ConfirmationRequired" : "DriftDetected";
  return { type, status: "False", reason, message: sentences.join(" "), countsForReady: false };
}

function describeChange(change: { field: string; from?: string; to?: string }): string {
  if (change.from === undefined && change.to === undefined) return change.field;
  return `${change.field} is ${change.from ?? "unset"} instead of ${change.to ?? "unset"}`;
}
