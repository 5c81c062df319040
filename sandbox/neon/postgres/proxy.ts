import { timingSafeEqual } from "node:crypto";
import { createConnection, createServer } from "node:net";
import type { Socket } from "node:net";
import type { Connectable, PhysicalDatabase } from "../data-plane.ts";
import {
  endpointInPassword,
  fatal,
  passwordRequest,
  readPassword,
  readStartup,
  startupPacket,
  takeEndpoint,
} from "./wire.ts";

/** The proxy in front of the Postgres server: clients say which endpoint they want, it knows database and role. */
export interface PostgresProxy {
  port: number;
  setDirectory: (find: (endpointId: string) => Connectable | undefined) => void;
  /** Lets no new connection through to the database while `run` works on it. */
  hold: <Result>(databaseId: number, run: () => Promise<Result>) => Promise<Result>;
  close: () => Promise<void>;
}

/** A refusal, sent to the client as a fatal error with this SQLSTATE. */
class Refusal extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const missingEndpoint =
  "Endpoint ID is not specified. Either please upgrade the postgres client library (libpq) for SNI support or pass the endpoint ID " +
  "(first part of the domain name) as a parameter: '?options=endpoint%3D<endpoint-id>'. See more at https://neon.tech/sni";
const unknownEndpoint =
  "The requested endpoint could not be found, or you don't have access to it. Please check the provided ID and try again.";

/** Bytes of a socket, taken message by message. */
function reader(socket: Socket): {
  next<Message>(read: (buffer: Buffer) => { size: number; message: Message } | undefined): Promise<Message>;
  rest(): Buffer;
} {
  let buffered: Buffer = Buffer.alloc(0);
  return {
    next: (read) =>
      new Promise((resolve, reject) => {
        const finish = (settle: () => void): void => {
          socket.off("data", take).off("close", closed).off("error", closed);
          socket.pause();
          settle();
        };
        const attempt = (): void => {
          try {
            const found = read(buffered);
            if (!found) return;
            buffered = buffered.subarray(found.size);
            finish(() => resolve(found.message));
          } catch (error) {
            finish(() =>
              reject(new Refusal("08P01", error instanceof Error ? error.message : String(error))),
            );
          }
        };
        const take = (chunk: Buffer): void => {
          buffered = Buffer.concat([buffered, chunk]);
          attempt();
        };
        const closed = (): void => finish(() => reject(new Error("the client closed the connection")));
        socket.on("data", take).on("close", closed).on("error", closed);
        attempt();
        if (socket.listeners("data").includes(take)) socket.resume();
      }),
    rest: () => buffered,
  };
}

function samePassword(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** @throws Refusal as Neon's proxy words it */
function admit(
  find: (endpointId: string) => Connectable | undefined,
  request: { endpoint: string | undefined; user: string; database: string; password: string },
): PhysicalDatabase {
  const { user } = request;
  if (request.endpoint === undefined) throw new Refusal("08004", missingEndpoint);
  const target = find(request.endpoint.replace(/-pooler$/, ""));
  if (!target) throw new Refusal("XX000", unknownEndpoint);
  const role = target.branch.roles.find((candidate) => candidate.name === user);
  if (!role?.passwords.some((password) => samePassword(password, request.password))) {
    throw new Refusal("28P01", `password authentication failed for user '${user}'`);
  }
  if (target.disabled)
    throw new Refusal("XX000", "endpoint is disabled. Enable it using Neon API and retry.");
  const database = target.branch.databases.find((candidate) => candidate.name === request.database);
  if (!database) throw new Refusal("3D000", `database "${request.database}" does not exist`);
  return database;
}

/**
 * Listens on 127.0.0.1 and passes connections on to the server's socket.
 * @param options.physicalName the server's name of a database
 * @throws Error when the port is taken
 */
export async function openProxy(options: {
  port: number;
  serverSocket: () => string;
  physicalName: (databaseId: number) => string;
}): Promise<PostgresProxy> {
  let find: (endpointId: string) => Connectable | undefined = () => undefined;
  const holds = new Map<number, Promise<unknown>>();
  const sockets = new Set<Socket>();
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    return socket;
  };

  const connectServer = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const server = track(createConnection(options.serverSocket()));
      server.once("connect", () => {
        server.removeAllListeners("error");
        resolve(server);
      });
      server.once("error", () => reject(new Refusal("57P03", "Couldn't connect to compute node")));
    });

  const join = (client: Socket, server: Socket, first: Buffer): void => {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
    }
    server.write(first);
    client.pipe(server);
    server.pipe(client);
  };

  const serve = async (client: Socket): Promise<void> => {
    const input = reader(client);
    for (;;) {
      const request = await input.next((buffer) => {
        const found = readStartup(buffer);
        return found && { size: found.size, message: found.request };
      });
      if (request.kind === "tls") {
        client.write("N");
        continue;
      }
      if (request.kind === "cancel") {
        const server = await connectServer();
        server.on("error", () => server.destroy());
        server.end(request.packet, () => client.destroy());
        return;
      }
      const { parameters, version } = request;
      const user = parameters.get("user") ?? "";
      const { endpoint, rest } = takeEndpoint(parameters.get("options") ?? "");
      client.write(passwordRequest());
      const answer = await input.next((buffer) => {
        const found = readPassword(buffer);
        return found && { size: found.size, message: found.password };
      });
      const inPassword = endpoint === undefined ? endpointInPassword(answer) : { endpoint, password: answer };
      const database = admit(find, { user, database: parameters.get("database") ?? user, ...inPassword });
      while (holds.has(database.id)) await holds.get(database.id);
      const forwarded = new Map(parameters);
      forwarded.set("user", user);
      forwarded.set("database", options.physicalName(database.id));
      if (rest === "") forwarded.delete("options");
      else forwarded.set("options", rest);
      const server = await connectServer();
      join(client, server, Buffer.concat([startupPacket(version, forwarded), input.rest()]));
      return;
    }
  };

  const listener = createServer({ noDelay: true }, (client) => {
    track(client);
    client.pause();
    serve(client).catch((error: unknown) => {
      client.on("error", () => client.destroy());
      if (error instanceof Refusal) client.end(fatal(error.code, error.message));
      else client.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    listener.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new Error(
              `port ${options.port} on 127.0.0.1 is taken: stop what uses it, or choose another port`,
              { cause: error },
            )
          : error,
      ),
    );
    listener.listen(options.port, "127.0.0.1", resolve);
  });
  const address = listener.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    setDirectory: (directory) => {
      find = directory;
    },
    hold: async (databaseId, run) => {
      while (holds.has(databaseId)) await holds.get(databaseId);
      const { promise, resolve } = Promise.withResolvers<undefined>();
      holds.set(databaseId, promise);
      try {
        return await run();
      } finally {
        holds.delete(databaseId);
        resolve(undefined);
      }
    },
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
