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
    "compute.min": "deep",
    "compute.max": "deep",
    "compute.suspendAfter": "deep",
  },
  reference: ({ projectId, name }) => ({ scope: projectId, name }),
  observe: async ({ scope, name, id }, context) => {
    const found = await findBranch(context, scope, name, id);
    if (!found) {
      throw new FlaresmithError({
        code: "INTEGRATION_NOT_FOUND",
        message: `Neon project ${scope} shows no branch ${name}`,
        hint: "The Project renames the root branch to spec.neon.branch; see its condition.",
        context: { provider: "neon" },
      });
    }
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
        code: "INTERNAL_ERROR",
        message: `the root branch ${name} of Neon project ${projectId} cannot be created apart from it`,
      }),
    ),
  update: async (desired, observed, changes, context) => {
    await writeBranch(context, desired, observed, changes);
    return { id: observed.id, name: observed.name };
  },
  remove: () => Promise.resolve(),
  outputs: (_desired, observed) => branchOutputs(observed),
});
