import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, expect, test } from "vitest";
import { serveSandbox } from "./serve.ts";
import type { SandboxAddresses, ServedSandbox, ServeOptions } from "./serve.ts";

const cleanup: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).toReversed()) await step();
});

function openDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "flaresmith-sandbox-"));
  // Postgres runs under another account when the tests run as root.
  chmodSync(path, 0o755);
  cleanup.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function serve(options: Partial<ServeOptions> & { directory: string }): Promise<ServedSandbox> {
  const served = await serveSandbox({
    dataPlanes: { git: false, postgres: false, workers: false },
    ...options,
  });
  cleanup.push(served.stop);
  return served;
}

/** Serves in a process of its own, which the test may kill. */
async function serveInChild(
  directory: string,
): Promise<{ child: ChildProcess; addresses: SandboxAddresses }> {
  const script = `
    import { serveSandbox } from ${JSON.stringify(import.meta.resolve("./serve.ts"))};
    const served = await serveSandbox({ directory: ${JSON.stringify(directory)}, dataPlanes: { git: false, postgres: true, workers: false } });
    process.stdout.write(JSON.stringify(served.addresses) + "\\n");
    process.once("SIGTERM", () => void served.stop().then(() => process.exit(0)));
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString("utf8")));
  const line = await new Promise<string>((resolve, reject) => {
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString("utf8");
      if (output.includes("\n")) resolve(output);
    });
    child.once("exit", (code) => reject(new Error(`the sandbox ended with ${code}: ${errors}`)));
  });
  return { child, addresses: JSON.parse(line) as SandboxAddresses };
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill(signal);
  });
}

async function neon(
  addresses: SandboxAddresses,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ project?: { id: string }; uri?: string; regions?: unknown }> {
  const headers = { authorization: `Bearer ${addresses.neon.token}` };
  const response = await fetch(addresses.neon.url + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as { project?: { id: string }; uri?: string };
}

async function state(addresses: SandboxAddresses): Promise<Record<string, unknown>> {
  const {
    now: _now,
    requests: _requests,
    ...rest
  } = (await (await fetch(`${addresses.control.url}/state`)).json()) as Record<string, unknown>;
  return rest;
}

test("a killed sandbox that is started again shows the same world at the same addresses, rows in Postgres included", async () => {
  const directory = openDirectory();
  const first = await serveInChild(directory);
  const created = await neon(first.addresses, "POST", "/projects", { project: { name: "shop" } });
  await fetch(`${first.addresses.control.url}/clock/advance`, {
    method: "POST",
    body: JSON.stringify({ milliseconds: 60_000 }),
  });
  const uri = `/projects/${created.project?.id}/connection_uri?database_name=neondb&role_name=neondb_owner`;
  const before = await neon(first.addresses, "GET", uri);
  const client = new pg.Client({ connectionString: before.uri ?? "" });
  client.on("error", () => undefined);
  await client.connect();
  await client.query("CREATE TABLE kept (i int)");
  await client.query("INSERT INTO kept VALUES (42)");
  const remembered = await state(first.addresses);
  const pid = (): number =>
    Number(readFileSync(join(directory, "postgres", "data", "postmaster.pid"), "utf8").split("\n")[0]);
  const orphan = pid();
  await ended(first.child, "SIGKILL");

  const second = await serveInChild(directory);
  expect(second.addresses).toEqual(first.addresses);
  expect(await state(second.addresses)).toEqual(remembered);
  expect(pid()).not.toBe(orphan);
  expect(() => process.kill(orphan, 0)).toThrow("ESRCH");
  const again = new pg.Client({
    connectionString: (await neon(second.addresses, "GET", uri)).uri ?? "",
  });
  await again.connect();
  expect((await again.query("SELECT i FROM kept")).rows).toEqual([{ i: 42 }]);
  await again.end();
  const server = pid();
  await ended(second.child, "SIGTERM");
  expect(() => process.kill(server, 0)).toThrow("ESRCH");
}, 60_000);

test("sandbox.json says where everything is, and only its owner can read it", async () => {
  const directory = openDirectory();
  const addressesFile = join(directory, "elsewhere.json");
  const { addresses, env } = await serve({ directory, addressesFile });
  expect(JSON.parse(readFileSync(addressesFile, "utf8"))).toEqual(addresses);
  for (const file of [addressesFile, join(directory, "sandbox.db")])
    expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(env).toMatchObject({ NEON_API_KEY: addresses.neon.token, GITHUB_TOKEN: addresses.github.token });
  const user = await fetch(`${env["GITHUB_API_URL"]}/user`, {
    headers: { authorization: `Bearer ${env["GITHUB_TOKEN"]}` },
  });
  expect(user.status).toBe(200);
});

test("a taken port is named, and nothing stays open", async () => {
  const directory = openDirectory();
  const { addresses } = await serve({ directory });
  const port = Number(new URL(addresses.github.url).port);
  await expect(serve({ directory: openDirectory(), ports: { neon: port } })).rejects.toThrow(
    `port ${port} on 127.0.0.1 is taken`,
  );
});

test("template repositories come from directories", async () => {
  const source = openDirectory();
  mkdirSync(join(source, "src"));
  writeFileSync(join(source, "src", "index.js"), "export default {};\n");
  const { addresses } = await serve({
    directory: openDirectory(),
    templates: [{ owner: "acme", name: "worker-template", directory: source }],
  });
  const get = async (path: string) =>
    (await (
      await fetch(addresses.github.url + path, {
        headers: { authorization: `Bearer ${addresses.github.token}` },
      })
    ).json()) as Record<string, unknown>;
  expect(await get("/repos/acme/worker-template")).toMatchObject({ is_template: true });
  const content = await get("/repos/acme/worker-template/contents/src/index.js");
  expect(Buffer.from(String(content["content"]), "base64").toString()).toBe("export default {};\n");
});

test("an absolute-form request line is understood", async () => {
  const { addresses } = await serve({ directory: openDirectory() });
  const { hostname, port } = new URL(addresses.github.url);
  const status = await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${addresses.github.token}`, "user-agent": "test" };
    httpRequest({ hostname, port, path: `${addresses.github.url}/user`, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
  expect(status).toBe(200);
});

test("a dropped connection reaches the client as one", async () => {
  const { addresses } = await serve({ directory: openDirectory() });
  await fetch(`${addresses.control.url}/faults`, {
    method: "POST",
    body: JSON.stringify({ provider: "neon", drop: true }),
  });
  await expect(neon(addresses, "GET", "/regions")).rejects.toThrow("fetch failed");
  expect((await neon(addresses, "GET", "/regions")).regions).toBeDefined();
});
