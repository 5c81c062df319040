import type { SandboxClock, SandboxRandom } from "./clock.ts";
import type { FaultRule, Faults } from "./faults.ts";
import type { Journal } from "./journal.ts";
import type { SandboxStorage } from "./storage.ts";

/** What every provider of one sandbox shares. */
export interface SandboxContext {
  clock: SandboxClock;
  random: SandboxRandom;
  journal: Journal;
  faults: Faults;
  storage: SandboxStorage;
}

/** Hono bindings of one request (`c.env`): handlers set `changed` when they altered the provider's state. */
export interface RequestEnvironment {
  changed: boolean;
}
export interface SandboxHono {
  Bindings: RequestEnvironment;
}

/** A local GitHub, Neon or Cloudflare: a function from Request to Response over its own state. */
export interface SandboxProvider {
  name: string;
  /**
   * Answers one API request, after journal and faults.
   * @throws ConnectionDropped when a fault closes the connection; the HTTP listener then destroys the socket
   */
  fetch: (request: Request) => Promise<Response>;
  /** Everything that exists, as plain JSON, for oracles; never secret except where the oracle needs the plaintext. */
  state: () => unknown;
}

/** Thrown instead of an answer: the client sees a closed connection and cannot know whether the request was applied. */
export class ConnectionDropped extends TypeError {
  constructor() {
    super("fetch failed");
    this.name = "ConnectionDropped";
  }
}

function faultResponse(rule: FaultRule): Response {
  const text = typeof rule.body === "string";
  const type = text ? "text/html; charset=utf-8" : "application/json";
  const headers = new Headers({ "content-type": type, ...rule.headers });
  const body = rule.body === undefined ? null : text ? (rule.body as string) : JSON.stringify(rule.body);
  return new Response(body, { status: rule.status ?? 500, headers });
}

/** An origin server with a clock says the time in every answer (RFC 9110 §6.6.1), also in one that a fault made up. */
function withDate(response: Response, clock: SandboxClock): Response {
  if (response.headers.has("date")) return response;
  const headers = new Headers(response.headers);
  headers.set("date", new Date(clock.now()).toUTCString());
  const { body, status, statusText } = response;
  return new Response(body, { status, statusText, headers });
}

/** Wraps a provider's Hono app with the journal and the faults of its sandbox. */
export function createProvider(options: {
  name: string;
  /** A Hono app whose bindings are {@link RequestEnvironment}; its own variables and base path do not matter here. */
  app: { fetch(request: Request, environment: RequestEnvironment): Response | Promise<Response> };
  context: SandboxContext;
  state: () => unknown;
}): SandboxProvider {
  const { name, app, context } = options;
  const { clock, faults, journal } = context;
  const fetch = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const path = url.pathname + url.search;
    const environment: RequestEnvironment = { changed: false };
    const finish = (response: Response | undefined, fault?: string): Response => {
      const { changed } = environment;
      const entry = { provider: name, method: request.method, path, status: response?.status ?? 0, changed };
      journal.record(fault === undefined ? entry : { ...entry, fault });
      if (!response) throw new ConnectionDropped();
      return withDate(response, clock);
    };
    const before = faults.match(name, request.method, path, "before");
    if (before) {
      if (before.delay) await clock.sleep(before.delay, request.signal);
      if (before.drop) return finish(undefined, before.id);
      if (before.status !== undefined) return finish(faultResponse(before), before.id);
    }
    const response = await app.fetch(request, environment);
    const after = faults.match(name, request.method, path, "after");
    if (!after) return finish(response, before?.id);
    if (after.delay) await clock.sleep(after.delay, request.signal);
    if (after.drop) return finish(undefined, after.id);
    return finish(after.status === undefined ? response : faultResponse(after), after.id);
  };
  return { name, fetch, state: options.state };
}
