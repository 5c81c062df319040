import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { account, testBench, token } from "../../sandbox/cloudflare/testing.ts";
import type { TestBench } from "../../sandbox/cloudflare/testing.ts";
import { createWorkersRuntime } from "../../sandbox/cloudflare/workers/runtime.ts";
import type { WorkersRuntime } from "../../sandbox/cloudflare/workers/runtime.ts";
import { secretValues } from "../../controller/runtime/secret-value.ts";
import { readBundle } from "./bundle.ts";
import { preview, worker, workerSubdomain } from "./index.ts";
import { file, testClient, testSlot } from "./test-context.ts";

const workersUrl = "http://{script}.{subdomain}.workers.localhost:8788";
const secret = secretValues("key");

let directory = "";
let runtime: WorkersRuntime;
let bench: TestBench;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "bundle-"));
  runtime = createWorkersRuntime({ directory, world: () => bench.cloudflare.world, log: () => undefined });
  bench = testBench({ workersUrl, workersDataPlane: runtime });
});

afterEach(async () => {
  await runtime.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const bundle = (greeting: string) =>
  readBundle({
    path: "dist",
    kind: "directory",
    files: [
      file(
        "wrangler.json",
        JSON.stringify({
          main: "out/index.js",
          compatibility_date: "2026-01-01",
          assets: { directory: "public", binding: "ASSETS" },
        }),
      ),
      file(
        "out/index.js",
        'import text from "./greeting.txt"; import { shout } from "./lib/shout.js"; export default { fetch(_request, env) { return Response.json({ text: shout(text), mode: env.MODE, key: env.KEY }); } };',
      ),
      file("out/lib/shout.js", "export const shout = (text) => text.toUpperCase();"),
      file("out/greeting.txt", greeting),
      file("public/about.html", "<h1>about</h1>"),
    ],
  });

const get = async (url: string): Promise<{ status: number; text: string }> => {
  const response = await runtime.fetch(new Request(url));
  return { status: response.status, text: await response.text() };
};

test("a bundle of several modules and assets runs where the outputs say, and its preview runs beside it", async () => {
  const client = testClient(bench.cloudflare.fetch, { apiToken: token, workersUrl });
  const common = { accountId: account, bindings: [], revision: "a".repeat(40) };
  const place = { accountId: account, scriptName: "shop-api-dev" };
  await testSlot(worker, { client }).converge({
    ...common,
    ...place,
    bundle: bundle("hello"),
    vars: { MODE: "dev" },
    secrets: { KEY: secret("s3cret") },
    bindingsPolicy: "Preserve",
  });
  const address = testSlot(workerSubdomain, { client });
  await address.converge({ ...place, enabled: true, previewsEnabled: true });
  const { url } = await address.outputs({ ...place, enabled: true });
  expect(await get(`${String(url)}/`)).toEqual({
    status: 200,
    text: JSON.stringify({ text: "HELLO", mode: "dev", key: "s3cret" }),
  });
  expect(await get(`${String(url)}/about`)).toMatchObject({ status: 200, text: "<h1>about</h1>" });

  const wanted = {
    ...common,
    workerName: "shop-api-dev",
    previewName: "feature-x",
    bundle: bundle("preview"),
    vars: { MODE: "preview" },
    secrets: {},
  };
  const slot = testSlot(preview, { client });
  await slot.converge(wanted);
  const outputs = await slot.outputs(wanted);
  expect(await get(`${String(outputs["url"])}/`)).toEqual({
    status: 200,
    text: JSON.stringify({ text: "PREVIEW", mode: "preview" }),
  });
  expect(await get(`${String(url)}/`)).toMatchObject({ text: expect.stringContaining("HELLO") as string });
});
