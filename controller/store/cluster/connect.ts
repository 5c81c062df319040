/** A client for one cluster, put together from what a kubeconfig or a service account says. */
import { isIPv4 } from "node:net";
import { runCredentialPlugin } from "../../runtime/adapters/run-credential-plugin.ts";
import type { Clock, Random } from "../../runtime/clock.ts";
import type { ClusterAccess, Impersonation } from "./access.ts";
import { ClusterClient } from "./client.ts";
import { ApiConnection, type ApiConnectionOptions } from "./connection.ts";
import { fixedToken, telling, tokenFromFile, tokenFromPlugin, type Credentials } from "./credentials.ts";
import { clusterTransport } from "./transport.ts";

export interface ConnectOptions extends Pick<
  ApiConnectionOptions,
  "deadline" | "onAttempt" | "onWarning" | "userAgent"
> {
  clock: Clock;
  random: Random;
  /** Told every token whenever it is used, so that it is kept out of logs. */
  onToken?: ((token: string) => void) | undefined;
  /** Environment of a credential plugin. Default: none */
  environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** See `clusterDispatcher`. */
  http2?: boolean | undefined;
}

export interface ConnectedCluster {
  client: ClusterClient;
  /** The body of a GET for what is no resource. @throws ApiError what the server said */
  open: (path: string) => Promise<AsyncIterable<Uint8Array>>;
  /** Ends all connections. */
  close: () => Promise<void>;
}

/**
 * Opens nothing before the first call. Clients that are connected apart share no connection.
 * @throws Error when credentials would be sent in clear over a network
 */
export function connectCluster(access: ClusterAccess, options: ConnectOptions): ConnectedCluster {
  const { clock, deadline, http2 = false, onAttempt, onToken, onWarning, random, userAgent } = options;
  const known = credentialsOf(access, options);
  const credentials = known === undefined || onToken === undefined ? known : telling(known, onToken);
  const { hostname, protocol } = new URL(access.server);
  if (protocol === "http:" && credentials !== undefined && !isLoopback(hostname))
    throw new Error(`${access.server} is plain http: credentials are sent over https only`);
  const transport = clusterTransport(access, { http2 });
  const connection = new ApiConnection({
    server: access.server,
    transport,
    clock,
    random,
    credentials,
    headers: access.impersonate === undefined ? {} : impersonationHeaders(access.impersonate),
    deadline,
    onAttempt,
    onWarning,
    userAgent,
  });
  return {
    client: new ClusterClient(connection),
    open: (path) => connection.open({ method: "GET", path }, new AbortController().signal),
    close: () => transport.close(),
  };
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" || hostname === "[::1]" || (isIPv4(hostname) && hostname.startsWith("127."))
  );
}

function credentialsOf(access: ClusterAccess, options: ConnectOptions): Credentials | undefined {
  const { clock, environment = {} } = options;
  const { plugin, token, tokenFile } = access;
  if (tokenFile !== undefined) return tokenFromFile({ path: tokenFile, clock });
  if (token !== undefined) return fixedToken(token);
  if (plugin === undefined) return undefined;
  return tokenFromPlugin({ clock, run: () => runCredentialPlugin(plugin, { clock, environment }) });
}

/** @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation */
function impersonationHeaders({
  extra,
  groups,
  uid,
  user,
}: Impersonation): Record<string, string | string[]> {
  const extras = Object.entries(extra).map(([name, values]) => [
    `impersonate-extra-${encodeURIComponent(name.toLowerCase())}`,
    [...values],
  ]);
  return {
    "impersonate-user": user,
    ...(uid === undefined ? {} : { "impersonate-uid": uid }),
    ...(groups.length === 0 ? {} : { "impersonate-group": [...groups] }),
    ...(Object.fromEntries(extras) as Record<string, string[]>),
  };
}
