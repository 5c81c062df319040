/**
 * Calls to one API server: who we are, how long a call may take, what is repeated, what is counted. Knows HTTP and the
 * server's manners, no resource.
 */
import type { Clock, Random } from "../../runtime/clock.ts";
import { DeadlineExceeded, withDeadline } from "../../runtime/deadline.ts";
import { errorText } from "../../runtime/errors.ts";
import { ApiError } from "../resource-client.ts";
import { ApiUnreachableError, errorOfAnswer } from "./api-error.ts";
import type { Credentials } from "./credentials.ts";
import { queryText, type Query } from "./request-path.ts";
import { waitBeforeRetry } from "./retry-policy.ts";
import type { ApiRequest, ApiResponse, ApiTransport } from "./transport.ts";
import { warningTexts } from "./warnings.ts";

/** One attempt, for metrics. */
export interface ApiAttempt {
  method: string;
  /** HTTP status, or `<error>` where none came, as client-go counts. */
  code: string;
  /** Host and port of the server. */
  host: string;
}

export interface ApiConnectionOptions {
  /** URL of the API server, e.g. `https://127.0.0.1:6443`. */
  server: string;
  /** Trusts the server's authority and presents the client's certificate; see `transport.ts`. */
  transport: ApiTransport;
  clock: Clock;
  random: Random;
  /** Left out: no bearer token is sent. */
  credentials?: Credentials | undefined;
  /** Sent with every request. */
  headers?: Readonly<Record<string, string | string[]>> | undefined;
  /** Milliseconds for one attempt; of a watch, for the beginning of its answer. Default 30,000 */
  deadline?: number | undefined;
  /** Product in the User-Agent, which also is the field manager of writes that name none. Default `flaresmith`. */
  userAgent?: string | undefined;
  onAttempt?: ((attempt: ApiAttempt) => void) | undefined;
  /** Told every warning of the server once. */
  onWarning?: ((text: string) => void) | undefined;
}

export interface ApiCall {
  method: ApiRequest["method"];
  path: string;
  query?: Query;
  body?: unknown;
  contentType?: string;
}

const DEADLINE = 30_000;
/** Warnings that are remembered, so that a reconciler that runs for ever says each once. */
const MOST_WARNINGS = 256;

export class ApiConnection {
  readonly #options: ApiConnectionOptions;
  readonly #server: string;
  readonly #host: string;
  readonly #warned = new Set<string>();

  constructor(options: ApiConnectionOptions) {
    this.#options = options;
    this.#server = options.server.replace(/\/+$/, "");
    this.#host = new URL(options.server).host;
  }

  /**
   * Makes a call and reads its answer.
   * @throws ApiError what the server said; ApiUnreachableError when it said nothing; the signal's reason
   */
  async call<T>(call: ApiCall, signal?: AbortSignal): Promise<T> {
    const { clock, random } = this.#options;
    for (let failed = 1; ; failed++) {
      try {
        return await this.#timely((limited) => this.#read<T>(call, limited), signal);
      } catch (error) {
        const wait = waitBeforeRetry({ method: call.method, error, failed, random });
        if (wait === undefined) throw error;
        await clock.sleep(wait, signal);
      }
    }
  }

  /**
   * Makes a call whose answer goes on: its body is read by the caller, and ends with an error when the connection breaks
   * off. Nothing is repeated.
   * @throws ApiError, ApiUnreachableError; the signal's reason
   */
  async open(call: ApiCall, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    // The deadline is for the beginning of the answer; the signal for as long as it lasts.
    const ended = new AbortController();
    const abort = (): void => ended.abort(signal.reason);
    const leave = (): void => signal.removeEventListener("abort", abort);
    signal.addEventListener("abort", abort, { once: true });
    try {
      const { body } = await this.#timely((limited) => {
        limited.addEventListener("abort", () => ended.abort(limited.reason), { once: true });
        return this.#exchange(call, ended.signal);
      }, signal);
      return this.#streamed(body, signal, leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  async *#streamed(
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    leave: () => void,
  ): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      throw signal.aborted ? signal.reason : new ApiUnreachableError(this.#server, error);
    } finally {
      leave();
    }
  }

  async #timely<T>(run: (signal: AbortSignal) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const { clock, deadline = DEADLINE } = this.#options;
    try {
      return await withDeadline({ clock, milliseconds: deadline }, run, signal);
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      throw error instanceof DeadlineExceeded ? new ApiUnreachableError(this.#server, error) : error;
    }
  }

  async #read<T>(call: ApiCall, signal: AbortSignal): Promise<T> {
    const text = await this.#textOf(await this.#exchange(call, signal));
    try {
      return JSON.parse(text) as T;
    } catch {
      throw errorOfAnswer(502, text);
    }
  }

  async #textOf({ body }: ApiResponse): Promise<string> {
    try {
      return await body.text();
    } catch (error) {
      throw new ApiUnreachableError(this.#server, error);
    }
  }

  /** Sends a call, again with another token if the server refused the first. @throws ApiError unless the answer is 2xx */
  async #exchange(call: ApiCall, signal: AbortSignal): Promise<ApiResponse> {
    const { credentials } = this.#options;
    const token = await this.#token(() => credentials?.token());
    let response = await this.#send(call, token, signal);
    if (response.status === 401 && token !== undefined) {
      const other = await this.#token(() => credentials?.replacement(token));
      if (other !== undefined) {
        await this.#textOf(response);
        response = await this.#send(call, other, signal);
      }
    }
    for (const text of warningTexts(response.headers["warning"])) this.#warn(text);
    if (response.status >= 200 && response.status < 300) return response;
    throw errorOfAnswer(response.status, await this.#textOf(response), response.headers["retry-after"]);
  }

  async #token(get: () => Promise<string | undefined> | undefined): Promise<string | undefined> {
    try {
      return await get();
    } catch (error) {
      const message = `there are no credentials for ${this.#server}: ${errorText(error)}`;
      throw new ApiError({ code: 401, reason: "Unauthorized", message, cause: error });
    }
  }

  async #send(call: ApiCall, token: string | undefined, signal: AbortSignal): Promise<ApiResponse> {
    const { headers, onAttempt, transport, userAgent = "flaresmith" } = this.#options;
    const { body, contentType = "application/json", method, path, query } = call;
    const attempt = (code: string): void => onAttempt?.({ method, code, host: this.#host });
    let response: ApiResponse;
    try {
      response = await transport.send(
        {
          method,
          url: `${this.#server}${path}${queryText(query)}`,
          headers: {
            ...headers,
            accept: "application/json",
            "user-agent": userAgent,
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(body === undefined ? {} : { "content-type": contentType }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        },
        signal,
      );
    } catch (error) {
      attempt("<error>");
      throw new ApiUnreachableError(this.#server, error);
    }
    attempt(String(response.status));
    return response;
  }

  #warn(text: string): void {
    if (this.#warned.has(text) || this.#warned.size >= MOST_WARNINGS) return;
    this.#warned.add(text);
    this.#options.onWarning?.(text);
  }
}
