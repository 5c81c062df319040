import type { Hono } from "hono";
import type { SandboxHono } from "../core/provider.ts";
import { failure, success } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import { describeScript } from "./scripts.ts";
import { maskBinding } from "./bindings.ts";
import { servingVersion, workerKey } from "./world.ts";
import type { World } from "./world.ts";
import { latestVersion } from "./worker-store.ts";
import type { Version, Worker } from "./model.ts";

function requireService(world: World, c: CloudflareRequest): { worker: Worker; version: Version } {
  const name = c.req.param("name") ?? "";
  const worker = world.workers.seen(workerKey(c.req.param("account") ?? "", name), "script");
  const version = worker && (servingVersion(world, worker.id) ?? latestVersion(world, worker.id));
  if (!version) throw failure(404, 10090, "workers.api.error.service_not_found");
  return { worker, version };
}

/** The legacy «services» view of scripts: undocumented, but wrangler asks it before it deploys. */
export function serviceRoutes(app: Hono<SandboxHono>, world: World): void {
  const base = "/accounts/:account/workers/services/:name";
  app.get(base, (c) => {
    const { worker, version } = requireService(world, c);
    const environment = {
      environment: "production",
      created_on: worker.createdOn,
      modified_on: worker.modifiedOn,
      script: describeScript(worker, version),
    };
    return success({
      id: worker.name,
      default_environment: environment,
      created_on: worker.createdOn,
      modified_on: worker.modifiedOn,
      usage_model: version.usageModel,
      environments: [environment],
    });
  });
  app.get(`${base}/environments/:environment`, (c) => {
    const { worker, version } = requireService(world, c);
    return success({ environment: "production", script: describeScript(worker, version) });
  });
  app.get(`${base}/environments/:environment/bindings`, (c) =>
    success(requireService(world, c).version.bindings.map(maskBinding)),
  );
}
