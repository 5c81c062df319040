import type { Hono } from "hono";
import { z } from "zod";
import type { SandboxHono } from "../core/provider.ts";
import { failure, readJson, success } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import type { CustomDomain, Route, ZoneOptions } from "./model.ts";
import { requireScript, workerKey } from "./world.ts";
import type { World } from "./world.ts";

const routeSchema = z.looseObject({ pattern: z.string(), script: z.string().nullish() });

function describeRoute(route: Route): Record<string, unknown> {
  return { id: route.id, pattern: route.pattern, ...(route.script === null ? {} : { script: route.script }) };
}

function zoneOf(world: World, c: CloudflareRequest): ZoneOptions {
  const zone = world.options.zones.find((candidate) => candidate.id === c.req.param("zone"));
  if (!zone)
    throw failure(404, 7003, `Could not route to ${c.req.path}, perhaps your object identifier is invalid?`);
  return zone;
}

function checkRoute(
  world: World,
  zone: ZoneOptions,
  wanted: z.output<typeof routeSchema>,
  self?: string,
): void {
  const host = /^(?:https?:\/\/)?([^/]+)(\/.*)?$/.exec(wanted.pattern)?.[1];
  const bare = host?.replace(/^\*\.?/, "");
  const inside = bare !== undefined && (bare === zone.name || bare.endsWith(`.${zone.name}`));
  if (!inside || /[?#\s]/.test(wanted.pattern) || /.\*./.test(host ?? "")) {
    throw failure(400, 10022, `Invalid route pattern '${wanted.pattern}' for zone ${zone.name}.`);
  }
  if (
    world.routes
      .values()
      .some((route) => route.zoneId === zone.id && route.pattern === wanted.pattern && route.id !== self)
  ) {
    throw failure(409, 10020, "A route with the same pattern already exists.");
  }
  if (wanted.script && !world.workers.seen(workerKey(zone.accountId, wanted.script), "script")) {
    throw failure(404, 10019, `The script '${wanted.script}' of this route does not exist.`);
  }
}

function requireRoute(world: World, c: CloudflareRequest): Route {
  const zone = zoneOf(world, c);
  const route = world.routes.seen(c.req.param("route") ?? "", "route");
  if (!route || route.zoneId !== zone.id) throw failure(404, 10009, "Route not found.");
  return route;
}

/** Worker routes of zones. */
export function zoneRouteRoutes(app: Hono<SandboxHono>, world: World): void {
  const base = "/zones/:zone/workers/routes";
  app.get(base, (c) => {
    const zone = zoneOf(world, c);
    const routes = world.routes.seenEntries("route").map(([, route]) => route);
    return success(routes.filter((route) => route.zoneId === zone.id).map(describeRoute));
  });
  app.post(base, async (c) => {
    const zone = zoneOf(world, c);
    const wanted = await readJson(c, routeSchema, 10022);
    checkRoute(world, zone, wanted);
    const route = {
      id: world.identifier(),
      zoneId: zone.id,
      pattern: wanted.pattern,
      script: wanted.script ?? null,
    };
    world.routes.set(route.id, route);
    c.env.changed = true;
    return success(describeRoute(route));
  });
  app.get(`${base}/:route`, (c) => success(describeRoute(requireRoute(world, c))));
  app.put(`${base}/:route`, async (c) => {
    const route = requireRoute(world, c);
    const wanted = await readJson(c, routeSchema, 10022);
    checkRoute(world, zoneOf(world, c), wanted, route.id);
    const updated = { ...route, pattern: wanted.pattern, script: wanted.script ?? null };
    world.routes.set(route.id, updated);
    c.env.changed = true;
    return success(describeRoute(updated));
  });
  app.delete(`${base}/:route`, (c) => {
    const route = requireRoute(world, c);
    world.routes.delete(route.id);
    c.env.changed = true;
    return success({ id: route.id });
  });
}

function describeDomain(domain: CustomDomain): Record<string, unknown> {
  return {
    id: domain.id,
    hostname: domain.hostname,
    service: domain.service,
    environment: domain.environment,
    zone_id: domain.zoneId,
    zone_name: domain.zoneName,
    cert_id: domain.certId,
    production_enabled: domain.productionEnabled,
    previews_enabled: domain.previewsEnabled,
    enabled: domain.productionEnabled,
  };
}

const domainSchema = z.looseObject({
  hostname: z
    .string()
    .regex(
      /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/i,
      "must be a host name",
    ),
  service: z.string(),
  zone_id: z.string().optional(),
  zone_name: z.string().optional(),
  environment: z.string().optional(),
  production_enabled: z.boolean().optional(),
  previews_enabled: z.boolean().optional(),
});

async function putDomain(world: World, c: CloudflareRequest): Promise<Response> {
  const account = c.req.param("account") ?? "";
  const wanted = await readJson(c, domainSchema, 10021);
  const hostname = wanted.hostname.toLowerCase();
  const zone = world.options.zones
    .filter((candidate) => candidate.accountId === account)
    .filter((candidate) => hostname === candidate.name || hostname.endsWith(`.${candidate.name}`))
    .toSorted((a, b) => b.name.length - a.name.length)[0];
  if (
    !zone ||
    (wanted.zone_id !== undefined && wanted.zone_id !== zone.id) ||
    (wanted.zone_name !== undefined && wanted.zone_name !== zone.name)
  ) {
    throw failure(
      404,
      100112,
      `The hostname '${hostname}' is in no zone of this account that the request names.`,
    );
  }
  const worker = requireScript(world, account, wanted.service, "domain");
  const existing = world.domains.values().find((domain) => domain.hostname === hostname);
  if (existing && (existing.accountId !== account || existing.service !== worker.name)) {
    throw failure(
      409,
      100116,
      `The hostname '${hostname}' is already in use by Worker '${existing.service}'.`,
    );
  }
  if (!existing && zone.dnsRecords?.includes(hostname) === true) {
    throw failure(
      409,
      100117,
      `Hostname '${hostname}' already has externally managed DNS records (A, CNAME, etc). Delete them first or try a different hostname.`,
    );
  }
  const domain: CustomDomain = {
    id: existing?.id ?? world.identifier(),
    accountId: account,
    hostname,
    service: worker.name,
    environment: wanted.environment ?? "production",
    zoneId: zone.id,
    zoneName: zone.name,
    certId: existing?.certId ?? world.context.random.uuid(),
    productionEnabled: wanted.production_enabled ?? true,
    previewsEnabled: wanted.previews_enabled ?? false,
  };
  world.domains.set(domain.id, domain);
  c.env.changed = true;
  return success(describeDomain(domain));
}

function requireDomain(world: World, c: CloudflareRequest): CustomDomain {
  const domain = world.domains.seen(c.req.param("domain") ?? "", "domain");
  if (!domain || domain.accountId !== c.req.param("account"))
    throw failure(404, 100114, "Custom domain not found.");
  return domain;
}

/** Custom domains of Workers. */
export function domainRoutes(app: Hono<SandboxHono>, world: World): void {
  const base = "/accounts/:account/workers/domains";
  app.get(base, (c) => {
    const filters = ["hostname", "service", "zone_id", "zone_name", "environment"] as const;
    const domains = world.domains
      .seenEntries("domain")
      .map(([, domain]) => domain)
      .filter((domain) => domain.accountId === c.req.param("account"))
      .map(describeDomain)
      .filter((domain) =>
        filters.every((name) => c.req.query(name) === undefined || c.req.query(name) === domain[name]),
      );
    return success(domains);
  });
  app.put(base, (c) => putDomain(world, c));
  app.get(`${base}/:domain`, (c) => success(describeDomain(requireDomain(world, c))));
  app.delete(`${base}/:domain`, (c) => {
    const domain = requireDomain(world, c);
    world.domains.delete(domain.id);
    c.env.changed = true;
    return success({ id: domain.id });
  });
}
