import { Hono } from "hono";
import { z } from "zod";
import type { SandboxContext, SandboxProvider } from "../core/provider.ts";
import type { GitHubSandbox } from "../github/index.ts";
import type { Neon } from "../neon/index.ts";
import { compact, ControlError, readBody } from "./body.ts";
import { githubControl } from "./github.ts";

const faultRule = z.strictObject({
  id: z.string().optional(),
  provider: z.enum(["github", "neon", "cloudflare"]).optional(),
  method: z
    .string()
    .regex(/^[A-Z]+$/, "must be an upper-case HTTP method")
    .optional(),
  path: z
    .string()
    .refine((path) => isPattern(path), "must be a regular expression")
    .optional(),
  when: z.enum(["before", "after"]).optional(),
  status: z.int().min(200).max(599).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.unknown().optional(),
  drop: z.boolean().optional(),
  delay: z.number().min(0).optional(),
  times: z.int().min(0).optional(),
  skip: z.int().min(0).optional(),
  probability: z.number().min(0).max(1).optional(),
});

const lagRule = z.strictObject({
  provider: z.enum(["github", "neon", "cloudflare"]),
  resource: z.string().min(1),
  milliseconds: z.number().min(0),
});

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

/** Options of {@link createControl}. */
export interface ControlOptions {
  context: SandboxContext;
  /** Those whose state `GET /state` shows, by name. */
  providers: readonly SandboxProvider[];
  neon: Neon;
  github: GitHubSandbox;
}

/**
 * The control port of a sandbox: journal, state, faults, clock, and changes behind the APIs' backs.
 * Documented in `specs/emulators/control-port.md`; never served on a provider's port.
 * @returns a function from Request to Response; wrong bodies answer 400 `{message}` naming the field
 */
export function createControl(options: ControlOptions): (request: Request) => Promise<Response> {
  const { context, providers, neon, github } = options;
  const { clock, faults, journal } = context;
  const app = new Hono();
  app.onError((error, c) => c.json({ message: error.message }, error instanceof ControlError ? 400 : 500));
  app.notFound((c) =>
    c.json({ message: `there is no ${c.req.method} ${c.req.path} on the control port` }, 404),
  );

  app.get("/requests", (c) => {
    const since = Number(c.req.query("since") ?? "0");
    if (!Number.isInteger(since) || since < 0)
      throw new ControlError("since: must be a sequence number, 0 or greater");
    const lines = journal.since(since).map((entry) => `${JSON.stringify(entry)}\n`);
    return c.body(lines.join(""), 200, {
      "content-type": "application/x-ndjson",
      "x-last-sequence": String(journal.last()),
    });
  });

  app.get("/state", (c) =>
    c.json({
      now: clock.now(),
      requests: journal.last(),
      ...Object.fromEntries(providers.map((provider) => [provider.name, provider.state()])),
    }),
  );

  app.get("/faults", (c) => c.json(faults.list()));
  app.post("/faults", async (c) =>
    c.json({ id: faults.add(compact(await readBody(c.req.raw, faultRule))) }, 201),
  );
  app.post("/lags", async (c) => {
    faults.setLag(await readBody(c.req.raw, lagRule));
    return c.body(null, 204);
  });
  app.delete("/faults", (c) => {
    faults.clear();
    return c.body(null, 204);
  });

  app.get("/clock", (c) => c.json({ now: clock.now() }));
  app.post("/clock/advance", async (c) => {
    const { milliseconds } = await readBody(c.req.raw, z.strictObject({ milliseconds: z.number().min(0) }));
    clock.advance(milliseconds);
    return c.json({ now: clock.now() });
  });

  app.post("/neon/projects/:project/unavailable", async (c) => {
    const { unavailable } = await readBody(c.req.raw, z.strictObject({ unavailable: z.boolean() }));
    neon.setUnavailable(c.req.param("project"), unavailable);
    return c.body(null, 204);
  });
  app.post("/neon/operations/fail", async (c) => {
    const { action, error } = await readBody(
      c.req.raw,
      z.strictObject({ action: z.string().min(1), error: z.string().min(1) }),
    );
    neon.failNextOperation(action, error);
    return c.body(null, 204);
  });

  githubControl(app, github);

  return async (request) => app.fetch(request);
}
