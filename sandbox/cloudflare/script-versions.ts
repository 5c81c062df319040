import type { Hono } from "hono";
import { z } from "zod";
import type { SandboxHono } from "../core/provider.ts";
import { maskBinding } from "./bindings.ts";
import { failure, readJson, success } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import type { Binding, Deployment, Version, Worker } from "./model.ts";
import { slicePage } from "./paging.ts";
import { readUpload } from "./upload.ts";
import { currentWorker, activeDeployment, requireScript } from "./world.ts";
import type { World } from "./world.ts";
import {
  addDeployment,
  addVersion,
  applyMetadata,
  buildRunnable,
  latestVersion,
  saveWorker,
  uploadSource,
} from "./worker-store.ts";

/** Only this many newest versions can be deployed (Cloudflare changelog 2025-09-11). */
const deployableVersions = 100;

function script(world: World, c: CloudflareRequest): Worker {
  const found = requireScript(world, c.req.param("account") ?? "", c.req.param("name") ?? "");
  return c.req.method === "GET" ? found : currentWorker(world, found);
}

function summary(version: Version): Record<string, unknown> {
  return {
    id: version.id,
    number: version.number,
    metadata: {
      created_on: version.createdOn,
      modified_on: version.createdOn,
      source: version.source,
      hasPreview: false,
    },
    annotations: version.annotations,
  };
}

function detail(version: Version): Record<string, unknown> {
  return {
    ...summary(version),
    resources: {
      bindings: version.bindings.map(maskBinding),
      script: { etag: version.etag, handlers: version.handlers, last_deployed_from: version.source },
      script_runtime: {
        compatibility_date: version.compatibilityDate ?? "",
        compatibility_flags: version.compatibilityFlags,
        usage_model: version.usageModel,
        ...(version.limits === undefined ? {} : { limits: version.limits }),
      },
    },
    startup_time_ms: 5,
  };
}

async function postVersion(world: World, c: CloudflareRequest): Promise<Response> {
  const worker = script(world, c);
  const upload = await readUpload(c);
  const id = world.context.random.uuid();
  const previous = latestVersion(world, worker.id);
  const strict = c.req.query("bindings_inherit") === "strict";
  const userAgent = c.req.header("user-agent");
  const { durableObjectClasses } = applyMetadata(worker, upload.metadata, userAgent);
  const runnable = buildRunnable(world, {
    worker: { ...worker, durableObjectClasses },
    upload,
    previous,
    contentKey: id,
    strict,
  });
  const annotations = {
    ...(upload.metadata.annotations as Record<string, string> | undefined),
    "workers/triggered_by": "version_upload",
  };
  const version = addVersion(world, worker.id, runnable, {
    id,
    source: uploadSource(userAgent),
    annotations,
  });
  c.env.changed = true;
  return success(detail(version));
}

function describeDeployment(deployment: Deployment): Record<string, unknown> {
  return {
    id: deployment.id,
    source: deployment.source,
    strategy: "percentage",
    author_email: "",
    annotations: deployment.annotations,
    created_on: deployment.createdOn,
    versions: deployment.versions.map((share) => ({
      version_id: share.versionId,
      percentage: share.percentage,
    })),
  };
}

const deploymentSchema = z.looseObject({
  strategy: z.literal("percentage"),
  versions: z
    .array(z.looseObject({ version_id: z.string(), percentage: z.number().min(0.01).max(100) }))
    .min(1)
    .max(2),
  annotations: z.record(z.string(), z.string()).optional(),
});

function secretNames(bindings: readonly Binding[]): string {
  const secrets = bindings.filter(
    (binding) => binding.type === "secret_text" || binding.type === "secret_key",
  );
  return JSON.stringify(secrets.map((binding) => `${binding.name}=${String(binding["text"])}`).toSorted());
}

async function postDeployment(world: World, c: CloudflareRequest): Promise<Response> {
  const worker = script(world, c);
  const wanted = await readJson(c, deploymentSchema, 10021);
  const total = wanted.versions.reduce((sum, share) => sum + share.percentage, 0);
  if (Math.abs(total - 100) > 0.001)
    throw failure(400, 10021, `The percentages of a deployment must sum to 100, not ${total}.`);
  const versions = world.versions.get(worker.id) ?? [];
  const deployable = versions.slice(-deployableVersions);
  const latest = versions.at(-1);
  for (const share of wanted.versions) {
    const version = deployable.find((candidate) => candidate.id === share.version_id);
    if (!version) {
      const known = versions.some((candidate) => candidate.id === share.version_id);
      const why = known
        ? `is older than the ${deployableVersions} newest versions and cannot be deployed`
        : "was not found";
      throw failure(404, 100146, `Version ${share.version_id} ${why}.`);
    }
    const rollback = latest !== undefined && secretNames(version.bindings) !== secretNames(latest.bindings);
    if (rollback && version.id !== latest.id && c.req.query("force") !== "true") {
      throw failure(
        400,
        10220,
        `Secrets have changed since version ${version.id} was made. Use ?force=true to deploy it anyway.`,
      );
    }
  }
  const created = addDeployment(world, worker.id, {
    versions: wanted.versions.map((share) => ({ versionId: share.version_id, percentage: share.percentage })),
    source: uploadSource(c.req.header("user-agent")),
    annotations: { ...wanted.annotations, "workers/triggered_by": "deployment" },
  });
  saveWorker(world, worker);
  c.env.changed = true;
  return success(describeDeployment(created));
}

/** Versions and deployments of scripts. */
export function scriptVersionRoutes(app: Hono<SandboxHono>, world: World): void {
  const base = "/accounts/:account/workers/scripts/:name";
  app.get(`${base}/versions`, (c) => {
    const worker = script(world, c);
    const versions = (world.versions.get(worker.id) ?? []).toReversed();
    const shown = c.req.query("deployable") === "true" ? versions.slice(0, deployableVersions) : versions;
    const { result, resultInfo } = slicePage(c, shown, { perPage: 10 });
    return success({ items: result.map(summary) }, { resultInfo });
  });
  app.post(`${base}/versions`, (c) => postVersion(world, c));
  app.get(`${base}/versions/:version`, (c) => {
    const worker = script(world, c);
    const version = world.versions
      .get(worker.id)
      ?.find((candidate) => candidate.id === c.req.param("version"));
    if (!version) throw failure(404, 100146, `Version ${c.req.param("version")} was not found.`);
    return success(detail(version));
  });
  app.get(`${base}/deployments`, (c) => {
    const worker = script(world, c);
    const deployments = (world.deployments.get(worker.id) ?? []).toReversed();
    return success({ deployments: deployments.map(describeDeployment) });
  });
  app.post(`${base}/deployments`, (c) => postDeployment(world, c));
  app.get(`${base}/deployments/:deployment`, (c) => {
    const worker = script(world, c);
    const deployment = world.deployments
      .get(worker.id)
      ?.find((candidate) => candidate.id === c.req.param("deployment"));
    if (!deployment) throw failure(404, 10336, "Deployment not found.");
    return success(describeDeployment(deployment));
  });
  app.delete(`${base}/deployments/:deployment`, (c) => {
    const worker = script(world, c);
    const id = c.req.param("deployment");
    const deployments = world.deployments.get(worker.id) ?? [];
    if (!deployments.some((candidate) => candidate.id === id))
      throw failure(404, 10336, "Deployment not found.");
    if (activeDeployment(world, worker.id)?.id === id)
      throw failure(400, 10021, "The active deployment cannot be deleted.");
    world.deployments.set(
      worker.id,
      deployments.filter((candidate) => candidate.id !== id),
    );
    c.env.changed = true;
    return success(null);
  });
}
