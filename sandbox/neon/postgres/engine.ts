import type { Client, Pool } from "pg";
import type { PhysicalBranch, PhysicalDatabase } from "../data-plane.ts";

/** What the engine needs of `pg`, connected to a database of the server as its superuser. */
export interface EngineConnections {
  pool: Pool;
  connect(database: string): Promise<Client>;
}

/** The databases and roles of one Postgres server that stand for all branches of all projects. */
export interface Engine {
  ensure(branch: PhysicalBranch): Promise<void>;
  drop(databaseIds: readonly number[]): Promise<void>;
  dropRole(role: string, databases: readonly PhysicalDatabase[]): Promise<void>;
  retain(databaseIds: readonly number[]): Promise<void>;
  disconnect(databaseIds: readonly number[]): Promise<void>;
}

/** The server's name of a database: names repeat over branches, ids do not. */
export function physicalName(databaseId: number): string {
  return `neon_${databaseId}`;
}

function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** SQL that empties every table and restarts every sequence of the connected database. */
const truncateAll = `
DO $$
DECLARE item record;
BEGIN
  FOR item IN SELECT format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition
      AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
  LOOP
    EXECUTE 'TRUNCATE TABLE ' || item.name || ' RESTART IDENTITY CASCADE';
  END LOOP;
  FOR item IN SELECT format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' AND n.nspname NOT LIKE 'pg\\_%'
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
  LOOP
    EXECUTE 'ALTER SEQUENCE ' || item.name || ' RESTART';
  END LOOP;
  FOR item IN SELECT format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'm' AND n.nspname NOT LIKE 'pg\\_%'
  LOOP
    EXECUTE 'REFRESH MATERIALIZED VIEW ' || item.name || ' WITH NO DATA';
  END LOOP;
END $$`;

/**
 * @param options.hold keeps clients away from a database while it is copied
 */
export function createEngine(options: {
  connections: EngineConnections;
  hold: <Result>(databaseId: number, run: () => Promise<Result>) => Promise<Result>;
}): Engine {
  const { connections, hold } = options;
  const { pool } = connections;
  let last: Promise<unknown> = Promise.resolve();
  /** One change after another: Postgres refuses to copy a database twice at the same time. */
  const serially = <Result>(run: () => Promise<Result>): Promise<Result> => {
    const next = last.then(run, run);
    last = next.catch(() => undefined);
    return next;
  };

  const exists = async (name: string): Promise<boolean> => {
    const found = await pool.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
    return found.rowCount === 1;
  };

  const ensureRole = async (name: string): Promise<void> => {
    const neonSuperuser = await pool.query("SELECT 1 FROM pg_roles WHERE rolname = 'neon_superuser'");
    if (neonSuperuser.rowCount === 0) {
      await pool.query(
        "CREATE ROLE neon_superuser NOLOGIN CREATEROLE BYPASSRLS IN ROLE pg_read_all_data, pg_write_all_data",
      );
    }
    const found = await pool.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [name]);
    if (found.rowCount === 0)
      await pool.query(`CREATE ROLE ${quote(name)} LOGIN CREATEROLE BYPASSRLS IN ROLE neon_superuser`);
  };

  const terminate = async (name: string): Promise<void> => {
    await pool.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name]);
  };

  /** Copies a database under a working name, so that nobody ever sees half a copy. */
  const copy = async (source: { id: number; schemaOnly: boolean }, working: string): Promise<void> => {
    const name = physicalName(source.id);
    await hold(source.id, async () => {
      for (let attempt = 1; ; attempt += 1) {
        await terminate(name);
        try {
          await pool.query(`CREATE DATABASE ${quote(working)} TEMPLATE ${quote(name)}`);
          return;
        } catch (error) {
          // 55006: a session came back in between, such as an autovacuum worker.
          if ((error as { code?: string }).code !== "55006" || attempt >= 5) throw error;
        }
      }
    });
    if (!source.schemaOnly) return;
    const client = await connections.connect(working);
    try {
      await client.query(truncateAll);
    } finally {
      await client.end();
    }
  };

  const ensureDatabase = async (database: PhysicalDatabase): Promise<void> => {
    const name = physicalName(database.id);
    if (!(await exists(name))) {
      const working = `${name}_new`;
      await pool.query(`DROP DATABASE IF EXISTS ${quote(working)} WITH (FORCE)`);
      const { copyOf } = database;
      if (copyOf && (await exists(physicalName(copyOf.id)))) await copy(copyOf, working);
      else await pool.query(`CREATE DATABASE ${quote(working)} TEMPLATE template0 ENCODING 'UTF8'`);
      await terminate(working);
      await pool.query(`ALTER DATABASE ${quote(working)} RENAME TO ${quote(name)}`);
    }
    await pool.query(`ALTER DATABASE ${quote(name)} OWNER TO ${quote(database.owner)}`);
  };

  return {
    ensure: (branch) =>
      serially(async () => {
        for (const role of branch.roles) await ensureRole(role.name);
        for (const database of branch.databases) await ensureDatabase(database);
      }),
    drop: (databaseIds) =>
      serially(async () => {
        for (const id of databaseIds)
          await pool.query(`DROP DATABASE IF EXISTS ${quote(physicalName(id))} WITH (FORCE)`);
      }),
    dropRole: (role, databases) =>
      serially(async () => {
        for (const database of databases) {
          if (!(await exists(physicalName(database.id)))) continue;
          const client = await connections.connect(physicalName(database.id));
          try {
            // The server's role stands for the role of that name in every branch, and REASSIGN reaches databases of others.
            const others = await client.query<{ datname: string }>(
              "SELECT datname FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE r.rolname = $1",
              [role],
            );
            await client.query("BEGIN");
            await client.query(`REASSIGN OWNED BY ${quote(role)} TO ${quote(database.owner)}`);
            for (const { datname } of others.rows)
              await client.query(`ALTER DATABASE ${quote(datname)} OWNER TO ${quote(role)}`);
            await client.query(`DROP OWNED BY ${quote(role)}`);
            await client.query("COMMIT");
          } finally {
            await client.end();
          }
        }
      }),
    retain: (databaseIds) =>
      serially(async () => {
        const kept = new Set(databaseIds.map(physicalName));
        const found = await pool.query<{ datname: string }>(
          "SELECT datname FROM pg_database WHERE datname LIKE 'neon\\_%'",
        );
        for (const { datname } of found.rows) {
          if (!kept.has(datname)) await pool.query(`DROP DATABASE IF EXISTS ${quote(datname)} WITH (FORCE)`);
        }
      }),
    disconnect: (databaseIds) =>
      serially(async () => {
        for (const id of databaseIds) await terminate(physicalName(id));
      }),
  };
}
