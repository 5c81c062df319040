import type { Hono } from "hono";
import { z } from "zod";
import type { SandboxHono } from "../core/provider.ts";
import { maskBinding } from "./bindings.ts";
import { failure, readJson, success } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import type { Binding, Worker } from "./model.ts";
import { requireScript, servingVersion } from "./world.ts";
import type { World } from "./world.ts";
import { latestVersion, redeployWith, uploadSource } from "./worker-store.ts";

const secretSchema = z.looseObject({
  name: z.string().min(1),
  type: z.enum(["secret_text", "secret_key"]),
  text: z.string().optional(),
});

function isSecret(binding: Binding): boolean {
  return binding.type === "secret_text" || binding.type === "secret_key";
}

function script(world: World, c: CloudflareRequest): Worker {
  return requireScript(world, c.req.param("account") ?? "", c.req.param("name") ?? "");
}

function secretsOf(world: World, worker: Worker): Binding[] {
  return (
    (servingVersion(world, worker.id) ?? latestVersion(world, worker.id))?.bindings.filter(isSecret) ?? []
  );
}

function checkSecret(secret: z.output<typeof secretSchema>): Binding {
  if (secret.type === "secret_text" && secret.text === undefined)
    throw failure(400, 10021, `secret '${secret.name}' is missing 'text'`);
  return { ...secret };
}

function writeSecrets(
  world: World,
  c: CloudflareRequest,
  worker: Worker,
  changes: ReadonlyMap<string, Binding | null>,
): void {
  const about = { source: uploadSource(c.req.header("user-agent")), triggeredBy: "secret", what: "Secret" };
  redeployWith(
    world,
    worker,
    (latest) => {
      for (const binding of latest.bindings) {
        if (changes.has(binding.name) && !isSecret(binding)) {
          throw failure(
            400,
            10053,
            `Binding name '${binding.name}' already in use. Please use a different name and try again.`,
          );
        }
      }
      const kept = latest.bindings.filter((binding) => !changes.has(binding.name));
      return { bindings: [...kept, ...[...changes.values()].filter((binding) => binding !== null)] };
    },
    about,
  );
  c.env.changed = true;
}

/** Secrets of a script: write-only, every write is a new deployed version. */
export function scriptSecretRoutes(app: Hono<SandboxHono>, world: World): void {
  const base = "/accounts/:account/workers/scripts/:name";
  app.get(`${base}/secrets`, (c) => success(secretsOf(world, script(world, c)).map(maskBinding)));
  app.get(`${base}/secrets/:secret`, (c) => {
    const secret = secretsOf(world, script(world, c)).find(
      (binding) => binding.name === c.req.param("secret"),
    );
    if (!secret) throw failure(404, 10056, "Binding does not exist.");
    return success(maskBinding(secret));
  });
  app.put(`${base}/secrets`, async (c) => {
    const worker = script(world, c);
    const secret = checkSecret(await readJson(c, secretSchema, 10021));
    writeSecrets(world, c, worker, new Map([[secret.name, secret]]));
    return success(maskBinding(secret));
  });
  app.delete(`${base}/secrets/:secret`, (c) => {
    const worker = script(world, c);
    const name = c.req.param("secret");
    if (
      !latestVersion(world, worker.id)?.bindings.some((binding) => isSecret(binding) && binding.name === name)
    ) {
      throw failure(404, 10056, "Binding does not exist.");
    }
    writeSecrets(world, c, worker, new Map([[name, null]]));
    return success(null);
  });
  app.patch(`${base}/secrets-bulk`, async (c) => {
    const worker = script(world, c);
    const body = await readJson(
      c,
      z.looseObject({ secrets: z.record(z.string(), secretSchema.omit({ name: true }).nullable()) }),
      10021,
    );
    const changes = Object.entries(body.secrets).map(([name, secret]): [string, Binding | null] => [
      name,
      secret === null ? null : checkSecret({ ...secret, name }),
    ]);
    writeSecrets(world, c, worker, new Map(changes));
    return success(secretsOf(world, worker).map(maskBinding));
  });
}
