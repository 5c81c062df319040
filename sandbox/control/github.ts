import type { Hono } from "hono";
import { z } from "zod";
import type { GitHubSandbox } from "../github/index.ts";
import { compact, ControlError, readBody } from "./body.ts";

const level = z.enum(["read", "write", "admin"]);
const permissions = z.union([z.literal("all"), z.record(z.string(), level)]);
const repositories = z.union([z.literal("all"), z.array(z.union([z.string(), z.int()]))]);
const files = z.record(z.string().min(1), z.string());
const text = z.string().min(1);

/** What may be done to the local GitHub behind its API's back: as other users, its operators, or time would. */
export function githubControl(app: Hono, github: GitHubSandbox): void {
  /** What the emulator does not know (`there is no token …`) is the caller's mistake. */
  const attempt = <Result>(run: () => Result): Result => {
    try {
      return run();
    } catch (error) {
      throw error instanceof TypeError ? new ControlError(error.message) : error;
    }
  };

  app.post("/github/repositories", async (c) => {
    const seed = await readBody(
      c.req.raw,
      z.strictObject({
        owner: text,
        name: text,
        isTemplate: z.boolean().optional(),
        visibility: z.enum(["public", "private", "internal"]).optional(),
        defaultBranch: text.optional(),
        files: files.optional(),
        branches: z.record(text, files).optional(),
        topics: z.array(text).optional(),
        description: z.string().optional(),
      }),
    );
    return c.json({ id: attempt(() => github.seedRepository(compact(seed))) }, 201);
  });

  app.post("/github/commits", async (c) => {
    const commit = await readBody(
      c.req.raw,
      z.strictObject({ owner: text, name: text, branch: text, files, message: text.optional() }),
    );
    return c.json({ sha: attempt(() => github.commit(compact(commit))) }, 201);
  });

  app.post("/github/tokens", async (c) => {
    const grant = await readBody(
      c.req.raw,
      z.strictObject({
        token: text,
        owner: text,
        user: text.optional(),
        permissions: permissions.optional(),
        repositories: repositories.optional(),
        expiresAt: z.int().optional(),
      }),
    );
    attempt(() => github.addToken(compact(grant)));
    return c.body(null, 204);
  });

  app.post("/github/tokens/change", async (c) => {
    const { token, ...change } = await readBody(
      c.req.raw,
      z.strictObject({
        token: text,
        owner: text.optional(),
        permissions: permissions.optional(),
        repositories: repositories.optional(),
        expiresAt: z.int().optional(),
      }),
    );
    attempt(() => github.changeToken(token, compact(change)));
    return c.body(null, 204);
  });

  app.post("/github/tokens/revoke", async (c) => {
    const { token } = await readBody(c.req.raw, z.strictObject({ token: text }));
    attempt(() => github.revokeToken(token));
    return c.body(null, 204);
  });

  app.post("/github/rate-used", async (c) => {
    const { token, used } = await readBody(c.req.raw, z.strictObject({ token: text, used: z.int().min(0) }));
    attempt(() => github.setRateUsed(token, used));
    return c.body(null, 204);
  });

  app.post("/github/delays", async (c) => {
    const milliseconds = z.number().min(0).optional();
    const delays = await readBody(
      c.req.raw,
      z.strictObject({ refMs: milliseconds, objectsMs: milliseconds, settingsMs: milliseconds }),
    );
    github.setDelays(compact(delays));
    return c.body(null, 204);
  });

  app.post("/github/keys/rotate", (c) => {
    github.rotateKeys();
    return c.body(null, 204);
  });
}
