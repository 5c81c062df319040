/** `spec.neon.settings` of a Project in Neon's words and back. Pure. */
import type { ProjectSettingsData } from "@neondatabase/api-client";
import type { FieldChange } from "../engine/resource.ts";
import type { ProjectSettings } from "./types.ts";

/** Settings as a whole look shows them; what Neon leaves out is off. */
export function settingsOf(settings: ProjectSettingsData | undefined): ProjectSettings {
  return {
    allowedIps: settings?.allowed_ips?.ips ?? [],
    allowedIpsProtectedBranchesOnly: settings?.allowed_ips?.protected_branches_only ?? false,
    blockPublicConnections: settings?.block_public_connections ?? false,
    ...(settings?.enable_logical_replication === true ? { logicalReplication: true as const } : {}),
  };
}

/** The part of a request that sets what is given; undefined when nothing is. */
export function requestSettings(settings: ProjectSettings | undefined): Record<string, unknown> | undefined {
  if (!settings) return undefined;
  const { allowedIps, allowedIpsProtectedBranchesOnly, blockPublicConnections, logicalReplication } =
    settings;
  const allowed = {
    ...(allowedIps === undefined ? {} : { ips: [...allowedIps] }),
    ...(allowedIpsProtectedBranchesOnly === undefined
      ? {}
      : { protected_branches_only: allowedIpsProtectedBranchesOnly }),
  };
  const request = {
    ...(Object.keys(allowed).length === 0 ? {} : { allowed_ips: allowed }),
    ...(blockPublicConnections === undefined ? {} : { block_public_connections: blockPublicConnections }),
    ...(logicalReplication === undefined ? {} : { enable_logical_replication: logicalReplication }),
  };
  return Object.keys(request).length === 0 ? undefined : request;
}

/** Order and repetition of addresses mean nothing. */
const normal = (ips: readonly string[]): string[] => [...new Set(ips)].toSorted();

/** Differences of the settings that are set, by field path. Nothing differs from what was not looked at. */
export function settingChanges(
  desired: ProjectSettings | undefined,
  observed: ProjectSettings | undefined,
): FieldChange[] {
  if (!desired || !observed) return [];
  const changes: FieldChange[] = [];
  const compare = (field: keyof ProjectSettings, from: string, to: string | undefined): void => {
    if (to !== undefined && from !== to)
      changes.push({ field: `settings.${field}`, effect: "in-place", from, to });
  };
  const list = (ips: readonly string[]): string => (ips.length === 0 ? "none" : normal(ips).join(", "));
  compare("allowedIps", list(observed.allowedIps ?? []), desired.allowedIps && list(desired.allowedIps));
  for (const name of [
    "allowedIpsProtectedBranchesOnly",
    "blockPublicConnections",
    "logicalReplication",
  ] as const) {
    compare(
      name,
      String(observed[name] ?? false),
      desired[name] === undefined ? undefined : String(desired[name]),
    );
  }
  return changes;
}

/** What to send to change the named fields: Neon replaces `allowed_ips` as a whole, so that it goes with both members. */
export function settingsUpdate(
  changed: ReadonlySet<string>,
  desired: ProjectSettings | undefined,
  observed: ProjectSettings | undefined,
): Record<string, unknown> | undefined {
  const both: ProjectSettings = {
    allowedIps: desired?.allowedIps ?? observed?.allowedIps,
    allowedIpsProtectedBranchesOnly:
      desired?.allowedIpsProtectedBranchesOnly ?? observed?.allowedIpsProtectedBranchesOnly,
  };
  const ips = changed.has("settings.allowedIps") || changed.has("settings.allowedIpsProtectedBranchesOnly");
  return requestSettings({
    ...(ips ? both : {}),
    blockPublicConnections: changed.has("settings.blockPublicConnections")
      ? desired?.blockPublicConnections
      : undefined,
    logicalReplication: changed.has("settings.logicalReplication") ? desired?.logicalReplication : undefined,
  });
}
