import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ConnectionDropped } from "../provider.ts";

/** A loopback HTTP listener over a fetch-like handler. */
export interface Listener {
  port: number;
  /** Closes the listener and every connection. */
  close: () => Promise<void>;
}

function toRequest(incoming: IncomingMessage, signal: AbortSignal): Request {
  const host = incoming.headers.host ?? "127.0.0.1";
  const target = incoming.url ?? "/";
  // Clients that talk to a proxy, and some that do not, send the absolute form; its origin says no more than Host does.
  const url = new URL(/^https?:\/\//i.test(target) ? target : `http://${host}${target}`);
  const headers = new Headers();
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    headers.append(incoming.rawHeaders[index] ?? "", incoming.rawHeaders[index + 1] ?? "");
  }
  const method = incoming.method ?? "GET";
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers, signal });
  const body = Readable.toWeb(incoming) as unknown as ReadableStream;
  return new Request(url, { method, headers, signal, body, duplex: "half" });
}

async function answer(response: Response, outgoing: ServerResponse, head: boolean): Promise<void> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of response.headers) if (name !== "set-cookie") headers[name] = value;
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  outgoing.writeHead(response.status, headers);
  if (head || response.body === null) {
    await response.body?.cancel();
    outgoing.end();
    return;
  }
  await pipeline(Readable.fromWeb(response.body), outgoing);
}

/**
 * Serves `handler` on 127.0.0.1. Absolute-form request lines are understood; a handler that throws
 * {@link ConnectionDropped} makes the socket close without an answer.
 * @param options.port 0 for any free one
 * @param options.onError what else the handler threw, after it was answered with 500
 * @throws Error when the port is taken
 */
export async function openListener(options: {
  handler: (request: Request) => Promise<Response> | Response;
  port: number;
  onError?: (error: unknown) => void;
}): Promise<Listener> {
  const { handler, onError } = options;
  const server: Server = createServer((incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) gone.abort(new Error("the client closed the connection"));
    });
    const run = async (): Promise<void> => {
      try {
        await answer(await handler(toRequest(incoming, gone.signal)), outgoing, incoming.method === "HEAD");
      } catch (error) {
        if (error instanceof ConnectionDropped || gone.signal.aborted || outgoing.headersSent) {
          incoming.socket.destroy();
          return;
        }
        onError?.(error);
        outgoing.writeHead(500, { "content-type": "application/json" });
        outgoing.end(JSON.stringify({ message: error instanceof Error ? error.message : String(error) }));
      }
    };
    void run();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken =
        error.code === "EADDRINUSE"
          ? `port ${options.port} on 127.0.0.1 is taken: stop what uses it, or choose another port`
          : error.message;
      reject(new Error(taken, { cause: error }));
    });
    server.listen(options.port, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
