/** A Neon branch: the data of one environment or preview, with its compute. Marked by an annotation from its creation. */
import type { BranchResponse, Operation } from "@neondatabase/api-client";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import {
  branchOutputs,
  branchesOf,
  computeRequest,
  findBranch,
  pendingOf,
  settingChanges,
  writeBranch,
} from "./branch-access.ts";
import { removeBranch } from "./branch-removal.ts";
import { workOf } from "./client.ts";
import { define } from "./define.ts";
import { leaseMoved, leaseStands, leaseTarget } from "./lease.ts";
import { ANNOTATION } from "./listings.ts";
import { listMarkedBranches } from "./marked.ts";
import type { BranchDesired, BranchObserved } from "./types.ts";

/** What diff needs of the moment of observation, because it must be pure. */
interface Seen extends BranchObserved {
  /** Wall clock, milliseconds. */
  seenAt: number;
}

export const branch = define<BranchDesired, Seen>({
  provider: "neon",
  type: "branch",
  segment: "neonBranch",
  holds: "data",
  ownership: "marked-at-create",
  keepsIdentity: "name",
  fields: {
    name: "shallow",
    parent: "shallow",
    protected: "shallow",
    expiresAt: "shallow",
    init: "shallow",
    compute: "deep",
    "compute.min": "deep",
    "compute.max": "deep",
    "compute.suspendAfter": "deep",
  },
  reference: ({ projectId, name }) => ({ scope: projectId, name }),
  observe: async ({ scope, name, id }, context) => {
    const found = await findBranch(context, scope, name, id);
    if (!found) return { state: "absent" };
    const pending = pendingOf(found);
    return {
      state: "present",
      id: found.branch.id,
      name: found.branch.name,
      owner: context.marker.classify(found.branch.marker),
      observed: { ...found.observed, seenAt: context.clock.now() },
      depth: context.depth,
      ...(pending === undefined ? {} : { pending }),
    };
  },
  diff: (desired, observed, entry) => {
    const changes = settingChanges(desired, observed);
    if (observed.name !== desired.name)
      changes.push({ field: "name", effect: "in-place", from: observed.name, to: desired.name });
    // Neon moves branches itself: after a restore, the children of a branch hang on its backup. What it was cut from counts.
    const parent = entry?.data?.["parent"] ?? observed.parentName;
    const isNamed = desired.parent === parent || desired.parent === observed.parentName;
    if (desired.init === "parent-data" && parent !== undefined && !isNamed) {
      changes.push({ field: "parent", effect: "destroys-data", from: parent, to: desired.parent });
    }
    const { earliestExpiry: earliest, expiresAt } = desired;
    // Only previews choose what they start with; an environment's branch may have been adopted as it is.
    if (expiresAt !== undefined && observed.init !== undefined && observed.init !== desired.init) {
      changes.push({ field: "init", effect: "destroys-data", from: observed.init, to: desired.init });
    }
    const { expiresAt: held, seenAt } = observed;
    const recalled = entry?.data?.["lease"] !== undefined;
    const moved =
      expiresAt === undefined
        ? held !== undefined
        : leaseMoved(expiresAt, held, seenAt) &&
          (recalled || !leaseStands({ expiresAt, earliest }, held, seenAt));
    if (moved) {
      changes.push({
        field: "expiresAt",
        effect: "in-place",
        from: held ?? "never",
        to: expiresAt ?? "never",
      });
    }
    return changes;
  },
  recall: ({ parent }, { expiresAt }, data) => {
    if (data?.["parent"] === parent) return undefined;
    const lease = data === undefined && expiresAt !== undefined ? { lease: expiresAt } : {};
    return { ...data, ...lease, parent };
  },
  create: async (desired, context) => {
    const { client, clock, marker, signal } = context;
    const { init, name, projectId } = desired;
    // Another environment may have made it a moment ago: read past what is shared.
    const unshared: typeof context = { ...context, shared: (key, load) => context.shared(key, load, 0) };
    const parent = (await branchesOf(unshared, projectId)).find((one) => one.name === desired.parent);
    if (!parent) {
      throw new FlaresmithError({
        code: "SPEC_REFERENCE_MISSING",
        // Branches come and go without a change of this object: it is looked for again.
        class: "transient",
        message: `Neon project ${projectId} has no branch ${desired.parent}, from which ${name} would be cut`,
        field: "spec.neon.parent",
        hint: "Correct the name, or wait until the environment that makes it is ready.",
        context: { provider: "neon" },
      });
    }
    const lease = desired.expiresAt === undefined ? undefined : leaseTarget(desired.expiresAt, clock.now());
    const body = {
      branch: {
        name,
        parent_id: parent.id,
        init_source: init,
        ...(desired.protected === undefined ? {} : { protected: desired.protected }),
        ...(lease === undefined ? {} : { expires_at: lease }),
      },
      endpoints: [{ type: "read_write", ...computeRequest(desired.compute) }],
      annotation_value: { [ANNOTATION]: marker.text },
    };
    const what = `creating the branch ${name}`;
    const answer = await client.change<BranchResponse & { operations: Operation[] }>(
      "POST",
      `/projects/${projectId}/branches`,
      body,
      { what, signal },
    );
    if (!answer.ok) throw answer.error;
    const pending = workOf(answer.data) ?? "Neon is creating it";
    const data = { parent: parent.name, ...(lease === undefined ? {} : { lease }) };
    return { id: answer.data.branch.id, name, pending, data };
  },
  update: async (desired, observed, changes, context) => {
    const changed = new Set(changes.map((change) => change.field));
    if (changed.has("parent")) {
      throw new FlaresmithError({
        code: "INTEGRATION_REJECTED",
        message: `Neon cannot move the branch ${observed.name} to the parent ${desired.parent}`,
        field: "spec.neon.parent",
        // Another name would only rename the branch.
        hint: "Change the spec back. If the branch's data may go, delete it at Neon and confirm that a new one is made, which is cut from the new parent.",
        context: { provider: "neon" },
      });
    }
    if (changed.has("init")) {
      throw new FlaresmithError({
        code: "INTEGRATION_REJECTED",
        message: `Neon cannot turn the branch ${observed.name} from ${observed.init ?? "what it is"} to ${desired.init}`,
        field: "spec.data",
        hint: "Change the spec back, or delete the Preview and create it again.",
        context: { provider: "neon" },
      });
    }
    const lease =
      changed.has("expiresAt") && desired.expiresAt !== undefined
        ? leaseTarget(desired.expiresAt, context.clock.now())
        : undefined;
    const pending = await writeBranch(context, { ...desired, expiresAt: lease }, observed, changes);
    return {
      id: observed.id,
      name: desired.name,
      ...(pending === undefined ? {} : { pending }),
      ...(lease === undefined ? {} : { data: { parent: desired.parent, lease } }),
    };
  },
  remove: removeBranch,
  listMarked: listMarkedBranches,
  outputs: (_desired, observed) => branchOutputs(observed),
});
