import type { SandboxContext } from "../core/provider.ts";
import { locked } from "./errors.ts";
import type { OperationDurations, OperationRecord } from "./records.ts";
import type { NeonStore } from "./store.ts";

/** One step of work to schedule; steps of one call run one after another. */
export interface OperationStep {
  action: string;
  branchId?: string;
  endpointId?: string;
}

/** The asynchronous side of Neon: mutations answer at once, operations settle as the clock moves. */
export interface Operations {
  /** @throws NeonError 423 while the project's earlier operations run */
  assertIdle(projectId: string): void;
  /** Schedules the steps and marks the project busy until the last one is done. @throws NeonError 423 */
  schedule(projectId: string, steps: readonly OperationStep[]): OperationRecord[];
  /** The next operation with this action ends `failed` with this error instead of `finished`. */
  failNext(action: string, error: string): void;
}

/** The status an operation shows at `now`. */
export function operationStatus(operation: OperationRecord, now: number): string {
  if (now < operation.startsAt) return "scheduling";
  return now < operation.finishesAt ? "running" : operation.outcome;
}

/** How long an operation waits in `scheduling` before it runs, in milliseconds. */
const schedulingDelay = 20;

/** @param durations milliseconds per action; actions without an entry take 100 ms */
export function createOperations(options: {
  context: SandboxContext;
  store: NeonStore;
  durations: OperationDurations;
}): Operations {
  const { context, store, durations } = options;
  const { clock, random } = context;
  const failures = context.storage.collection<string>("neon/operation-failure");
  const assertIdle = (projectId: string): void => {
    const project = store.projects.get(projectId);
    if (project && clock.now() < project.busyUntil) throw locked();
  };
  const schedule = (projectId: string, steps: readonly OperationStep[]): OperationRecord[] => {
    if (steps.length === 0) return [];
    assertIdle(projectId);
    let start =
      clock.now() + (steps.some((step) => (durations[step.action] ?? 100) > 0) ? schedulingDelay : 0);
    const records = steps.map((step): OperationRecord => {
      const error = failures.get(step.action);
      if (error !== undefined) failures.delete(step.action);
      const finishesAt = start + (durations[step.action] ?? 100);
      const record: OperationRecord = {
        id: random.uuid(),
        projectId,
        ...(step.branchId === undefined ? {} : { branchId: step.branchId }),
        ...(step.endpointId === undefined ? {} : { endpointId: step.endpointId }),
        action: step.action,
        createdAt: clock.now(),
        startsAt: start,
        finishesAt,
        outcome: error === undefined ? "finished" : "failed",
        ...(error === undefined ? {} : { error }),
      };
      start = finishesAt;
      return record;
    });
    for (const record of records) store.operations(projectId).set(record.id, record);
    const project = store.projects.get(projectId);
    if (project) store.projects.set(projectId, { ...project, busyUntil: start });
    return records;
  };
  return { assertIdle, schedule, failNext: (action, error) => failures.set(action, error) };
}
