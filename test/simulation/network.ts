/** The network between one process and the providers: latency, and what goes wrong on the way. */
import type { Fetch } from "../../controller/runtime/clock.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import type { CallFate, Faults, ProviderName } from "./faults.ts";
import type { Kernel } from "./kernel.ts";
import { whenAborted } from "./when-aborted.ts";

/** What the network has to know of the process whose calls it carries. */
interface Caller {
  readonly name: string;
  readonly alive: boolean;
  /** Aborted when the run is over: what nobody answers is broken off then. */
  readonly over: AbortSignal;
  kill(why: string): void;
}

/** A call as it left the process. */
export interface Call {
  process: string;
  provider: ProviderName;
  method: string;
  path: string;
  /** Milliseconds since the epoch. */
  sentAt: number;
}

export interface NetworkOptions {
  kernel: Kernel;
  sandbox: Sandbox;
  faults: Faults;
  /** Decides for one call more than the plan does: the sweep crashes at the nth. */
  fate?: ((call: Call, drawn: CallFate) => CallFate) | undefined;
  /** Told of every call as it leaves. */
  onSend(call: Call): void;
  /** Told that the provider handled a call, and whether that changed anything. */
  onHandled(call: Call, status: number, changed: boolean): void;
  /** Told that the process got an answer. `retryAfter`: seconds that it was asked to wait. */
  onAnswer(call: Call, status: number, retryAfter: number | undefined): void;
}

interface Answer {
  status: number;
  headers: [string, string][];
  body: ArrayBuffer | string | null;
}

const json: [string, string][] = [["content-type", "application/json"]];
const html: [string, string][] = [["content-type", "text/html"]];
const page = "<html><body>Bad Gateway</body></html>";

/** The provider's own words while a period of trouble lasts; undefined when there is none. */
function troubleOf(faults: Faults, provider: ProviderName, method: string): Answer | "drop" | undefined {
  const outage = faults.during("outage", provider);
  if (outage) {
    // An outage looks different from call to call only between seeds.
    const kinds = ["drop", 500, 502, 503, 524] as const;
    const kind = kinds[Math.floor(outage.from) % kinds.length] ?? "drop";
    return kind === "drop" ? "drop" : { status: kind, headers: html, body: page };
  }
  if (faults.during("token-refused", provider)) {
    const body = {
      github: '{"message":"Bad credentials"}',
      neon: '{"code":"","message":"authorization failed"}',
    };
    const cloudflare =
      '{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"result":null}';
    return { status: 401, headers: json, body: provider === "cloudflare" ? cloudflare : body[provider] };
  }
  const limit = faults.during("rate-limit", provider);
  if (limit) return limited(provider, limit.amount);
  if (faults.during("rate-limit-unannounced", provider)) return limited(provider, undefined);
  if (method !== "GET" && faults.during("locked", provider)) {
    const message =
      "project already has running conflicting operations, scheduling of new ones is prohibited";
    return { status: 423, headers: json, body: JSON.stringify({ code: "", message }) };
  }
  return undefined;
}

function limited(provider: ProviderName, seconds: number | undefined): Answer {
  const wait: [string, string][] = seconds === undefined ? [] : [["retry-after", String(seconds)]];
  if (provider === "github") {
    const message =
      "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    return { status: 403, headers: [...json, ...wait], body: JSON.stringify({ message }) };
  }
  const cloudflare = { success: false, errors: [{ code: 971, message: "rate limited" }], result: null };
  const body = provider === "neon" ? { code: "", message: "rate limited" } : cloudflare;
  return { status: 429, headers: [...json, ...wait], body: JSON.stringify(body) };
}

function providerOf(sandbox: Sandbox, url: URL): ProviderName {
  const found = (["github", "neon", "cloudflare"] as const).find(
    (name) => sandbox.origins[name] === url.origin,
  );
  if (found === undefined) throw new TypeError(`fetch failed: nobody is at ${url.origin}`);
  return found;
}

const withoutBody = new Set([101, 204, 205, 304]);

function toResponse({ body, headers, status }: Answer): Response {
  return new Response(withoutBody.has(status) ? null : body, { status, headers });
}

/** The fetch of one process. Answers of a process that died reach nobody; what it sent still arrives. */
export function networkOf(caller: Caller, options: NetworkOptions): Fetch {
  const { faults, kernel, sandbox } = options;

  const atProvider = async (call: Call, request: () => Request): Promise<Answer> => {
    const journal = sandbox.context.journal;
    const before = journal.last();
    const answer = await kernel.operation(async (): Promise<Answer> => {
      const response = await sandbox.fetch(request());
      return { status: response.status, headers: [...response.headers], body: await response.arrayBuffer() };
    });
    const changed = journal.since(before).some((entry) => entry.changed);
    kernel.trace(
      `${call.process} ${call.provider} ${call.method} ${call.path} = ${answer.status}${changed ? " changed" : ""}`,
    );
    options.onHandled(call, answer.status, changed);
    return answer;
  };

  const handle = async (call: Call, request: () => Request, fate: CallFate): Promise<Answer | "lost"> => {
    if (fate.lost === "request") return "lost";
    const trouble = troubleOf(faults, call.provider, call.method);
    if (trouble !== undefined) {
      kernel.trace(
        `${call.process} ${call.provider} ${call.method} ${call.path} meets ${trouble === "drop" ? "no answer" : trouble.status}`,
      );
      return trouble === "drop" ? "lost" : trouble;
    }
    if (fate.failure === "before") return { status: 502, headers: html, body: page };
    const first = await atProvider(call, request);
    const answer = fate.twice === true ? await atProvider(call, request) : first;
    if (fate.lost === "answer") return "lost";
    if (fate.failure === "after") return { status: 502, headers: html, body: page };
    if (fate.garbled === "html") return { status: answer.status, headers: html, body: page };
    if (fate.garbled === "broken-json" && answer.body instanceof ArrayBuffer && answer.body.byteLength > 2)
      return { ...answer, body: answer.body.slice(0, answer.body.byteLength >> 1) };
    return answer;
  };

  const never = (): Promise<Response> =>
    new Promise((_resolve, reject) => whenAborted(caller.over, () => reject(caller.over.reason as Error)));

  return async (input, init) => {
    if (!caller.alive) return never();
    const given = new Request(input, init);
    const { signal } = given;
    signal.throwIfAborted();
    const url = new URL(given.url);
    const body = given.body === null ? undefined : await kernel.operation(() => given.arrayBuffer());
    // The signal stays behind: what was sent is not called back.
    const request = (): Request =>
      new Request(url, {
        method: given.method,
        headers: given.headers,
        redirect: "manual",
        ...(body === undefined ? {} : { body }),
      });
    const call: Call = {
      process: caller.name,
      provider: providerOf(sandbox, url),
      method: given.method,
      path: url.pathname + url.search,
      sentAt: kernel.now(),
    };
    const drawn = faults.call(call.method);
    const fate = options.fate?.(call, drawn) ?? drawn;
    if (fate.crash === "before") {
      caller.kill(`before ${call.method} ${call.path}`);
      return never();
    }
    options.onSend(call);
    return new Promise<Response>((resolve, reject) => {
      let over = false;
      whenAborted(caller.over, () => reject(caller.over.reason as Error));
      const end = (settle: () => void): void => {
        if (over || !caller.alive) return;
        over = true;
        settle();
      };
      signal.addEventListener("abort", () => end(() => reject(signal.reason as Error)), { once: true });
      const arrive = async (): Promise<void> => {
        const answer = await handle(call, request, fate);
        if (fate.crash === "after") caller.kill(`after ${call.method} ${call.path}`);
        kernel.after(fate.back, () =>
          end(() => {
            if (answer === "lost") {
              reject(new TypeError("fetch failed"));
              return;
            }
            const wait = answer.headers.find(([name]) => name === "retry-after")?.[1];
            options.onAnswer(call, answer.status, wait === undefined ? undefined : Number(wait));
            resolve(toResponse(answer));
          }),
        );
      };
      // What takes longer than the caller's patience may never be taken up: the connection is gone by then.
      kernel.after(fate.there, () => {
        if ((signal.aborted || !caller.alive) && fate.there > 30_000) return;
        void arrive();
      });
    });
  };
}
