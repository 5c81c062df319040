import { createHash } from "node:crypto";
import { Hono, type Context } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import type { SandboxHono } from "../core/provider.ts";
import { acceptedPermissions, enterRepository, identify } from "./access.ts";
import { ApiFailure, failure, type Reply } from "./failure.ts";
import type { Call, Identity, Requirement, Route } from "./call.ts";
import type { RateLimiter, RateView } from "./rate-limit.ts";
import { checkRequestBody } from "./request-schema.ts";
import type { World } from "./world.ts";

/** The only version this GitHub speaks. */
const API_VERSION = "2022-11-28";
const WITHOUT_BODY = ["GET", "HEAD", "OPTIONS"];

/** Reads a JSON body. @throws ApiFailure 400 with GitHub's words */
function parseBody(text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw failure(400, "Problems parsing JSON");
  }
  // Topics and a few others were arrays once; every call covered here takes an object.
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw failure(400, "Body should be a JSON object");
  return value as Record<string, unknown>;
}

function rateHeaders(view: RateView): Record<string, string> {
  return {
    "x-ratelimit-limit": String(view.limit),
    "x-ratelimit-remaining": String(view.remaining),
    "x-ratelimit-used": String(view.used),
    "x-ratelimit-reset": String(view.reset),
    "x-ratelimit-resource": "core",
  };
}

/** GitHub's ETag: SHA-256 over the values of Accept, Authorization and Cookie, each followed by a colon, and the body. */
function entityTag(request: Request, body: string | Uint8Array): string {
  const hash = createHash("sha256");
  for (const name of ["accept", "authorization", "cookie"]) {
    const value = request.headers.get(name);
    if (value !== null) hash.update(`${value}:`);
  }
  return hash.update(body).digest("hex");
}

/** Programs for people get indented bodies (bored-engineer/github-conditional-http-transport, user_agent.go). */
const INDENTED = /curl|Wget|Safari|Firefox/;

function payload(reply: Reply, userAgent: string): { body: string | Uint8Array | undefined; type: string } {
  const { body } = reply;
  if (body === undefined) return { body: undefined, type: "application/json; charset=utf-8" };
  if (typeof body === "string" || body instanceof Uint8Array)
    return { body, type: "text/plain; charset=utf-8" };
  const text = INDENTED.test(userAgent) ? `${JSON.stringify(body, null, 2)}\n` : JSON.stringify(body);
  return { body: text, type: "application/json; charset=utf-8" };
}

/** Turns a reply into the answer on the wire: entity tag, 304, and the headers every answer carries. */
function answer(options: {
  world: World;
  limiter: RateLimiter;
  request: Request;
  identity: Identity;
  reply: Reply;
  requires: Requirement | undefined;
}): Response {
  const { world, limiter, request, identity, reply, requires } = options;
  const { body, type } = payload(reply, request.headers.get("user-agent") ?? "");
  const headers = new Headers({
    "content-type": type,
    "cache-control":
      identity.kind === "anonymous" ? "public, max-age=60, s-maxage=60" : "private, max-age=60, s-maxage=60",
    date: new Date(world.now()).toUTCString(),
    server: "github.com",
    vary: "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, Accept, X-Requested-With",
    "x-github-api-version-selected": API_VERSION,
    "x-github-media-type": "github.v3; format=json",
    "x-github-request-id": world.context.random.string(20, "0123456789ABCDEF").replace(/(.{4})(?=.)/g, "$1:"),
    ...reply.headers,
  });
  // A refusal names what this very request lacked.
  if (requires && identity.kind !== "anonymous" && !headers.has("x-accepted-github-permissions"))
    headers.set("x-accepted-github-permissions", acceptedPermissions(requires));
  if (body === undefined) headers.delete("content-type");
  let status = reply.status;
  const reading = request.method === "GET" || request.method === "HEAD";
  if (reading && status === 200 && body !== undefined) {
    const tag = entityTag(request, body);
    headers.set(
      "etag",
      /gzip/.test(request.headers.get("accept-encoding") ?? "") ? `W/"${tag}"` : `"${tag}"`,
    );
    const known = request.headers.get("if-none-match") ?? "";
    if (known.split(",").some((item) => item.trim().replace(/^W\//, "") === `"${tag}"`)) {
      status = 304;
      headers.delete("content-type");
      limiter.refund(identity);
    }
  }
  for (const [name, value] of Object.entries(rateHeaders(limiter.view(identity)))) headers.set(name, value);
  const bodyless = status === 304 || status === 204 || status === 303 || body === undefined;
  return new Response(bodyless ? null : (body as string | Uint8Array<ArrayBuffer>), { status, headers });
}

/** Everything a request must pass before its handler runs, then the handler. */
function handle(world: World, route: Route, call: Call): Reply {
  const template = (route.scope === "repository" ? `/repos/{owner}/{repo}${route.path}` : route.path).replace(
    /:(\w+)(\{[^}]*\})?/g,
    "{$1}",
  );
  if (route.scope === "open") {
    checkRequestBody(`${route.method} ${template}`, call.body);
    return route.handler(call);
  }
  const entered = enterRepository(call, route);
  checkRequestBody(`${route.method} ${template}`, call.body);
  return route.handler(entered);
}

/** A handler's refusal as the reply it is; anything else is thrown on. */
function attempt(run: () => Reply): Reply {
  try {
    return run();
  } catch (error) {
    if (error instanceof ApiFailure) return error.reply;
    throw error;
  }
}

async function serve(options: {
  world: World;
  limiter: RateLimiter;
  context: Context<SandboxHono>;
  route: Route | undefined;
}): Promise<Response> {
  const { world, limiter, context, route } = options;
  const request = context.req.raw;
  const text = WITHOUT_BODY.includes(request.method) ? "" : await request.text();
  let identity: Identity = { kind: "anonymous" };
  const before = world.changes();
  let reply: Reply;
  try {
    if (!request.headers.get("user-agent"))
      throw failure(
        403,
        "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
      );
    const version = request.headers.get("x-github-api-version");
    if (version !== null && version !== API_VERSION)
      throw failure(400, `Invalid API version: "${version}" is not a supported version`);
    identity = identify(world, request.headers.get("authorization"));
    const url = new URL(request.url);
    const path = url.pathname.replace(/^\/api\/v3(?=\/|$)/, "");
    const refused = path === "/rate_limit" ? undefined : limiter.admit(identity, request.method);
    if (refused) reply = refused;
    else if (!route) throw failure(404, "Not Found");
    else {
      const call: Call = {
        world,
        method: request.method,
        parameters: context.req.param() as Record<string, string>,
        query: url.searchParams,
        body: parseBody(text),
        identity,
        accept: (request.headers.get("accept") ?? "").toLowerCase(),
        path,
      };
      const run = (): Reply => attempt(() => handle(world, route, call));
      // All that a request writes is there after a kill, or nothing of it.
      reply = WITHOUT_BODY.includes(request.method) ? run() : world.context.storage.transaction(run);
    }
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    ({ reply } = error);
  }
  if (world.changes() !== before) context.env.changed = true;
  const requires = route?.scope === "repository" ? route.requires : undefined;
  return answer({ world, limiter, request, identity, reply, requires });
}

/** A Hono app of the REST API: every route at the root, under `/api/v3` and, on repositories, by numeric id. */
export function createApi(options: {
  world: World;
  limiter: RateLimiter;
  routes: readonly Route[];
  /** Adds routes that come before the API's. */
  before: (app: Hono<SandboxHono>) => void;
}): Hono<SandboxHono> {
  const { world, limiter, routes } = options;
  const app = new Hono<SandboxHono>({ router: new TrieRouter() });
  options.before(app);
  const answerWith = (route: Route | undefined) => (context: Context<SandboxHono>) =>
    serve({ world, limiter, context, route });
  for (const prefix of ["/api/v3", ""]) {
    for (const route of routes) {
      if (route.scope === "open") app.on(route.method, prefix + route.path, answerWith(route));
      else {
        app.on(route.method, `${prefix}/repos/:owner/:repo${route.path}`, answerWith(route));
        app.on(route.method, `${prefix}/repositories/:repository_id${route.path}`, answerWith(route));
      }
    }
  }
  app.notFound(answerWith(undefined));
  // What goes wrong in here is a defect of the emulator: it says so instead of looking like an outage of GitHub.
  app.onError((error) => {
    const reply = failure(500, `The GitHub sandbox failed: ${error.stack ?? error.message}`).reply;
    return Response.json(reply.body, { status: reply.status });
  });
  return app;
}
