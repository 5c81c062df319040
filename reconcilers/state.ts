/** `status.state`: one word for people, from conditions. Nothing reads it back but this function, to tell a first convergence from a later one. */
import type { Condition } from "../controller/runtime/conditions.ts";

export type State =
  | "pending"
  | "provisioning"
  | "active"
  | "updating"
  | "validating"
  | "error"
  | "failed"
  | "archived";

/**
 * @param previous the state before, which tells whether the object was ever active
 * @param hasInventory whether anything external stands for the object
 */
export function summarizeState(
  conditions: readonly Condition[],
  previous: string | undefined,
  hasInventory: boolean,
): State {
  const find = (type: string): Condition | undefined =>
    conditions.find((condition) => condition.type === type);
  const wasActive = previous === "active" || previous === "updating" || previous === "error";
  if (find("Ready")?.status === "True") return "active";
  if (find("Stalled")?.status === "True") return wasActive ? "error" : "failed";
  if (wasActive) return "updating";
  return hasInventory ? "provisioning" : "pending";
}
