import { failure } from "./failure.ts";
import type { Call } from "./call.ts";
import type { RepositoryRecord } from "./records.ts";
import type { World } from "./world.ts";

/** Whether a ref matches one of a ruleset's patterns: `~ALL`, `~DEFAULT_BRANCH`, or fnmatch with `*` and `**`. */
export function refMatches(repository: RepositoryRecord, ref: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    if (pattern === "~ALL") return true;
    if (pattern === "~DEFAULT_BRANCH") return ref === `refs/heads/${repository.defaultBranch}`;
    const source = pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replace(/\*\*\/?|\*|\?/g, (wildcard) =>
        wildcard.startsWith("**") ? ".*" : wildcard === "*" ? "[^/]*" : "[^/]",
      );
    return new RegExp(`^${source}$`).test(ref);
  });
}

interface RefConditions {
  ref_name?: { include?: string[]; exclude?: string[] };
}

interface BypassActor {
  actor_id?: number | null;
  actor_type?: string;
  bypass_mode?: string;
}

/** Repository role ids of the REST API's bypass actors: 5 is admin, 4 write, 2 maintain. */
const ROLES = [5, 4, 2];

function bypasses(call: Pick<Call, "world" | "identity">, actors: readonly BypassActor[]): boolean {
  const { identity, world } = call;
  if (identity.kind !== "token") return false;
  const installation = world.installations.get(String(identity.token.installationId));
  return actors.some(({ actor_id, actor_type, bypass_mode }) => {
    if (bypass_mode === "pull_request") return false;
    if (actor_type === "Integration") return installation !== undefined && actor_id === installation.appId;
    if (installation) return false;
    return (
      actor_type === "OrganizationAdmin" || (actor_type === "RepositoryRole" && ROLES.includes(actor_id ?? 0))
    );
  });
}

const VIOLATIONS: Record<string, { when: readonly string[]; text: string }> = {
  creation: { when: ["create"], text: "Cannot create ref due to creations being restricted." },
  update: { when: ["update", "force"], text: "Cannot update this protected ref." },
  deletion: { when: ["delete"], text: "Cannot delete this branch" },
  non_fast_forward: { when: ["force"], text: "Cannot force-push to this branch" },
  pull_request: { when: ["update", "force"], text: "Changes must be made through a pull request." },
};

/** How a ref changes; `force` is an update that is no fast forward. */
export type RefChange = "create" | "update" | "force" | "delete";

/** What active rulesets say against a direct change of a ref by this caller; empty when it may pass. */
export function ruleViolations(options: {
  world: World;
  call: Pick<Call, "world" | "identity">;
  repository: RepositoryRecord;
  ref: string;
  change: RefChange;
}): string[] {
  const { world, call, repository, ref, change } = options;
  const kind = ref.startsWith("refs/tags/") ? "tag" : "branch";
  return world
    .rulesets(repository.id)
    .latestValues()
    .filter((ruleset) => {
      const { ref_name } = (ruleset.conditions ?? {}) as RefConditions;
      return (
        ruleset.enforcement === "active" &&
        ruleset.target === kind &&
        refMatches(repository, ref, ref_name?.include ?? []) &&
        !refMatches(repository, ref, ref_name?.exclude ?? []) &&
        !bypasses(call, ruleset.bypassActors as BypassActor[])
      );
    })
    .flatMap((ruleset) => ruleset.rules)
    .flatMap((rule) => {
      const violation = VIOLATIONS[rule.type];
      return violation?.when.includes(change) ? [violation.text] : [];
    });
}

/**
 * Refuses a direct change of a ref that an active ruleset forbids.
 * @throws ApiFailure 422 (409 for the contents API) "Repository rule violations found"
 */
export function enforceRules(options: Parameters<typeof ruleViolations>[0] & { status?: 409 | 422 }): void {
  const violated = ruleViolations(options);
  if (violated.length > 0)
    throw failure(options.status ?? 422, `Repository rule violations found\n\n${violated.join("\n\n")}\n\n`);
}
