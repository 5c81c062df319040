/** The root branch of a Neon project, used by an Environment: only its settings are managed, it is never made or removed. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import { branchOutputs, findBranch, pendingOf, settingChanges, writeBranch } from "./branch-access.ts";
import { define } from "./define.ts";
import type { BranchObserved, BranchSettings } from "./types.ts";

export const rootBranch = define<BranchSettings, BranchObserved>({
  provider: "neon",
  type: "rootBranch",
  segment: "neonBranch",
  holds: "nothing",
  ownership: "inherited",
  content: true,
  fields: {
    protected: "shallow",
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
      // Its annotation is the Project's, to whom it belongs; what is managed here are only settings.
      owner: "unmarked",
      observed: found.observed,
      depth: context.depth,
      ...(pending === undefined ? {} : { pending }),
    };
  },
  diff: (desired, observed) => settingChanges(desired, observed),
  create: ({ name, projectId }) =>
    Promise.reject(
      new FlaresmithError({
        code: "INTEGRATION_NOT_FOUND",
        message: `Neon project ${projectId} shows no branch ${name}, and its root branch cannot be created apart from it`,
        hint: "The Project renames the root branch to its spec.neon.branch; see its condition.",
        context: { provider: "neon" },
      }),
    ),
  update: async (desired, observed, changes, context) => {
    const pending = await writeBranch(context, desired, observed, changes);
    return { id: observed.id, name: observed.name, ...(pending === undefined ? {} : { pending }) };
  },
  remove: () => Promise.resolve(),
  outputs: (_desired, observed) => branchOutputs(observed),
});
