/** A client that sends what it is told, byte by byte, and keeps no rule of HTTP. */
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export interface RawClient {
  readonly socket: Socket;
  /** Sends text or bytes; resolves when they are handed to the system, or the other side is gone. */
  send(data: string | Uint8Array): Promise<void>;
  /** Everything that came back so far. */
  received(): string;
  /** Resolves when what came back, of much its end, matches; rejects when the connection ends before that. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>;
  end(): void;
}

/** Characters that are looked at again whenever something comes. */
const TAIL = 64 * 1024;

/** @param options.authority PEM: speaks TLS and trusts it */
export async function rawClient(options: { port: number; authority?: string }): Promise<RawClient> {
  const { port, authority } = options;
  const address = { host: "127.0.0.1", port };
  const socket =
    authority === undefined
      ? connectPlain(address)
      : connectTls({ ...address, ca: authority, servername: "localhost" });
  let text = "";
  let tail = "";
  let isOver = false;
  const watchers = new Set<() => void>();
  const look = (): void => {
    for (const watcher of Array.from(watchers)) watcher();
  };
  socket.on("data", (chunk: Buffer) => {
    const piece = chunk.toString("latin1");
    text += piece;
    // Looking at the whole again with every piece would cost more than what is tested.
    tail = (tail + piece).slice(-TAIL);
    look();
  });
  // A server that cuts a hostile client off may reset the connection: that is an end like another.
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => {
      isOver = true;
      look();
      resolve();
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.once(authority === undefined ? "connect" : "secureConnect", () => resolve());
    socket.once("error", reject);
  });
  return {
    socket,
    closed,
    received: () => text,
    send: (data) => {
      if (isOver || !socket.writable) return closed;
      const handed = new Promise<void>((resolve) => socket.write(data, () => resolve()));
      return Promise.race([handed, closed]);
    },
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const watcher = (): void => {
          if (pattern.test(tail)) resolve(text);
          else if (isOver)
            reject(new Error(`the connection ended after ${JSON.stringify(text.slice(0, 500))}`));
          else return;
          watchers.delete(watcher);
        };
        watchers.add(watcher);
        watcher();
      }),
    end: () => socket.destroy(),
  };
}
