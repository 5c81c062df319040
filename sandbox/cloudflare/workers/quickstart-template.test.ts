import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPostgres } from "../../core/adapters/postgres-server.ts";
import type { PostgresServer } from "../../core/adapters/postgres-server.ts";
import { account, testBench, uploadParts } from "../testing.ts";
import type { TestBench } from "../testing.ts";
import { createWorkersRuntime } from "./runtime.ts";
import type { WorkersRuntime } from "./runtime.ts";

const bundle = resolve(import.meta.dirname, "../../../examples/quickstart/template/dist/worker");
const settings = JSON.parse(readFileSync(join(bundle, "wrangler.json"), "utf8")) as {
  main: string;
  compatibility_date: string;
  compatibility_flags: string[];
};

let directory = "";
let postgres: PostgresServer;
let loopback: Server;
let runtime: WorkersRuntime;
let bench: TestBench;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "quickstart-"));
  postgres = await startPostgres({ directory: join(directory, "postgres") });
  loopback = createServer((socket) => {
    const server = connect(postgres.socketPath);
    socket.pipe(server).pipe(socket);
    for (const end of [socket, server]) end.on("error", () => [socket.destroy(), server.destroy()]);
  });
  await new Promise<void>((listening) => loopback.listen(0, "127.0.0.1", listening));
  const workers = join(directory, "workers");
  runtime = createWorkersRuntime({ directory: workers, world: () => bench.cloudflare.world });
  bench = testBench({
    workersUrl: "http://{script}.{subdomain}.workers.localhost",
    workersDataPlane: runtime,
  });
});

afterAll(async () => {
  await runtime.dispose();
  loopback.close();
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function deploy(name: string, environment: string, databaseUrl: string): Promise<void> {
  const bindings = [
    { name: "PROJECT", type: "plain_text", text: "shop" },
    { name: "ENVIRONMENT", type: "plain_text", text: environment },
    { name: "COMMIT_SHA", type: "plain_text", text: "c0ffee" },
    { name: "DATABASE_URL", type: "secret_text", text: databaseUrl },
  ];
  const { compatibility_date, compatibility_flags } = settings;
  const source = readFileSync(join(bundle, settings.main), "utf8");
  const parts = uploadParts({ bindings, compatibility_date, compatibility_flags }, source);
  expect((await bench.upload(name, {}, { parts })).status).toBe(200);
  await bench.call("POST", `/accounts/${account}/workers/scripts/${name}/subdomain`, { enabled: true });
}

const request = async (
  name: string,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: unknown }> => {
  const response = await runtime.fetch(new Request(`http://${name}.acme.workers.localhost${path}`, init));
  return { status: response.status, body: await response.json() };
};

test("the quickstart's Worker reads and writes the database of its own environment", async () => {
  const { port } = loopback.address() as AddressInfo;
  const url = (database: string): string =>
    `postgresql://${postgres.user}@127.0.0.1:${port}/${database}?sslmode=disable&channel_binding=prefer`;
  await deploy("shop-dev", "dev", url("postgres"));
  await deploy("shop-prod", "prod", url("template1"));
  expect(await request("shop-dev", "/")).toEqual({
    status: 200,
    body: {
      project: "shop",
      environment: "dev",
      commit: "c0ffee",
      database: { name: "postgres", notes: 1, value: "first written by dev" },
    },
  });
  expect((await request("shop-dev", "/notes", { method: "POST", body: "hello" })).status).toBe(201);
  expect(await request("shop-dev", "/")).toMatchObject({ body: { database: { notes: 2, value: "hello" } } });
  expect(await request("shop-prod", "/")).toMatchObject({
    body: { environment: "prod", database: { notes: 1, value: "first written by prod" } },
  });
});

test("the quickstart's Worker says so when its database does not answer, and stays healthy", async () => {
  await deploy("shop-lost", "lost", "postgresql://nobody:canary@127.0.0.1:9/none?sslmode=disable");
  const lost = await request("shop-lost", "/");
  expect(lost).toEqual({ status: 503, body: { error: "the database does not answer" } });
  expect(await request("shop-lost", "/healthz")).toEqual({ status: 200, body: { ok: true } });
  expect((await request("shop-lost", "/other")).status).toBe(404);
});
