import type { Preview, PreviewDeployment, Route, Version, Worker } from "./model.ts";
import { accountSubdomain, activeDeployment, workerKey } from "./world.ts";
import type { World } from "./world.ts";

/** What answers a request: a version of a Worker or a deployment of a preview. */
export interface HostTarget {
  worker: Worker;
  runnable: Version | PreviewDeployment;
}

/** Why nothing answers: the name belongs to workers.dev but is not served, or to nobody here. */
export type Unserved = "not-on-workers-dev" | "unknown-host";

interface Label {
  accountId: string;
  label: string;
}

function workersDevLabel(world: World, host: string): Label | undefined {
  const template = world.workersUrl.split("://")[1]?.split(/[/:]/)[0] ?? "";
  const suffixes = [template.replace("{script}.{subdomain}.", ""), "workers.dev"];
  for (const suffix of suffixes) {
    if (!host.endsWith(`.${suffix}`)) continue;
    const [label, subdomain, ...rest] = host.slice(0, -suffix.length - 1).split(".");
    const account = world.options.accounts.find(
      (candidate) => subdomain !== undefined && accountSubdomain(world, candidate.id) === subdomain,
    );
    if (label !== undefined && rest.length === 0 && account) return { accountId: account.id, label };
    return { accountId: "", label: "" };
  }
  return undefined;
}

/** The version that takes this request of a Worker: by percentage where traffic is split. */
function production(world: World, worker: Worker): HostTarget | undefined {
  const shares = activeDeployment(world, worker.id)?.versions ?? [];
  const total = shares.reduce((sum, share) => sum + share.percentage, 0);
  let left = shares.length > 1 ? world.context.random.next() * total : 0;
  const share = shares.find((candidate) => (left -= candidate.percentage) < 0) ?? shares[0];
  const version = world.versions.get(worker.id)?.find((candidate) => candidate.id === share?.versionId);
  return version && { worker, runnable: version };
}

function previewOf(world: World, worker: Worker, label: string): HostTarget | undefined {
  const previews: Preview[] = world.previews.values().filter((preview) => preview.workerId === worker.id);
  const named = previews.find((preview) => preview.slug === label);
  const latest = named && world.previewDeployments.get(named.id)?.at(-1);
  if (latest) return { worker, runnable: latest };
  for (const preview of previews) {
    const exact = world.previewDeployments
      .get(preview.id)
      ?.find((deployment) => deployment.shortId === label);
    if (exact) return { worker, runnable: exact };
  }
  const versions = world.versions.get(worker.id) ?? [];
  const version =
    versions.find((candidate) => candidate.id.slice(0, 8) === label) ??
    versions.findLast((candidate) => candidate.annotations["workers/alias"] === label);
  return version && { worker, runnable: version };
}

function onWorkersDev(world: World, { accountId, label }: Label): HostTarget | undefined {
  const exact = world.workers.get(workerKey(accountId, label));
  if (exact) return exact.subdomain.enabled ? production(world, exact) : undefined;
  for (let cut = label.indexOf("-"); cut !== -1; cut = label.indexOf("-", cut + 1)) {
    const worker = world.workers.get(workerKey(accountId, label.slice(cut + 1)));
    const target = worker?.subdomain.previewsEnabled && previewOf(world, worker, label.slice(0, cut));
    if (target) return target;
  }
  return undefined;
}

/** Whether a route pattern (`*.acme.example/api/*`) covers a host and path. */
function routeMatches(pattern: string, host: string, path: string): boolean {
  const [, patternHost = "", patternPath = "/"] = /^(?:https?:\/\/)?([^/]+)(\/.*)?$/.exec(pattern) ?? [];
  const escape = (text: string): string =>
    text.replaceAll(/[.+^${}()|[\]\\?]/g, "\\$&").replaceAll("*", ".*");
  return (
    new RegExp(`^${escape(patternHost)}$`).test(host) && new RegExp(`^${escape(patternPath)}$`).test(path)
  );
}

function byRoute(world: World, host: string, path: string): HostTarget | undefined {
  const route: Route | undefined = world.routes
    .values()
    .filter((candidate) => routeMatches(candidate.pattern, host, path))
    .toSorted((a, b) => b.pattern.replaceAll("*", "").length - a.pattern.replaceAll("*", "").length)[0];
  const zone = route && world.options.zones.find((candidate) => candidate.id === route.zoneId);
  if (!zone || route.script === null) return undefined;
  const worker = world.workers.get(workerKey(zone.accountId, route.script));
  return worker && production(world, worker);
}

function byDomain(world: World, host: string): HostTarget | undefined {
  for (const domain of world.domains.values()) {
    const worker = world.workers.get(workerKey(domain.accountId, domain.service));
    if (!worker) continue;
    if (domain.hostname === host && domain.productionEnabled) return production(world, worker);
    const label = host.endsWith(`.${domain.hostname}`)
      ? host.slice(0, -domain.hostname.length - 1)
      : undefined;
    if (label !== undefined && domain.previewsEnabled) return previewOf(world, worker, label);
  }
  return undefined;
}

/**
 * What serves a host name: workers.dev names (or the sandbox's stand-in), then routes, then custom domains.
 * @param host as in the Host header, without port
 * @param path the URL's path
 */
export function resolveHost(world: World, host: string, path: string): HostTarget | Unserved {
  const name = host.toLowerCase();
  const label = workersDevLabel(world, name);
  if (label) return onWorkersDev(world, label) ?? "not-on-workers-dev";
  return byRoute(world, name, path) ?? byDomain(world, name) ?? "unknown-host";
}
