import type { NeonLimits, OperationDurations } from "./records.ts";

/** Limits of Neon's plans (docs "Plans", 2026-03; root branches 3/5/25). */
export const neonPlans: Readonly<Record<"free" | "launch" | "scale", Readonly<NeonLimits>>> = Object.freeze({
  free: {
    projects: 100,
    branchesPerProject: 10,
    rootBranchesPerProject: 3,
    protectedBranchesPerProject: 1,
    endpointsPerBranch: 20,
    historyRetentionSeconds: 21_600,
    maxComputeUnits: 2,
  },
  launch: {
    projects: 100,
    branchesPerProject: 5_000,
    rootBranchesPerProject: 5,
    protectedBranchesPerProject: 2,
    endpointsPerBranch: 20,
    historyRetentionSeconds: 604_800,
    maxComputeUnits: 16,
  },
  scale: {
    projects: 1_000,
    branchesPerProject: 5_000,
    rootBranchesPerProject: 25,
    protectedBranchesPerProject: 5,
    endpointsPerBranch: 20,
    historyRetentionSeconds: 2_592_000,
    maxComputeUnits: 56,
  },
});

/** Durations of operations in milliseconds: plausible, not measured (ledger). */
export const defaultOperationDurations: OperationDurations = Object.freeze({
  create_timeline: 400,
  create_branch: 400,
  start_compute: 600,
  suspend_compute: 200,
  apply_config: 300,
  delete_timeline: 200,
  apply_schema_from_branch: 400,
  timeline_update_protected_config: 100,
  apply_storage_config: 100,
});

/** How long a deleted project or branch can be recovered: 7 days. */
export const recoveryWindow = 7 * 24 * 3_600_000;

/** The longest `expires_at` ahead of now: 30 days. */
export const longestExpiry = 30 * 24 * 3_600_000;
