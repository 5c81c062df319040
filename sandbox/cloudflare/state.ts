import type { PreviewDeployment, Runnable, Worker } from "./model.ts";
import { accountSubdomain, activeDeployment, servingVersion } from "./world.ts";
import type { World } from "./world.ts";

function code(runnable: Runnable | undefined): Record<string, unknown> {
  if (!runnable) return {};
  const { bindings, etag, mainModule, compatibilityDate, compatibilityFlags, assets } = runnable;
  const secrets = bindings.filter((binding) => binding.type === "secret_text");
  return {
    etag,
    bindings,
    secrets: Object.fromEntries(secrets.map((secret) => [secret.name, secret["text"]])),
    mainModule,
    compatibilityDate,
    compatibilityFlags,
    assets: assets ? Object.keys(assets.manifest).toSorted() : [],
  };
}

function previews(world: World, worker: Worker): unknown[] {
  const own = world.previews.values().filter((preview) => preview.workerId === worker.id);
  return own.map((preview) => {
    const deployments: PreviewDeployment[] = world.previewDeployments.get(preview.id) ?? [];
    const { id, name, slug, tags, createdOn, deployedOn } = preview;
    const latest = deployments.at(-1);
    return {
      id,
      name,
      slug,
      tags,
      createdOn,
      deployedOn,
      deployments: deployments.length,
      annotations: latest?.annotations ?? {},
      ...code(latest),
    };
  });
}

function script(world: World, worker: Worker): Record<string, unknown> {
  const {
    id,
    name,
    tags,
    createdOn,
    modifiedOn,
    subdomain,
    schedules,
    logpush,
    observability,
    migrationTag,
    previewsBaseConfig,
  } = worker;
  const serving = servingVersion(world, worker.id);
  return {
    id,
    name,
    tag: id,
    tags,
    createdOn,
    modifiedOn,
    subdomain,
    schedules: schedules.map((schedule) => schedule.cron),
    logpush,
    observability,
    migrationTag,
    previewsBaseConfig,
    annotations: serving?.annotations ?? {},
    versions: (world.versions.get(worker.id) ?? []).map((version) => version.id),
    deployment: activeDeployment(world, worker.id),
    previews: previews(world, worker),
    ...code(serving),
  };
}

/** Everything that exists, secrets in plain text: for oracles. */
export function describeState(world: World): unknown {
  const { accounts, zones } = world.options;
  return {
    accounts: accounts.map((account) => ({
      id: account.id,
      name: account.name,
      workersSubdomain: accountSubdomain(world, account.id),
      scripts: world.workers
        .values()
        .filter((worker) => worker.accountId === account.id)
        .map((worker) => script(world, worker)),
      domains: world.domains.values().filter((domain) => domain.accountId === account.id),
      kv: world.namespaces
        .values()
        .filter((namespace) => namespace.accountId === account.id)
        .map(({ id, title }) => ({ id, title })),
      r2: world.buckets.values().filter((bucket) => bucket.accountId === account.id),
    })),
    zones: zones.map((zone) => ({
      ...zone,
      routes: world.routes.values().filter((route) => route.zoneId === zone.id),
    })),
    tags: world.tags.values(),
  };
}
