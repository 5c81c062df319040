/** Serves the API on the loopback interface over TLS, and keeps the kubeconfig that reaches it. */
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { SecureContextOptions } from "node:tls";
import { getRequestListener } from "@hono/node-server";
import { yieldToEventLoop } from "../runtime/adapters/event-loop.ts";
import type { Clock, Random } from "../runtime/clock.ts";
import { FlaresmithError } from "../runtime/errors.ts";
import { createApiServer, type ApiServerOptions } from "./api-server.ts";
import { renewDaily } from "./certificate-renewal.ts";
import { keepKubeconfig } from "./keep-kubeconfig.ts";
import { readIfThere, writePrivate } from "./private-file.ts";
import { servingCertificate, type ServingCertificate } from "./tls.ts";

export interface ServeApiOptions extends Omit<ApiServerOptions, "tokens" | "address" | "yieldToLoop"> {
  /** The data directory: certificates, token, port and kubeconfig are kept in it. Made when missing. */
  directory: string;
  clock: Clock;
  random: Random;
  /** Port to listen on. Default: the one of the last run when it is free, else any. */
  port?: number;
  /** Called with what kept the certificate from being renewed; it is tried again the next day. */
  onRenewalError?: (error: unknown) => void;
  /** Default: as kube-apiserver, 32 s for headers and 60 s for a request. */
  limits?: ClientLimits;
}

export interface ServedApi {
  /** `https://127.0.0.1:<port>` */
  url: string;
  port: number;
  /** Path of the kubeconfig. */
  kubeconfig: string;
  /** Where the file went that had its place and was no kubeconfig. */
  kubeconfigSetAside: string | undefined;
  /** The bearer token, for clients in this process and for the read API. */
  token: string;
  /** PEM of the authority that signed the server's certificate. */
  readonly authority: string;
  /** Requests that are being answered now, watches among them. */
  readonly requests: number;
  /**
   * Stops accepting, ends every watch, lets requests that are being answered finish within five seconds, and resolves
   * when all connections are closed.
   */
  close: () => Promise<void>;
}

const LOOPBACK = "127.0.0.1";
/** Idle connections are kept longer than clients keep them, so that no request meets a closing one. */
const KEEP_ALIVE_MILLISECONDS = 120_000;
/** How long a request may go on when the server stops. */
const STOP_MILLISECONDS = 5_000;

/** How long a client may take, in milliseconds. */
interface ClientLimits {
  /** For the TLS handshake, and then for the headers of a request. */
  headers: number;
  /** For a whole request, body included. */
  request: number;
  /** How often that is looked at. */
  check: number;
}

/** As kube-apiserver has them (`secure_serving.go` ReadHeaderTimeout, `--request-timeout`). */
const CLIENT_LIMITS: ClientLimits = { headers: 32_000, request: 60_000, check: 5_000 };

interface Remembered {
  token: string;
  port: number;
}

function parseRemembered(text: string | undefined): Partial<Remembered> {
  if (text === undefined) return {};
  try {
    const value = JSON.parse(text) as Partial<Remembered> | null;
    return {
      ...(typeof value?.token === "string" && value.token.length >= 32 ? { token: value.token } : {}),
      ...(typeof value?.port === "number" && Number.isInteger(value.port) ? { port: value.port } : {}),
    };
  } catch {
    // A torn file: a new token is written, and the kubeconfig with it.
    return {};
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(error);
    server.once("error", onError);
    server.listen(port, LOOPBACK, () => {
      server.off("error", onError);
      resolve();
    });
  });
}

function secureContext({ certificate, privateKey }: ServingCertificate): SecureContextOptions {
  return { cert: certificate, key: privateKey, minVersion: "TLSv1.2" };
}

/** @throws FlaresmithError REQUEST_INVALID when the wanted port cannot be had */
async function listenSomewhere(
  server: Server,
  wanted: number | undefined,
  remembered: number | undefined,
): Promise<void> {
  if (wanted !== undefined) {
    try {
      await listen(server, wanted);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EADDRINUSE" && code !== "EACCES") throw error;
      const why = code === "EADDRINUSE" ? "is taken by another process" : "may not be used by this user";
      throw new FlaresmithError({
        code: "REQUEST_INVALID",
        message: `port ${wanted} for the API ${why}`,
        hint: "Choose another one (--api-port), or stop what listens there.",
        cause: error,
      });
    }
    return;
  }
  if (remembered !== undefined) {
    try {
      await listen(server, remembered);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EADDRINUSE" && code !== "EACCES") throw error;
    }
  }
  await listen(server, 0);
}

/**
 * Serves the API. Files in the directory, all of mode 0600: `ca.crt`, `ca.key`, `server.crt`, `server.key`, `api.json`
 * (token and port), `kubeconfig` (in which the entries of others stay).
 * @throws FlaresmithError REQUEST_INVALID when the wanted port cannot be had; Error when the directory cannot be written
 */
export async function serveApi(options: ServeApiOptions): Promise<ServedApi> {
  const {
    directory,
    clock,
    random,
    port: wanted,
    limits = CLIENT_LIMITS,
    onRenewalError = () => undefined,
    ...rest
  } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  let certificate = await servingCertificate({ directory, clock, random });
  const state = join(directory, "api.json");
  const remembered = parseRemembered(await readIfThere(state));
  const token = remembered.token ?? random.hex(32);
  let port = 0;
  const ending = new AbortController();
  const app = createApiServer({
    ...rest,
    clock,
    random,
    tokens: [{ token, username: "flaresmith-admin", groups: ["system:masters", "system:authenticated"] }],
    address: () => `${LOOPBACK}:${port}`,
    yieldToLoop: yieldToEventLoop,
    ending: ending.signal,
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const answering = new Set<unknown>();
  let idle = (): void => undefined;
  const server = createServer(
    {
      ...secureContext(certificate),
      keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
      handshakeTimeout: limits.headers,
      headersTimeout: limits.headers,
      requestTimeout: limits.request,
      connectionsCheckingInterval: limits.check,
    },
    (incoming, outgoing) => {
      answering.add(outgoing);
      outgoing.once("close", () => {
        answering.delete(outgoing);
        if (answering.size === 0) idle();
      });
      void listener(incoming, outgoing);
    },
  );
  await listenSomewhere(server, wanted, remembered.port);
  ({ port } = server.address() as AddressInfo);
  const url = `https://${LOOPBACK}:${port}`;
  await writePrivate(state, `${JSON.stringify({ token, port } satisfies Remembered)}\n`);
  const kubeconfig = join(directory, "kubeconfig");
  const keep = (authority: string): Promise<string | undefined> =>
    keepKubeconfig(kubeconfig, { server: url, authority, token });
  const kubeconfigSetAside = await keep(certificate.authority);
  const renewal = renewDaily(
    clock,
    async () => {
      const next = await servingCertificate({ directory, clock, random });
      if (next.certificate === certificate.certificate) return;
      if (next.authority !== certificate.authority) await keep(next.authority);
      certificate = next;
      server.setSecureContext(secureContext(certificate));
    },
    onRenewalError,
  );
  return {
    url,
    port,
    kubeconfig,
    kubeconfigSetAside,
    token,
    get authority() {
      return certificate.authority;
    },
    get requests() {
      return answering.size;
    },
    close: async () => {
      const renewed = renewal.stop();
      await new Promise<void>((resolve) => {
        // Also those that only wait for a next request, or hold on to one.
        const cut = (): void => {
          limit.cancel();
          server.closeAllConnections();
        };
        const limit = clock.setTimer(STOP_MILLISECONDS, cut);
        server.close(() => resolve());
        ending.abort();
        if (answering.size === 0) cut();
        else idle = cut;
      });
      await renewed;
    },
  };
}
