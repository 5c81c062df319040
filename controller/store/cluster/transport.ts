/** The network under a cluster client: connections are kept and reused, and trust the cluster's authority alone. */
import { Agent, ProxyAgent, request, type Dispatcher } from "undici";
import type { ClusterAccess } from "./access.ts";
import { renewedConnector } from "./renewed-connector.ts";

export interface ApiRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: string;
  headers: Readonly<Record<string, string | string[]>>;
  body?: string;
}

export interface ApiResponse {
  status: number;
  /** Names in lower case; several values where a header came several times. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: AsyncIterable<Uint8Array> & { text(): Promise<string> };
}

export interface ApiTransport {
  /** Sends one request. Aborting ends it and its answer's body. @throws what the network says; the signal's reason */
  send(request: ApiRequest, signal: AbortSignal): Promise<ApiResponse>;
  /** Closes idle connections and ends those in use. */
  close(): Promise<void>;
}

/** How long an idle connection is kept, in milliseconds: below what servers and load balancers keep (60 s and more). */
const IDLE = 30_000;
/** Connections at once. A watch holds one for as long as it runs. */
const CONNECTIONS = 32;

/** What TLS needs to know, and where a proxy stands. */
export type TransportAccess = Pick<
  ClusterAccess,
  "authority" | "client" | "files" | "skipVerification" | "serverName" | "proxy"
>;

/**
 * The dispatcher of {@link clusterTransport}, for what speaks HTTP by itself.
 * @param options.http2 default false: over HTTP/1.1 a call that runs into its deadline takes its dead connection with it,
 * whereas one HTTP/2 connection that silently died holds up every call until somebody notices (specs/013)
 */
export function clusterDispatcher(access: TransportAccess, options: { http2?: boolean } = {}): Dispatcher {
  const { authority, client, files, proxy, serverName, skipVerification } = access;
  const certificates = {
    ...(authority === undefined ? {} : { ca: authority }),
    ...(client === undefined ? {} : { cert: client.certificate, key: client.privateKey }),
  };
  const settings = {
    timeout: 10_000,
    ...(skipVerification === true ? { rejectUnauthorized: false } : {}),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
  const tls = { ...settings, ...certificates };
  const common = {
    allowH2: options.http2 ?? false,
    connections: CONNECTIONS,
    keepAliveTimeout: IDLE,
    keepAliveMaxTimeout: IDLE,
    // Deadlines are the caller's; a watch is silent for as long as nothing happens.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  // Through a proxy, undici takes certificates only once.
  if (proxy !== undefined) return new ProxyAgent({ ...common, uri: proxy, requestTls: tls });
  const connect =
    files === undefined
      ? tls
      : renewedConnector(files, { ...settings, allowH2: common.allowH2 }, certificates);
  return new Agent({ ...common, connect });
}

/** Opens no connection until the first request. `undici.request` costs less than half of what fetch costs. */
export function clusterTransport(access: TransportAccess, options: { http2?: boolean } = {}): ApiTransport {
  const dispatcher = clusterDispatcher(access, options);
  return {
    send: async ({ body, headers, method, url }, signal) => {
      const answer = await request(url, {
        method,
        headers,
        dispatcher,
        signal,
        ...(body === undefined ? {} : { body }),
      });
      return { status: answer.statusCode, headers: answer.headers, body: answer.body };
    },
    close: () => dispatcher.destroy(),
  };
}
