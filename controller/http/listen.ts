/** A TCP listener around an app, with the time limits that keep slow clients from holding it. */
import { createAdaptorServer } from "@hono/node-server";
import { FlaresmithError, errorText } from "../runtime/errors.ts";

export interface Listener {
  /** `http://host:port`, with the port that was really taken. */
  readonly url: string;
  readonly port: number;
  /** Refuses new connections, lets requests finish; closes what is open when the signal is aborted. */
  close(signal?: AbortSignal): Promise<void>;
}

export interface ListenOptions {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** What listens, for error messages: `ops`, `webhooks`. */
  readonly name: string;
  /** Undefined: every address of this machine, IPv6 and IPv4. */
  readonly host: string | undefined;
  /** 0 takes any free port. */
  readonly port: number;
  /** Default: 30 s for a request, 10 s for its headers, 1024 connections. */
  readonly limits?: ListenLimits | undefined;
}

/** How long and how many clients may be. */
interface ListenLimits {
  /** Milliseconds for a whole request, body included. */
  readonly request: number;
  /** Milliseconds for its headers. */
  readonly headers: number;
  /** Milliseconds between two looks at that. */
  readonly check: number;
  /** Connections at once; further ones are closed at once. */
  readonly connections: number;
}

const defaultLimits: ListenLimits = { request: 30_000, headers: 10_000, check: 2_000, connections: 1024 };

const urlHost = (host: string): string => (host.includes(":") ? `[${host}]` : host);

/** @throws FlaresmithError REQUEST_INVALID when the address cannot be listened on, naming it */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { fetch, host, name, port, limits = defaultLimits } = options;
  const server = createAdaptorServer({
    fetch,
    serverOptions: {
      requestTimeout: limits.request,
      headersTimeout: limits.headers,
      connectionsCheckingInterval: limits.check,
    },
  });
  server.maxConnections = limits.connections;
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, host, resolve);
  try {
    await listening;
  } catch (error) {
    throw new FlaresmithError({
      code: "REQUEST_INVALID",
      message: `the ${name} listener cannot use ${urlHost(host ?? "")}:${port}: ${errorText(error)}`,
      hint: "Choose another address, or stop what listens there.",
      cause: error,
    });
  }
  const taken = server.address();
  const { address, port: actual } =
    taken !== null && typeof taken === "object" ? taken : { address: "", port };
  return {
    url: `http://${urlHost(host ?? address)}:${actual}`,
    port: actual,
    close: async (signal) => {
      const { promise: closed, resolve: end } = Promise.withResolvers<void>();
      server.close(() => end());
      const cut = (): void => {
        if ("closeAllConnections" in server) server.closeAllConnections();
      };
      // Connections that only wait for a next request must not hold the process.
      if ("closeIdleConnections" in server) server.closeIdleConnections();
      if (signal?.aborted === true) cut();
      signal?.addEventListener("abort", cut, { once: true });
      await closed;
      signal?.removeEventListener("abort", cut);
    },
  };
}
