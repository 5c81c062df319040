/** An API server of answers, for tests of the client. */
import { seededRandom, virtualClock } from "../../../runtime/adapters/virtual.ts";
import type { VirtualClock } from "../../../runtime/adapters/virtual.ts";
import { ClusterClient } from "../client.ts";
import { ApiConnection, type ApiConnectionOptions } from "../connection.ts";
import type { ApiRequest, ApiResponse, ApiTransport } from "../transport.ts";

export interface Answer {
  status?: number;
  headers?: Record<string, string | string[]>;
  /** Sent as JSON unless it is text. */
  body?: unknown;
}

/** An answer as the transport hands it out. */
export function response({ body = {}, headers = {}, status = 200 }: Answer): ApiResponse {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from(text));
  }
  return { status, headers, body: Object.assign(bytes(), { text: () => Promise.resolve(text) }) };
}

export interface ScriptedServer {
  client: ClusterClient;
  clock: VirtualClock;
  /** Every request that was sent. */
  asked: ApiRequest[];
}

/**
 * A client whose requests are answered in turn; the last answer is given again and again.
 * @param script answers; an Error is thrown by the network; undefined never answers
 */
export function scripted(
  script: readonly (Answer | Error | undefined)[],
  options: Partial<Omit<ApiConnectionOptions, "transport" | "clock">> = {},
): ScriptedServer {
  const clock = virtualClock();
  const asked: ApiRequest[] = [];
  const transport: ApiTransport = {
    send: (request, signal) => {
      const next = script[Math.min(asked.length, script.length - 1)];
      asked.push(request);
      if (next instanceof Error) return Promise.reject(next);
      if (next !== undefined) return Promise.resolve(response(next));
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      });
    },
    close: () => Promise.resolve(),
  };
  const connection = new ApiConnection({
    server: "https://example.com/",
    transport,
    clock,
    random: seededRandom(),
    ...options,
  });
  return { client: new ClusterClient(connection), clock, asked };
}
