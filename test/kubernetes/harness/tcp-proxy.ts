/** A network that a test can break, between a client and a server on this machine. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

const LOOPBACK = "127.0.0.1";

export interface TcpProxy {
  port: number;
  /** Ends every open connection with a reset; new ones go through. */
  cut(): void;
  /** From now on nothing passes over the connections that are open, and neither side learns of it; new ones go through. */
  silence(): void;
  close(): Promise<void>;
}

interface Passage {
  client: Socket;
  server: Socket;
  isSilent: boolean;
}

/** Listens on a free port and passes on, byte by byte, what goes to and comes from `port`. */
export async function startTcpProxy(port: number): Promise<TcpProxy> {
  const passages = new Set<Passage>();
  const end = (passage: Passage): void => {
    passages.delete(passage);
    passage.client.destroy();
    passage.server.destroy();
  };
  const listener = createServer({ noDelay: true }, (client) => {
    const server = connect({ host: LOOPBACK, port, noDelay: true });
    const passage: Passage = { client, server, isSilent: false };
    passages.add(passage);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("data", (bytes) => {
        if (passage.isSilent) return;
        from.pause();
        to.write(bytes, () => from.resume());
      });
      from.on("error", () => undefined);
      // A side that leaves a silent connection is not missed by the other.
      from.on("close", () => {
        if (!passage.isSilent) end(passage);
      });
    }
  });
  listener.listen(0, LOOPBACK);
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    cut() {
      for (const { client, server } of passages) {
        client.resetAndDestroy();
        server.resetAndDestroy();
      }
    },
    silence() {
      for (const passage of passages) passage.isSilent = true;
    },
    async close() {
      for (const passage of passages) end(passage);
      listener.close();
      await once(listener, "close");
    },
  };
}
