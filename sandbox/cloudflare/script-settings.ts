import type { Hono } from "hono";
import { z } from "zod";
import type { SandboxHono } from "../core/provider.ts";
import { maskBinding, resolveBindings } from "./bindings.ts";
import { failure, parseJson, readJson, success } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import type { Version, Worker } from "./model.ts";
import { multipartBoundary } from "./multipart.ts";
import { checkMetadata, splitParts } from "./upload.ts";
import { currentWorker, accountSubdomain, requireScript, servingVersion } from "./world.ts";
import type { World } from "./world.ts";
import { latestVersion, redeployWith, saveWorker, uploadSource } from "./worker-store.ts";

function script(world: World, c: CloudflareRequest, resource?: string): Worker {
  const found = requireScript(world, c.req.param("account") ?? "", c.req.param("name") ?? "", resource);
  return c.req.method === "GET" ? found : currentWorker(world, found);
}

function scriptLevel(worker: Worker): Record<string, unknown> {
  return {
    tags: worker.tags,
    logpush: worker.logpush,
    tail_consumers: worker.tailConsumers,
    ...(worker.observability === undefined ? {} : { observability: worker.observability }),
  };
}

function settingsOf(worker: Worker, version: Version | undefined): Record<string, unknown> {
  return {
    ...scriptLevel(worker),
    bindings: (version?.bindings ?? []).map(maskBinding),
    compatibility_date: version?.compatibilityDate ?? "",
    compatibility_flags: version?.compatibilityFlags ?? [],
    usage_model: version?.usageModel ?? "standard",
    placement: version?.placement ?? {},
    limits: version?.limits ?? {},
    annotations: version?.annotations ?? {},
    ...(worker.migrationTag === undefined ? {} : { migration_tag: worker.migrationTag }),
  };
}

async function patchSettings(world: World, c: CloudflareRequest): Promise<Response> {
  const worker = script(world, c);
  const contentType = c.req.header("content-type") ?? "";
  const boundary = multipartBoundary(contentType);
  let given: unknown;
  if (boundary === undefined) given = parseJson(await c.req.text());
  else {
    const part = splitParts(new Uint8Array(await c.req.arrayBuffer()), boundary).find(
      (candidate) => candidate.name === "settings",
    );
    if (!part)
      throw failure(
        400,
        10021,
        "Missing settings part: the request must have a part named 'settings' that holds JSON.",
      );
    given = parseJson(Buffer.from(part.bytes).toString("utf8"));
  }
  const metadata = checkMetadata(given);
  const about = { source: uploadSource(c.req.header("user-agent")), triggeredBy: "upload", what: "Setting" };
  const changed = { ...worker, ...pickScriptLevel(metadata) };
  redeployWith(
    world,
    changed,
    (latest) => ({
      ...(metadata.bindings === undefined
        ? {}
        : {
            bindings: resolveBindings(world, {
              accountId: worker.accountId,
              script: worker.name,
              requested: metadata.bindings,
              previous: latest.bindings,
              keep: metadata.keep_bindings ?? [],
              strict: true,
              durableObjectClasses: worker.durableObjectClasses,
            }),
          }),
      ...(metadata.compatibility_date === undefined
        ? {}
        : { compatibilityDate: metadata.compatibility_date }),
      ...(metadata.compatibility_flags === undefined
        ? {}
        : { compatibilityFlags: metadata.compatibility_flags }),
      ...(metadata.limits === undefined ? {} : { limits: metadata.limits }),
      ...(metadata.placement === undefined ? {} : { placement: metadata.placement }),
    }),
    about,
  );
  c.env.changed = true;
  return success(settingsOf(script(world, c), servingVersion(world, worker.id)));
}

const scriptLevelSchema = z.looseObject({
  tags: z.array(z.string()).nullish(),
  logpush: z.boolean().nullish(),
  observability: z.looseObject({ enabled: z.boolean() }).nullish(),
  tail_consumers: z.array(z.looseObject({ service: z.string() })).nullish(),
});

function pickScriptLevel(given: z.output<typeof scriptLevelSchema>): Partial<Worker> {
  return {
    ...(given.tags === undefined ? {} : { tags: given.tags ?? [] }),
    ...(given.logpush === undefined ? {} : { logpush: given.logpush ?? false }),
    ...(given.observability ? { observability: given.observability } : {}),
    ...(given.tail_consumers === undefined ? {} : { tailConsumers: given.tail_consumers ?? [] }),
  };
}

async function patchScriptSettings(world: World, c: CloudflareRequest): Promise<Response> {
  const worker = script(world, c);
  const given = await readJson(c, scriptLevelSchema, 10021);
  const saved = saveWorker(world, { ...worker, ...pickScriptLevel(given) });
  c.env.changed = true;
  return success(scriptLevel(saved));
}

const cronField = /^[\d*,/\-A-Za-z#?]+$/;

async function putSchedules(world: World, c: CloudflareRequest): Promise<Response> {
  const worker = script(world, c);
  const wanted = await readJson(c, z.array(z.looseObject({ cron: z.string() })), 10021);
  for (const { cron } of wanted) {
    const fields = cron.trim().split(/\s+/);
    if (fields.length !== 5 || !fields.every((field) => cronField.test(field))) {
      throw failure(400, 10100, `invalid cron string: ${cron}`);
    }
  }
  const now = world.timestamp();
  const schedules = [...new Set(wanted.map((schedule) => schedule.cron))].map((cron) => ({
    cron,
    createdOn: worker.schedules.find((known) => known.cron === cron)?.createdOn ?? now,
    modifiedOn: now,
  }));
  const saved = { ...worker, schedules };
  world.workers.set(`${worker.accountId}/${worker.name}`, saved);
  c.env.changed = true;
  return success({ schedules: describeSchedules(saved) });
}

function describeSchedules(worker: Worker): unknown[] {
  return worker.schedules.map(({ cron, createdOn, modifiedOn }) => ({
    cron,
    created_on: createdOn,
    modified_on: modifiedOn,
  }));
}

async function postSubdomain(world: World, c: CloudflareRequest): Promise<Response> {
  const worker = script(world, c, "subdomain");
  const schema = z.looseObject({ enabled: z.boolean(), previews_enabled: z.boolean().optional() });
  const wanted = await readJson(c, schema, 10021);
  if (wanted.enabled && accountSubdomain(world, worker.accountId) === null) {
    throw failure(
      400,
      10063,
      "You need a workers.dev subdomain in order to proceed. Please go to the Workers dashboard to create one.",
    );
  }
  const subdomain = { enabled: wanted.enabled, previewsEnabled: wanted.previews_enabled ?? wanted.enabled };
  world.workers.set(`${worker.accountId}/${worker.name}`, { ...worker, subdomain });
  c.env.changed = true;
  return success({ enabled: subdomain.enabled, previews_enabled: subdomain.previewsEnabled });
}

async function putAccountSubdomain(world: World, c: CloudflareRequest): Promise<Response> {
  const account = c.req.param("account") ?? "";
  const { subdomain } = await readJson(c, z.looseObject({ subdomain: z.string() }), 10021);
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(subdomain))
    throw failure(400, 10031, "Subdomain is invalid.");
  const taken = world.subdomains
    .entries()
    .some(([other, known]) => other !== account && known.subdomain === subdomain);
  if (taken) throw failure(409, 10032, "Subdomain is unavailable, please try a different subdomain.");
  if (accountSubdomain(world, account) !== null)
    throw failure(409, 10036, "Account already has an associated subdomain.");
  world.subdomains.set(account, { subdomain });
  c.env.changed = true;
  return success({ subdomain });
}

/** Settings, cron triggers and workers.dev switches of scripts, and the account's subdomain. */
export function scriptSettingsRoutes(app: Hono<SandboxHono>, world: World): void {
  const base = "/accounts/:account/workers/scripts/:name";
  app.get(`${base}/settings`, (c) => {
    const worker = script(world, c);
    return success(settingsOf(worker, servingVersion(world, worker.id) ?? latestVersion(world, worker.id)));
  });
  app.patch(`${base}/settings`, (c) => patchSettings(world, c));
  app.get(`${base}/script-settings`, (c) => success(scriptLevel(script(world, c))));
  app.patch(`${base}/script-settings`, (c) => patchScriptSettings(world, c));
  app.get(`${base}/schedules`, (c) => success({ schedules: describeSchedules(script(world, c)) }));
  app.put(`${base}/schedules`, (c) => putSchedules(world, c));
  app.get(`${base}/subdomain`, (c) => {
    const { subdomain } = script(world, c, "subdomain");
    return success({ enabled: subdomain.enabled, previews_enabled: subdomain.previewsEnabled });
  });
  app.post(`${base}/subdomain`, (c) => postSubdomain(world, c));
  app.delete(`${base}/subdomain`, (c) => {
    const worker = script(world, c, "subdomain");
    world.workers.set(`${worker.accountId}/${worker.name}`, {
      ...worker,
      subdomain: { enabled: false, previewsEnabled: false },
    });
    c.env.changed = true;
    return success({ enabled: false, previews_enabled: false });
  });
  app.get("/accounts/:account/workers/subdomain", (c) => {
    const subdomain = accountSubdomain(world, c.req.param("account"));
    if (subdomain === null) throw failure(404, 10007, "There is no workers.dev subdomain on your account.");
    return success({ subdomain });
  });
  app.put("/accounts/:account/workers/subdomain", (c) => putAccountSubdomain(world, c));
}
