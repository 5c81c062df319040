/** The ops listener: probes, metrics and the read API. */
import { Hono } from "hono";
import { createReadApi } from "./read-api.ts";
import type { ReadApiOptions } from "./read-api.ts";
import { problemHandlers } from "./problem.ts";

/** One thing that must be well. */
interface HealthCheck {
  readonly name: string;
  /** What is wrong, or undefined. Anything thrown is wrong too. */
  readonly check: () => string | undefined | Promise<string | undefined>;
}

export interface OpsAppOptions extends ReadApiOptions {
  /** Whether the process should be restarted if they fail. Default none: it lives when it answers. */
  readonly live?: readonly HealthCheck[] | undefined;
  /** Whether it should get work: caches filled, store open. */
  readonly ready: readonly HealthCheck[];
}

/** `GET /healthz`, `/readyz` (200 or 503, one line per check), `/metrics`, and the read API. */
export function createOpsApp(options: OpsAppOptions): Hono {
  const { tracker } = options;
  const problems = problemHandlers(options);
  const app = new Hono();
  app.onError(problems.onError);
  app.notFound(problems.notFound);
  const probe = (name: string, checks: readonly HealthCheck[]): void => {
    app.get(`/${name}`, async (context) => {
      const results = await Promise.all(checks.map(runCheck));
      const healthy = results.every(({ problem }) => problem === undefined);
      const lines = results.map(({ name: check, problem }) =>
        problem === undefined ? `[+]${check} ok` : `[-]${check} failed: ${problem}`,
      );
      const text = [...lines, `${name} check ${healthy ? "passed" : "failed"}`, ""].join("\n");
      return context.text(tracker.secrets.redact(text), healthy ? 200 : 503);
    });
  };
  probe("healthz", options.live ?? []);
  probe("readyz", options.ready);
  app.get("/metrics", async (context) => {
    const { contentType, body } = await tracker.exposition();
    return context.body(body, 200, { "content-type": contentType });
  });
  app.route("/", createReadApi(options));
  return app;
}

async function runCheck({
  name,
  check,
}: HealthCheck): Promise<{ name: string; problem: string | undefined }> {
  try {
    return { name, problem: await check() };
  } catch (error) {
    return { name, problem: error instanceof Error ? error.message : "the check threw" };
  }
}
