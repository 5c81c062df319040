import { Hono } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import { createProvider } from "../core/provider.ts";
import type { SandboxHono, SandboxProvider } from "../core/provider.ts";
import { access } from "./access.ts";
import { accountRoutes } from "./accounts.ts";
import { assetRoutes } from "./asset-uploads.ts";
import { CloudflareFailure, failureResponse } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import { kvRoutes } from "./kv.ts";
import { previewDeploymentRoutes } from "./preview-deployments.ts";
import { previewRoutes } from "./previews.ts";
import { r2ObjectRoutes } from "./r2-objects.ts";
import { r2Routes } from "./r2.ts";
import { domainRoutes, zoneRouteRoutes } from "./routes-and-domains.ts";
import { scriptSecretRoutes } from "./script-secrets.ts";
import { scriptSettingsRoutes } from "./script-settings.ts";
import { scriptVersionRoutes } from "./script-versions.ts";
import { scriptRoutes } from "./scripts.ts";
import { serviceRoutes } from "./services.ts";
import { describeState } from "./state.ts";
import { tagRoutes } from "./tags.ts";
import { workersBetaRoutes } from "./workers-beta.ts";
import { openWorld } from "./world.ts";
import type { CloudflareOptions, World } from "./world.ts";

export type { CloudflareOptions } from "./world.ts";

/** The emulated Cloudflare and its world, which a Workers data plane reads. */
export interface CloudflareSandbox extends SandboxProvider {
  world: World;
}

function unrouted(app: Hono<SandboxHono>, world: World, c: CloudflareRequest): CloudflareFailure {
  const segments = c.req.path.split("/");
  const known = app.routes.some((route) => {
    const pattern = route.path.split("/");
    return (
      route.method !== "ALL" &&
      pattern.length === segments.length &&
      pattern.every((segment, index) => segment.startsWith(":") || segment === segments[index])
    );
  });
  if (known) return new CloudflareFailure(405, [{ code: 10405, message: "Method not allowed" }]);
  const path = c.req.path.slice(world.basePath.length);
  return new CloudflareFailure(404, [
    { code: 7003, message: `Could not route to ${path}, perhaps your object identifier is invalid?` },
    { code: 7000, message: "No route for that URI" },
  ]);
}

/**
 * The emulated Cloudflare API below `publicUrl`: accounts, tokens, zones, Workers with versions, previews, assets,
 * routes and domains, KV, R2 and resource tags. What it does and where that is documented:
 * `specs/emulators/cloudflare.md`.
 */
export function createCloudflare(options: CloudflareOptions): CloudflareSandbox {
  const world = openWorld(options);
  const app = new Hono<SandboxHono>({ router: new TrieRouter() }).basePath(world.basePath);
  app.use("*", access(world));
  app.use("*", async (c, next) => {
    await next();
    if (c.env.changed) world.touch();
  });
  accountRoutes(app, world);
  scriptRoutes(app, world);
  scriptSettingsRoutes(app, world);
  serviceRoutes(app, world);
  scriptSecretRoutes(app, world);
  scriptVersionRoutes(app, world);
  assetRoutes(app, world);
  domainRoutes(app, world);
  zoneRouteRoutes(app, world);
  workersBetaRoutes(app, world);
  previewRoutes(app, world);
  previewDeploymentRoutes(app, world);
  kvRoutes(app, world);
  r2Routes(app, world);
  r2ObjectRoutes(app, world);
  tagRoutes(app, world);
  app.notFound((c) => failureResponse(unrouted(app, world, c)));
  app.onError((error) => {
    if (error instanceof CloudflareFailure) return failureResponse(error);
    throw error;
  });
  const provider = createProvider({
    name: "cloudflare",
    app,
    context: options.context,
    state: () => describeState(world),
  });
  return { ...provider, world };
}
