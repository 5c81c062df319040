/**
 * Routes that lead to a Worker. One listing for each zone serves every Worker with routes in it. A pattern that leads to
 * another Worker is a conflict, unless we wrote it and somebody moved it; routes of others to our Worker stay.
 */
import { z } from "zod";
import { FlaresmithError, isFlaresmithError } from "../../controller/runtime/errors.ts";
import type {
  InventoryEntry,
  Observation,
  Reference,
  ResourceContext,
  ResourceDefinition,
  WriteResult,
} from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { segment } from "./client.ts";
import { claimAddresses, diffAddresses, removable, writeAddresses, writtenAddresses } from "./addresses.ts";
import type { AddressKind } from "./addresses.ts";
import { isAbsence } from "./failures.ts";
import { sharedList } from "./listing.ts";
import { readList } from "./paging.ts";
import type { ObservedRoute, RoutesDesired, RoutesObserved } from "./types.ts";
import { zoneId } from "./zones.ts";

type Context = ResourceContext<CloudflareClient>;

const FIELD = "spec.cloudflare.workers[].routes";
const PERMISSION = "Workers Routes: Edit";

const routeSchema = z.looseObject({ id: z.string(), pattern: z.string(), script: z.string().nullish() });

const zoneOf = (name: string): string => name.toLowerCase().replace(/\.$/, "");

/** The reference names the zones, because routes lie in zones and nothing else says where to look for them. */
function referenceOf(desired: RoutesDesired): Reference {
  const zones = [...new Set(desired.routes.map((route) => zoneOf(route.zone)))].sort();
  return { scope: desired.accountId, name: [desired.scriptName, ...zones].join(" ") };
}

function parseReference(reference: Pick<Reference, "name">): { scriptName: string; zones: string[] } {
  const [scriptName = "", ...zones] = reference.name.split(" ");
  return { scriptName, zones };
}

type Route = RoutesDesired["routes"][number];

/** Remembered as `<zone> <pattern>` -> `<zone id>/<route id>`. */
const kind: AddressKind<Route, ObservedRoute> = Object.freeze({
  field: "routes",
  prefix: "route.",
  keyOf: ({ pattern, zone }: Route) => `${zoneOf(zone)} ${pattern}`,
  nameOf: ({ pattern }: Route) => pattern,
  scriptOf: ({ script }: ObservedRoute) => script,
});

const wantedOf = (desired: RoutesDesired): { scriptName: string; addresses: readonly Route[] } => ({
  scriptName: desired.scriptName,
  addresses: desired.routes,
});

async function readZone(context: Context, accountId: string, zone: string): Promise<ObservedRoute[]> {
  const id = await zoneId(context, { accountId, zone, field: FIELD });
  const load = (): Promise<z.output<typeof routeSchema>[]> =>
    readList(context.client, {
      path: `/zones/${segment(id)}/workers/routes`,
      item: routeSchema,
      purpose: {
        what: `listing the Worker routes of the zone ${zone}`,
        permission: "Workers Routes: Read",
        field: FIELD,
      },
      signal: context.signal,
    });
  const routes = await sharedList(context, `routes:${id}`, load);
  return routes.map((route) => ({
    id: route.id,
    zoneId: id,
    zone,
    pattern: route.pattern,
    script: route.script ?? undefined,
  }));
}

async function observe(reference: Reference, context: Context): Promise<Observation<RoutesObserved>> {
  const { scriptName, zones } = parseReference(reference);
  const known = [...writtenAddresses(kind, context.entry).keys()].map((key) => key.split(" ")[0] ?? "");
  const all = [...new Set([...zones, ...known])].sort();
  const read = (zone: string): Promise<ObservedRoute[]> =>
    readZone(context, reference.scope, zone).catch((error: unknown) => {
      // Nobody names it any more, and with a zone its routes leave the account.
      if (!zones.includes(zone) && isFlaresmithError(error, "SPEC_REFERENCE_MISSING")) return [];
      throw error;
    });
  const routes = (await Promise.all(all.map(read))).flat();
  if (context.entry?.state === "deleting" && removable(kind, routes, scriptName, context.entry).length === 0)
    return { state: "absent" };
  return { state: "present", id: scriptName, owner: "unmarked", observed: { routes }, depth: "deep" };
}

function routePath(zone: string, route?: string): string {
  return `/zones/${segment(zone)}/workers/routes${route === undefined ? "" : `/${segment(route)}`}`;
}

async function deleteRoute(
  context: Context,
  route: { id: string; zoneId: string; pattern: string },
): Promise<void> {
  try {
    await context.client.call({
      method: "DELETE",
      path: routePath(route.zoneId, route.id),
      result: z.unknown(),
      purpose: { what: `deleting the route ${route.pattern}`, permission: PERMISSION, field: FIELD },
      signal: context.signal,
    });
  } catch (error) {
    if (!isAbsence(error, [10009])) throw error;
  }
}

/** @returns `<zone id>/<route id>` @throws FlaresmithError INTEGRATION_NAME_CONFLICT for a route that we never wrote */
async function ensureRoute(
  desired: RoutesDesired,
  route: Route,
  taken: ObservedRoute | undefined,
  context: Context,
): Promise<string> {
  // What was only claimed is empty: somebody else may have been first.
  if (taken && !writtenAddresses(kind, context.entry).get(kind.keyOf(route))) {
    throw new FlaresmithError({
      code: "INTEGRATION_NAME_CONFLICT",
      message: `the route ${route.pattern} in the zone ${route.zone} ${taken.script === undefined ? "switches Workers off" : `leads to the Worker ${taken.script}`}`,
      hint: "Delete that route in Cloudflare's dashboard, or choose another pattern.",
      field: FIELD,
      context: { provider: "cloudflare" },
    });
  }
  const zone = await zoneId(context, { accountId: desired.accountId, zone: route.zone, field: FIELD });
  const { result } = await context.client.call({
    method: taken ? "PUT" : "POST",
    path: routePath(zone, taken?.id),
    json: { pattern: route.pattern, script: desired.scriptName },
    result: z.looseObject({ id: z.string() }),
    purpose: {
      what: `writing the route ${route.pattern} in the zone ${route.zone}`,
      permission: PERMISSION,
      field: FIELD,
    },
    signal: context.signal,
  });
  return `${zone}/${result.id}`;
}

function write(
  desired: RoutesDesired,
  observed: RoutesObserved,
  context: Context,
): Promise<WriteResult<RoutesObserved>> {
  return writeAddresses(kind, wantedOf(desired), observed.routes, context, {
    ensure: (route, taken) => ensureRoute(desired, route, taken, context),
    drop: (route) => deleteRoute(context, route),
  });
}

export const routes: ResourceDefinition<RoutesDesired, RoutesObserved, CloudflareClient> = Object.freeze({
  provider: "cloudflare",
  type: "routes",
  segment: "cloudflareRoutes",
  holds: "nothing",
  ownership: "inherited",
  content: true,
  fields: Object.freeze({ routes: "shallow" }),
  reference: referenceOf,
  observe,
  diff: (desired: RoutesDesired, observed: RoutesObserved, entry: InventoryEntry | undefined) =>
    diffAddresses(kind, wantedOf(desired), observed.routes, entry),
  claim: (desired: RoutesDesired, observed: RoutesObserved | undefined, entry: InventoryEntry | undefined) =>
    claimAddresses(kind, wantedOf(desired), observed?.routes ?? [], entry),
  create: (desired: RoutesDesired, context: Context) => write(desired, { routes: [] }, context),
  update: (desired: RoutesDesired, observed: RoutesObserved, _changes: unknown, context: Context) =>
    write(desired, observed, context),
  remove: async (reference: Reference, context: Context): Promise<void> => {
    const { scriptName } = parseReference(reference);
    const observation = await observe(reference, { ...context, fresh: true });
    if (observation.state !== "present") return;
    for (const route of removable(kind, observation.observed.routes, scriptName, context.entry))
      await deleteRoute(context, route);
  },
  outputs: () => ({}),
});
