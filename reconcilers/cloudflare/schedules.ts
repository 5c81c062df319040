/**
 * Cron triggers of a Worker. All of them are ours: Cloudflare replaces the whole list. They lie in the Worker and no list
 * tells them, so they are compared at deep looks.
 */
import { z } from "zod";
import type {
  FieldChange,
  Observation,
  ResourceContext,
  ResourceDefinition,
  WriteResult,
} from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { isAbsence } from "./failures.ts";
import { NOT_KNOWN_YET, SCRIPT_ABSENT, scriptPath } from "./scripts.ts";
import type { SchedulesDesired, SchedulesObserved } from "./types.ts";

type Context = ResourceContext<CloudflareClient>;

const schedulesSchema = z.looseObject({ schedules: z.array(z.looseObject({ cron: z.string() })).nullish() });

/** Cron expressions that mean the same have one text: single spaces, upper-case names, sorted, each once. */
function normal(crons: readonly string[]): string[] {
  return [...new Set(crons.map((cron) => cron.trim().replaceAll(/\s+/g, " ").toUpperCase()))].sort();
}

async function read(context: Context, accountId: string, scriptName: string): Promise<string[] | undefined> {
  try {
    const answer = await context.client.call({
      method: "GET",
      path: `${scriptPath(accountId, scriptName)}/schedules`,
      result: schedulesSchema,
      purpose: {
        what: `reading the schedules of the Worker ${scriptName}`,
        permission: "Workers Scripts: Read",
      },
      signal: context.signal,
    });
    return (answer.result.schedules ?? []).map((schedule) => schedule.cron);
  } catch (error) {
    if (isAbsence(error, SCRIPT_ABSENT)) return undefined;
    throw error;
  }
}

async function observe(
  reference: { scope: string; name: string },
  context: Context,
): Promise<Observation<SchedulesObserved>> {
  const { entry } = context;
  const deep = context.depth === "deep" || context.fresh || entry?.id === undefined;
  const base = { state: "present" as const, id: reference.name, owner: "unmarked" as const };
  if (!deep) return { ...base, observed: { crons: undefined }, depth: "shallow" };
  const crons = await read(context, reference.scope, reference.name);
  const removing = entry?.state === "deleting";
  if (removing && (crons ?? []).length === 0) return { state: "absent" };
  if (!crons) return { ...base, observed: { crons: undefined }, depth: "deep", pending: NOT_KNOWN_YET };
  return { ...base, observed: { crons }, depth: "deep" };
}

async function write(
  accountId: string,
  scriptName: string,
  crons: readonly string[],
  context: Context,
): Promise<WriteResult<SchedulesObserved>> {
  await context.client.call({
    method: "PUT",
    path: `${scriptPath(accountId, scriptName)}/schedules`,
    json: crons.map((cron) => ({ cron })),
    result: z.unknown(),
    purpose: {
      what: `setting the schedules of the Worker ${scriptName}`,
      permission: "Workers Scripts: Edit",
      field: "spec.cloudflare.workers[].crons",
    },
    signal: context.signal,
  });
  return { id: scriptName };
}

export const schedules: ResourceDefinition<SchedulesDesired, SchedulesObserved, CloudflareClient> =
  Object.freeze({
    provider: "cloudflare",
    type: "schedules",
    segment: "cloudflareSchedules",
    holds: "nothing",
    ownership: "inherited",
    content: true,
    fields: Object.freeze({ crons: "deep" }),
    reference: (desired: SchedulesDesired) => ({ scope: desired.accountId, name: desired.scriptName }),
    observe,
    diff: (desired: SchedulesDesired, observed: SchedulesObserved): FieldChange[] => {
      if (observed.crons === undefined) return [];
      const from = normal(observed.crons).join("; ");
      const to = normal(desired.crons).join("; ");
      return from === to ? [] : [{ field: "crons", effect: "in-place", from, to }];
    },
    create: (desired: SchedulesDesired, context: Context) =>
      write(desired.accountId, desired.scriptName, desired.crons, context),
    update: (desired: SchedulesDesired, _observed: SchedulesObserved, _changes: unknown, context: Context) =>
      write(desired.accountId, desired.scriptName, desired.crons, context),
    remove: async (reference: { scope: string; name: string }, context: Context): Promise<void> => {
      try {
        await write(reference.scope, reference.name, [], context);
      } catch (error) {
        if (!isAbsence(error, SCRIPT_ABSENT)) throw error;
      }
    },
    outputs: () => ({}),
  });
