import { startPostgres } from "../../core/adapters/postgres-server.ts";
import type { PostgresServer } from "../../core/adapters/postgres-server.ts";
import type { PostgresDataPlane } from "../data-plane.ts";
import { createEngine, physicalName } from "./engine.ts";
import { openProxy } from "./proxy.ts";

/** A running Postgres with the proxy in front of it. */
export interface Postgres {
  dataPlane: PostgresDataPlane;
  /** Closes every connection and stops the server. */
  stop: () => Promise<void>;
}

/**
 * Starts the Postgres behind Neon's branches, with its data in `directory` and the proxy that clients connect to on
 * 127.0.0.1.
 * @param options.port the proxy's port; 0 for any free one
 * @throws Error when the port is taken or the server does not start
 */
export async function openPostgres(options: {
  directory: string;
  port: number;
  log?: (line: string) => void;
}): Promise<Postgres> {
  const { default: pg } = await import("pg");
  let server: PostgresServer | undefined;
  // The port first: another sandbox that serves from this directory holds it, and its server must not be stopped.
  const proxy = await openProxy({
    port: options.port,
    serverSocket: () => server?.socketPath ?? "",
    physicalName,
  });
  try {
    server = await startPostgres({
      directory: options.directory,
      ...(options.log === undefined ? {} : { log: options.log }),
    });
  } catch (error) {
    await proxy.close();
    throw error;
  }
  const { socketDirectory, user, stop } = server;
  const access = { host: socketDirectory, port: 5432, user };
  const pool = new pg.Pool({ ...access, database: "postgres", max: 2 });
  const report = (error: Error): void => options.log?.(`sandbox: Postgres: ${error.message}`);
  pool.on("error", report);
  const engine = createEngine({
    connections: {
      pool,
      connect: async (database) => {
        const client = new pg.Client({ ...access, database });
        client.on("error", report);
        await client.connect();
        return client;
      },
    },
    hold: proxy.hold,
  });
  return {
    dataPlane: { host: "127.0.0.1", port: proxy.port, attach: proxy.setDirectory, ...engine },
    stop: async () => {
      await proxy.close();
      await pool.end();
      await stop();
    },
  };
}
