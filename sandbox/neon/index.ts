import { Hono } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import { createProvider } from "../core/provider.ts";
import type { SandboxContext, SandboxProvider } from "../core/provider.ts";
import { authenticate, createRateLimiter, defaultRateLimits } from "./access.ts";
import type { RateLimits } from "./access.ts";
import type { PostgresDataPlane } from "./data-plane.ts";
import { NeonError } from "./errors.ts";
import { defaultOperationDurations, neonPlans } from "./limits.ts";
import { createOperations } from "./operations.ts";
import type { NeonApiKey, NeonLimits, OperationDurations } from "./records.ts";
import { accountRoutes } from "./routes/account.ts";
import { branchListingRoutes } from "./routes/branch-listing.ts";
import { branchRoutes } from "./routes/branches.ts";
import { connectionRoutes } from "./routes/connection.ts";
import { databaseRoutes } from "./routes/databases.ts";
import { endpointRoutes } from "./routes/endpoints.ts";
import { operationRoutes } from "./routes/operations.ts";
import { projectRoutes } from "./routes/projects.ts";
import { roleRoutes } from "./routes/roles.ts";
import type { NeonHono } from "./routes/route.ts";
import { findConnectable, physicalBranch, sweep } from "./service.ts";
import type { NeonService } from "./service.ts";
import { createStore } from "./store.ts";
import { neonState } from "./state.ts";

/** The emulated Neon, with what an oracle or a control port may do behind the API's back. */
export interface Neon extends SandboxProvider {
  /** Brings the data plane to what the control plane remembers; call once before serving. Nothing to do without one. */
  ready(): Promise<void>;
  /** Lists the project under `unavailable_project_ids` (or no longer), as after one of Neon's internal time-outs. */
  setUnavailable(projectId: string, unavailable: boolean): void;
  /** The next operation with this action ends `failed` with this error. */
  failNextOperation(action: string, error: string): void;
}

/** Options of {@link createNeon}. */
export interface NeonOptions {
  context: SandboxContext;
  /** Where the API is reachable, e.g. `http://neon.sandbox.test/api/v2`: its path is the base path of every route. */
  publicUrl: string;
  apiKeys: readonly NeonApiKey[];
  /** Default: the limits of the Launch plan. */
  plan?: Readonly<NeonLimits>;
  /** Milliseconds per operation action, over the defaults. */
  operationDurations?: OperationDurations;
  /** Milliseconds a branch stays `init` after its operations are done (422 "branch not ready yet"); default 0. */
  branchSettle?: number;
  /** Default: 700 per minute and 40 per second and route; `false` for none. */
  rateLimits?: RateLimits | false;
  /** A real Postgres behind the branches; without one, branches hold metadata only and no request does I/O. */
  postgresDataPlane?: PostgresDataPlane;
}

/**
 * A local Neon: API v2 over the context's storage and clock. Its behaviours and their sources: `specs/emulators/neon.md`.
 */
export function createNeon(options: NeonOptions): Neon {
  const { context, apiKeys, publicUrl, postgresDataPlane } = options;
  const { clock, random, storage } = context;
  const store = createStore(context);
  const operations = createOperations({
    context,
    store,
    durations: { ...defaultOperationDurations, ...options.operationDurations },
  });
  let nextDue = clock.now();
  const service: NeonService = {
    context,
    store,
    operations,
    limits: options.plan ?? neonPlans.launch,
    keys: apiKeys,
    publicUrl,
    dataPlane: postgresDataPlane,
    branchSettle: options.branchSettle ?? 0,
    due: (at) => {
      nextDue = Math.min(nextDue, at);
    },
  };
  const sweepWhenDue = async (): Promise<void> => {
    if (clock.now() < nextDue) return;
    nextDue = Number.POSITIVE_INFINITY;
    nextDue = Math.min(nextDue, await sweep(service));
  };
  postgresDataPlane?.attach((endpointId) => findConnectable(service, endpointId));

  const limit = createRateLimiter(
    clock,
    options.rateLimits === false ? undefined : (options.rateLimits ?? defaultRateLimits),
  );
  const base = new URL(publicUrl).pathname.replace(/\/$/, "");
  const app = new Hono<NeonHono>({ router: new TrieRouter() }).basePath(base);
  app.onError((error, c) => {
    const requestId = c.req.header("x-request-id") ?? random.uuid();
    if (error instanceof NeonError) {
      const body = { request_id: requestId, code: error.code, message: error.message };
      return c.json(body, error.status as 400, { ...error.headers, "x-request-id": requestId });
    }
    return c.json({ request_id: requestId, code: "", message: `internal error: ${error.message}` }, 500);
  });
  app.notFound((c) =>
    c.json(
      {
        request_id: random.uuid(),
        code: "",
        message: "this route does not exist, check that you are using the correct URL and method",
      },
      404,
    ),
  );
  app.use("*", async (c, next) => {
    const key = authenticate(c.req.header("authorization"), apiKeys);
    c.set("key", key);
    const route = c.req.path
      .slice(base.length)
      .replace(/\/(br|ep)-[a-z0-9-]+/g, "/$1")
      .replace(/^\/projects\/[^/]+/, "/projects/id");
    limit(key.orgId, `${c.req.method} ${route}`);
    await sweepWhenDue();
    await next();
    c.res.headers.set("x-request-id", c.req.header("x-request-id") ?? random.uuid());
  });
  accountRoutes(app, service);
  projectRoutes(app, service);
  connectionRoutes(app, service);
  branchListingRoutes(app, service);
  branchRoutes(app, service);
  endpointRoutes(app, service);
  roleRoutes(app, service);
  databaseRoutes(app, service);
  operationRoutes(app, service);

  const provider = createProvider({ name: "neon", app, context, state: () => neonState(service) });
  return {
    ...provider,
    ready: async () => {
      await sweepWhenDue();
      if (!postgresDataPlane) return;
      const ids: number[] = [];
      for (const project of store.projects.all()) {
        for (const branch of store.branches(project.id).all()) {
          const physical = physicalBranch(service, branch.id);
          await postgresDataPlane.ensure(physical);
          ids.push(...physical.databases.map((database) => database.id));
        }
      }
      await postgresDataPlane.retain(ids);
    },
    setUnavailable: (projectId, unavailable) => {
      if (unavailable) store.unavailable.set(projectId, projectId);
      else store.unavailable.delete(projectId);
    },
    failNextOperation: (action, error) => storage.transaction(() => operations.failNext(action, error)),
  };
}
