import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { neonHarness } from "../neon-harness.ts";
import type { NeonHarness } from "../neon-harness.ts";
import { openPostgres } from "./index.ts";
import type { Postgres } from "./index.ts";

/** A directory that the account Postgres runs under reaches too, should the tests run as root. */
function openDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "flaresmith-postgres-"));
  chmodSync(path, 0o755);
  return path;
}

let directory = "";
let postgres: Postgres;
let harness: NeonHarness;

beforeAll(async () => {
  directory = openDirectory();
  postgres = await openPostgres({ directory, port: 0 });
  harness = neonHarness({ postgresDataPlane: postgres.dataPlane });
}, 60_000);

afterAll(async () => {
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function query(uri: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: uri });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) rows = (await client.query<Record<string, unknown>>(statement)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

interface Shop {
  path: string;
  main: string;
  uri: (branch: string, role?: string, database?: string) => Promise<string>;
  branch: (fields: Record<string, unknown>) => Promise<{ id: string; uri: string }>;
}

async function shop(): Promise<Shop> {
  const created = await harness.project({ branch: { role_name: "app", database_name: "app" } });
  const path = `/projects/${created.project?.["id"]}`;
  const uri: Shop["uri"] = async (branch, role = "app", database = "app") => {
    const answer = await harness.ok(
      "GET",
      `${path}/connection_uri?branch_id=${branch}&role_name=${role}&database_name=${database}`,
    );
    return String(answer["uri"]);
  };
  return {
    path,
    main: String(created.branch?.["id"]),
    uri,
    branch: async (fields) => {
      const answer = await harness.ok("POST", `${path}/branches`, {
        branch: fields,
        endpoints: [{ type: "read_write" }],
      });
      harness.settle();
      return {
        id: String(answer.branch?.["id"]),
        uri: String(answer.connection_uris?.[0]?.["connection_uri"]),
      };
    },
  };
}

test("a branch starts with its parent's data, and rows written in either are not in the other", async () => {
  const { branch, main, uri } = await shop();
  const parent = await uri(main);
  await query(parent, "CREATE TABLE product (name text)", "INSERT INTO product VALUES ('tea')");
  const dev = await branch({ name: "dev" });
  await query(dev.uri, "INSERT INTO product VALUES ('coffee')");
  await query(parent, "INSERT INTO product VALUES ('water')");
  expect(await query(dev.uri, "SELECT name FROM product ORDER BY name")).toEqual([
    { name: "coffee" },
    { name: "tea" },
  ]);
  expect(await query(parent, "SELECT name FROM product ORDER BY name")).toEqual([
    { name: "tea" },
    { name: "water" },
  ]);
  expect(await query(dev.uri, "SELECT current_user AS who")).toEqual([{ who: "app" }]);
  await query(dev.uri, "ALTER TABLE product ADD COLUMN price int");
});

test("a branch is cut while clients are connected to its parent", async () => {
  const { branch, main, uri } = await shop();
  const client = new pg.Client({ connectionString: await uri(main) });
  client.on("error", () => undefined);
  await client.connect();
  await client.query("CREATE TABLE product (name text)");
  const dev = await branch({ name: "dev" });
  expect(await query(dev.uri, "SELECT count(*)::int AS rows FROM product")).toEqual([{ rows: 0 }]);
  await client.end().catch(() => undefined);
});

test("a schema-only branch has the tables without the rows, and sequences from the start", async () => {
  const { branch, main, uri } = await shop();
  await query(
    await uri(main),
    "CREATE TABLE customer (id serial PRIMARY KEY, name text)",
    "CREATE TABLE purchase (customer int REFERENCES customer)",
    "INSERT INTO customer (name) VALUES ('ada'), ('bob')",
    "INSERT INTO purchase VALUES (1)",
    "CREATE MATERIALIZED VIEW names AS SELECT name FROM customer",
  );
  const preview = await branch({ name: "preview", init_source: "schema-only" });
  expect(await query(preview.uri, "SELECT count(*)::int AS rows FROM customer")).toEqual([{ rows: 0 }]);
  expect(
    await query(preview.uri, "SELECT relispopulated AS filled FROM pg_class WHERE relname = 'names'"),
  ).toEqual([{ filled: false }]);
  expect(await query(preview.uri, "INSERT INTO customer (name) VALUES ('eve') RETURNING id")).toEqual([
    { id: 1 },
  ]);
  expect(await query(await uri(main), "SELECT count(*)::int AS rows FROM customer")).toEqual([{ rows: 2 }]);
});

test("connections are refused as Neon's proxy words it", async () => {
  const { branch, main, path, uri } = await shop();
  const good = await uri(main);
  const refused = async (connectionString: string) =>
    query(connectionString, "SELECT 1").then(
      () => "connected",
      (error: Error) => error.message,
    );
  expect(await refused(good.replace("endpoint%3Dep-", "endpoint%3Dep-x"))).toMatch(
    /^The requested endpoint could not be found/,
  );
  expect(await refused(good.replace(/&options=.*/, ""))).toMatch(/^Endpoint ID is not specified/);
  expect(await refused(good.replace(":npg_", ":npg_x"))).toBe(
    "password authentication failed for user 'app'",
  );
  expect(await refused(good.replace("//app:", "//cloud_admin:"))).toBe(
    "password authentication failed for user 'cloud_admin'",
  );
  expect(await refused(good.replace("/app?", "/postgres?"))).toBe('database "postgres" does not exist');
  const dev = await branch({ name: "dev" });
  expect(await refused(dev.uri)).toBe("connected");
  await harness.ok("DELETE", `${path}/branches/${dev.id}`);
  expect(await refused(dev.uri)).toMatch(/^The requested endpoint could not be found/);
  const endpoint = /endpoint%3D(ep-[a-z0-9-]+)/.exec(good)?.[1];
  harness.settle();
  await harness.ok("PATCH", `${path}/endpoints/${endpoint}`, { endpoint: { disabled: true } });
  expect(await refused(good)).toBe("endpoint is disabled. Enable it using Neon API and retry.");
});

test("the old password is good until the reset's operations end", async () => {
  const { main, path, uri } = await shop();
  const before = await uri(main);
  await harness.ok("POST", `${path}/branches/${main}/roles/app/reset_password`);
  const after = await uri(main);
  expect(after).not.toBe(before);
  expect(await query(before, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  expect(await query(after, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  harness.settle();
  await expect(query(before, "SELECT 1")).rejects.toThrow("password authentication failed");
});

test("roles and databases made through the API work; a deleted role's tables go to the database's owner, in its branch only", async () => {
  const { branch, main, path, uri } = await shop();
  await harness.ok("POST", `${path}/branches/${main}/roles`, { role: { name: "reporter" } });
  harness.settle();
  await harness.ok("POST", `${path}/branches/${main}/databases`, {
    database: { name: "reports", owner_name: "reporter" },
  });
  harness.settle();
  await query(await uri(main, "reporter", "reports"), "CREATE TABLE mine (i int)");
  const dev = await branch({ name: "dev" });
  await query(await uri(dev.id, "reporter", "app"), "CREATE SCHEMA AUTHORIZATION reporter").catch(
    () => undefined,
  );
  await query(await uri(dev.id, "app", "app"), "GRANT CREATE ON SCHEMA public TO reporter");
  await query(await uri(dev.id, "reporter", "app"), "CREATE TABLE theirs (i int)");
  await harness.ok("PATCH", `${path}/branches/${dev.id}/databases/reports`, {
    database: { owner_name: "app", name: "reporting" },
  });
  harness.settle();
  await harness.ok("DELETE", `${path}/branches/${dev.id}/roles/reporter`);
  harness.settle();
  const owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'theirs'";
  expect(await query(await uri(dev.id, "app", "app"), owner)).toEqual([{ tableowner: "app" }]);
  expect(
    await query(
      await uri(dev.id, "app", "reporting"),
      "SELECT tableowner FROM pg_tables WHERE tablename = 'mine'",
    ),
  ).toEqual([{ tableowner: "app" }]);
  expect(
    await query(
      await uri(main, "reporter", "reports"),
      "SELECT tableowner FROM pg_tables WHERE tablename = 'mine'",
    ),
  ).toEqual([{ tableowner: "reporter" }]);
  expect(await query(await uri(main, "reporter", "reports"), "CREATE TABLE more (i int)")).toEqual([]);
});

test("a running query is cancelled by a cancel request", async () => {
  const { main, uri } = await shop();
  const [one, two] = [
    new pg.Client({ connectionString: await uri(main) }),
    new pg.Client({ connectionString: await uri(main) }),
  ];
  await one.connect();
  await two.connect();
  const sleeping = one.query("SELECT pg_sleep(30)").then(
    () => "slept",
    (error: Error) => error.message,
  );
  const connection = one as unknown as { processID: number; secretKey: number };
  const packet = Buffer.alloc(16);
  for (const [index, value] of [16, 80_877_102, connection.processID, connection.secretKey].entries())
    packet.writeInt32BE(value, index * 4);
  // The query has to have begun; until then a cancel request does nothing.
  await vi.waitUntil(
    async () =>
      (
        await two.query(
          "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()",
        )
      ).rowCount === 1,
    { timeout: 10_000 },
  );
  await new Promise<void>((resolve) => {
    createConnection(postgres.dataPlane.port, "127.0.0.1")
      .on("close", () => resolve())
      .end(packet);
  });
  expect(await sleeping).toBe("canceling statement due to user request");
  await one.end();
  await two.end();
});

test("a second server on the same directory takes over from a running one, never beside it", async () => {
  const own = openDirectory();
  const first = await openPostgres({ directory: own, port: 0 });
  const pidFile = join(own, "data", "postmaster.pid");
  const pid = (): number => Number(readFileSync(pidFile, "utf8").split("\n")[0]);
  const before = pid();
  const second = await openPostgres({ directory: own, port: 0 });
  expect(pid()).not.toBe(before);
  expect(() => process.kill(before, 0)).toThrow("ESRCH");
  await second.stop();
  expect(existsSync(pidFile)).toBe(false);
  await first.stop().catch(() => undefined);
  rmSync(own, { recursive: true, force: true });
}, 60_000);

test("what a killed sandbox did not get to is made at the next start, and what nobody knows is dropped", async () => {
  const { branch, main, uri } = await shop();
  await query(await uri(main), "CREATE TABLE product (name text)", "INSERT INTO product VALUES ('tea')");
  const dev = await branch({ name: "dev" });
  const target = (await query(dev.uri, "SELECT current_database() AS name"))[0]?.["name"];
  await postgres.dataPlane.ensure({
    branchId: "br-unknown",
    roles: [{ name: "app", passwords: [] }],
    databases: [{ id: 7, name: "stray", owner: "app" }],
  });
  await postgres.dataPlane.drop([Number(String(target).replace("neon_", ""))]);
  await expect(query(dev.uri, "SELECT 1")).rejects.toThrow("does not exist");
  await harness.neon.ready();
  expect(await query(dev.uri, "SELECT name FROM product")).toEqual([{ name: "tea" }]);
  const names = (await query(dev.uri, "SELECT datname FROM pg_database")).map((row) => row["datname"]);
  expect(names).toContain(target);
  expect(names).not.toContain("neon_7");
});

test("a branch deleted for good takes its databases along; one that can be recovered keeps its rows", async () => {
  const { branch, main, path, uri } = await shop();
  const names = async (): Promise<unknown[]> =>
    (await query(await uri(main), "SELECT datname FROM pg_database")).map((row) => row["datname"]);
  const kept = await branch({ name: "kept" });
  await query(kept.uri, "CREATE TABLE product (name text)", "INSERT INTO product VALUES ('tea')");
  const gone = await branch({ name: "gone" });
  const target = (await query(gone.uri, "SELECT current_database() AS name"))[0]?.["name"];
  await harness.ok("DELETE", `${path}/branches/${gone.id}?hard_delete=true`);
  harness.settle();
  expect(await names()).not.toContain(target);
  await harness.ok("DELETE", `${path}/branches/${kept.id}`);
  harness.settle();
  await harness.ok("POST", `${path}/branches/${kept.id}/recover`);
  expect(await query(kept.uri, "SELECT name FROM product")).toEqual([{ name: "tea" }]);
});
