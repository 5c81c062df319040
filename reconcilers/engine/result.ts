/** What a pass found out about one node of the graph. */
import type { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { FieldChange, Outputs, Reference } from "./resource.ts";

export type NodeResult = {
  slot: string;
  provider: string;
  /** Given as soon as what the node stands for exists and is settled: dependants go on with them. */
  outputs?: Outputs | undefined;
  /** What the spec names, once that is known. */
  named?: Reference;
  /** Work was done in this pass that a later pass must verify. */
  wrote?: boolean;
} & (
  | { status: "ready" }
  /** Written and not verified yet, or the provider is still at work: look again soon. */
  | { status: "settling"; message: string }
  /** Waits for another node of the same object. */
  | { status: "waiting"; message: string }
  /** Differs from desired, and `drift: Warn` says not to correct it. */
  | { status: "drifted"; changes: readonly FieldChange[] }
  /** Waits for a person. */
  | { status: "confirm"; message: string }
  | { status: "failed"; error: FlaresmithError }
);
