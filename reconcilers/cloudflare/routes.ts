/**
 * Routes that lead to a Worker. One listing for each zone serves every Worker with routes in it. A pattern that leads to
 * another Worker is a conflict, unless we wrote it and somebody moved it; routes of others to our Worker stay.
 */
import { z } from "zod";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type {
  FieldChange,
  InventoryEntry,
  Observation,
  Reference,
  ResourceContext,
  ResourceDefinition,
  WriteResult,
} from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { segment } from "./client.ts";
import { applyOperations, rememberedUnder } from "./ensured-set.ts";
import type { SetOperation } from "./ensured-set.ts";
import { isAbsence } from "./failures.ts";
import { sharedList } from "./listing.ts";
import { readList } from "./paging.ts";
import type { ObservedRoute, RoutesDesired, RoutesObserved } from "./types.ts";
import { zoneId } from "./zones.ts";

type Context = ResourceContext<CloudflareClient>;

const FIELD = "spec.cloudflare.workers[].routes";
const ROUTE = "route.";
const PERMISSION = "Workers Routes: Edit";

const routeSchema = z.looseObject({ id: z.string(), pattern: z.string(), script: z.string().nullish() });

const zoneOf = (name: string): string => name.toLowerCase().replace(/\.$/, "");
const keyOf = (zone: string, pattern: string): string => `${zoneOf(zone)} ${pattern}`;

/** The reference names the zones, because routes lie in zones and nothing else says where to look for them. */
function referenceOf(desired: RoutesDesired): Reference {
  const zones = [...new Set(desired.routes.map((route) => zoneOf(route.zone)))].sort();
  return { scope: desired.accountId, name: [desired.scriptName, ...zones].join(" ") };
}

function parseReference(reference: Pick<Reference, "name">): { scriptName: string; zones: string[] } {
  const [scriptName = "", ...zones] = reference.name.split(" ");
  return { scriptName, zones };
}

/** Routes that we wrote: `<zone> <pattern>` -> `<zone id>/<route id>`. */
const written = (entry: InventoryEntry | undefined): Map<string, string> =>
  rememberedUnder(entry?.data, ROUTE);

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
  const known = [...written(context.entry).keys()].map((key) => key.split(" ")[0] ?? "");
  const all = [...new Set([...zones, ...known])].sort();
  const routes = (await Promise.all(all.map((zone) => readZone(context, reference.scope, zone)))).flat();
  if (context.entry?.state === "deleting" && removable(routes, scriptName, context.entry).length === 0)
    return { state: "absent" };
  return { state: "present", id: scriptName, owner: "unmarked", observed: { routes }, depth: "deep" };
}

/** What removal takes away: what we wrote, as long as it leads to our Worker; without memory, all that does. */
function removable(
  routes: readonly ObservedRoute[],
  scriptName: string,
  entry: InventoryEntry | undefined,
): ObservedRoute[] {
  const ours = written(entry);
  return routes.filter(
    (route) =>
      route.script === scriptName &&
      (entry?.data === undefined || ours.has(keyOf(route.zone, route.pattern))),
  );
}

/** Routes that we wrote, that left the spec, and that still lead to our Worker. */
function leftovers(
  desired: RoutesDesired,
  observed: RoutesObserved,
  entry: InventoryEntry | undefined,
): ObservedRoute[] {
  const wanted = new Set(desired.routes.map((route) => keyOf(route.zone, route.pattern)));
  const ours = written(entry);
  return observed.routes.filter((route) => {
    const key = keyOf(route.zone, route.pattern);
    return route.script === desired.scriptName && ours.has(key) && !wanted.has(key);
  });
}

function diff(
  desired: RoutesDesired,
  observed: RoutesObserved,
  entry: InventoryEntry | undefined,
): FieldChange[] {
  const byKey = new Map(observed.routes.map((route) => [keyOf(route.zone, route.pattern), route] as const));
  const changes = desired.routes.flatMap((route): FieldChange[] => {
    const found = byKey.get(keyOf(route.zone, route.pattern));
    if (found?.script === desired.scriptName) return [];
    const from = found ? { from: found.script ?? "no Worker" } : {};
    return [{ field: `routes.${route.pattern}`, effect: "in-place", ...from, to: desired.scriptName }];
  });
  const gone = leftovers(desired, observed, entry).map((route): FieldChange => ({
    field: `routes.${route.pattern}`,
    effect: "in-place",
    from: desired.scriptName,
  }));
  return [...changes, ...gone].toSorted((a, b) => (a.field < b.field ? -1 : 1));
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

function ensureRoute(
  desired: RoutesDesired,
  route: { pattern: string; zone: string },
  found: ObservedRoute | undefined,
  context: Context,
): SetOperation {
  const key = keyOf(route.zone, route.pattern);
  return {
    run: async (remember) => {
      if (found && !written(context.entry).has(key)) {
        throw new FlaresmithError({
          code: "INTEGRATION_NAME_CONFLICT",
          message: `the route ${route.pattern} in the zone ${route.zone} ${found.script === undefined ? "switches Workers off" : `leads to the Worker ${found.script}`}`,
          hint: "Delete that route in Cloudflare's dashboard, or choose another pattern.",
          field: FIELD,
          context: { provider: "cloudflare" },
        });
      }
      const zone = await zoneId(context, { accountId: desired.accountId, zone: route.zone, field: FIELD });
      const { result } = await context.client.call({
        method: found ? "PUT" : "POST",
        path: routePath(zone, found?.id),
        json: { pattern: route.pattern, script: desired.scriptName },
        result: z.looseObject({ id: z.string() }),
        purpose: {
          what: `writing the route ${route.pattern} in the zone ${route.zone}`,
          permission: PERMISSION,
          field: FIELD,
        },
        signal: context.signal,
      });
      remember.set(`${ROUTE}${key}`, `${zone}/${result.id}`);
    },
  };
}

function write(
  desired: RoutesDesired,
  observed: RoutesObserved,
  context: Context,
): Promise<WriteResult<RoutesObserved>> {
  const byKey = new Map(observed.routes.map((route) => [keyOf(route.zone, route.pattern), route] as const));
  const ensured = desired.routes.flatMap((route): SetOperation[] => {
    const found = byKey.get(keyOf(route.zone, route.pattern));
    return found?.script === desired.scriptName ? [] : [ensureRoute(desired, route, found, context)];
  });
  const removed = leftovers(desired, observed, context.entry).map((route): SetOperation => ({
    run: async (remember) => {
      await deleteRoute(context, route);
      remember.delete(`${ROUTE}${keyOf(route.zone, route.pattern)}`);
    },
  }));
  return applyOperations([...ensured, ...removed], { id: desired.scriptName, data: context.entry?.data });
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
  diff,
  create: (desired: RoutesDesired, context: Context) => write(desired, { routes: [] }, context),
  update: (desired: RoutesDesired, observed: RoutesObserved, _changes: unknown, context: Context) =>
    write(desired, observed, context),
  remove: async (reference: Reference, context: Context): Promise<void> => {
    const { scriptName } = parseReference(reference);
    const observation = await observe(reference, { ...context, fresh: true });
    if (observation.state !== "present") return;
    for (const route of removable(observation.observed.routes, scriptName, context.entry))
      await deleteRoute(context, route);
  },
  outputs: () => ({}),
});
