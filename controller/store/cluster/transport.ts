/** The network under a cluster client: connections are kept and reused, and trust the cluster's authority alone. */
import { Agent, fetch } from "undici";
import type { Fetch } from "../../runtime/clock.ts";
import type { ClusterAccess } from "./kubeconfig.ts";
import { ClusterClient } from "./client.ts";

export interface Transport {
  fetch: Fetch;
  /** Closes idle connections and ends those in use. */
  close: () => Promise<void>;
}

/** Opens no connection until the first request. */
export function clusterTransport(access: Pick<ClusterAccess, "authority" | "client">): Transport {
  const agent = new Agent({
    // A watch is silent for as long as nothing happens.
    bodyTimeout: 0,
    headersTimeout: 60_000,
    connections: 32,
    connect: {
      ...(access.authority === undefined ? {} : { ca: access.authority }),
      ...(access.client === undefined
        ? {}
        : { cert: access.client.certificate, key: access.client.privateKey }),
    },
  });
  const through = fetch as unknown as (input: unknown, init: unknown) => Promise<Response>;
  return {
    fetch: (input, init) => through(input, { ...init, dispatcher: agent }),
    close: () => agent.destroy(),
  };
}

/** A client for what a kubeconfig describes, with the transport that it uses. */
export function connectCluster(access: ClusterAccess): { client: ClusterClient; close: () => Promise<void> } {
  const transport = clusterTransport(access);
  const client = new ClusterClient({
    server: access.server,
    fetch: transport.fetch,
    ...(access.token === undefined ? {} : { token: () => access.token }),
  });
  return { client, close: () => transport.close() };
}
