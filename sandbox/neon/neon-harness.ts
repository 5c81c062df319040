import { createFaults } from "../core/faults.ts";
import { createJournal } from "../core/journal.ts";
import { manualClock } from "../core/manual-clock.ts";
import type { SandboxContext } from "../core/provider.ts";
import { seededRandom } from "../core/random.ts";
import { memoryStorage } from "../core/storage.ts";
import { createNeon } from "./index.ts";
import type { Neon, NeonOptions } from "./index.ts";

/** An object of an answer; what tests read of it is text, or compared as a whole. */
interface Item {
  [field: string]: string;
}

/** A body of any answer, as a test reads it. */
interface Json {
  project?: Item;
  branch?: Item;
  endpoint?: Item;
  role?: Item;
  operation?: Item;
  annotation?: { value: unknown };
  projects?: Item[];
  branches?: Item[];
  endpoints?: Item[];
  roles?: Item[];
  operations?: Item[];
  connection_uris?: Item[];
  pagination?: Item;
  password?: string;
  [field: string]: unknown;
}

/** One answer: status, headers and the parsed body. */
interface Answer {
  status: number;
  headers: Headers;
  body: Json;
}

/** A Neon of its own for one test. */
export interface NeonHarness {
  context: SandboxContext;
  neon: Neon;
  orgKey: string;
  userKey: string;
  orgId: string;
  url: string;
  /** Sends one request with the organization's key (or another). */
  call: (method: string, path: string, body?: unknown, key?: string) => Promise<Answer>;
  /** Sends one request and expects it to succeed. @throws Error with the answer otherwise */
  ok: (method: string, path: string, body?: unknown) => Promise<Json>;
  /** Lets every running operation finish. */
  settle: () => void;
  /** A project with settled operations; returns the answer of its creation. */
  project: (fields?: Record<string, unknown>) => Promise<Json>;
}

/** A Neon over memory and a manual clock, without rate limits unless asked for. */
export function neonHarness(options: Partial<NeonOptions> = {}): NeonHarness {
  const random = seededRandom(7);
  const context: SandboxContext = {
    clock: manualClock(),
    random,
    journal: createJournal(),
    faults: createFaults(random),
    storage: memoryStorage(),
    ...options.context,
  };
  const [orgId, orgKey, userKey] = ["org-acme-12345678", "napi_org", "napi_user"];
  const url = "http://neon.sandbox.test/api/v2";
  const neon = createNeon({
    publicUrl: url,
    apiKeys: [
      { key: orgKey, kind: "org", orgId },
      { key: userKey, kind: "user", orgId },
    ],
    rateLimits: false,
    ...options,
    context,
  });
  const call = async (method: string, path: string, body?: unknown, key = orgKey): Promise<Answer> => {
    const request = new Request(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}` },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const response = await neon.fetch(request);
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === "" ? {} : JSON.parse(text)) as Json,
    };
  };
  const ok = async (method: string, path: string, body?: unknown): Promise<Json> => {
    const answer = await call(method, path, body);
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const settle = (): void => context.clock.advance(60_000);
  const project = async (fields: Record<string, unknown> = {}): Promise<Json> => {
    const created = await ok("POST", "/projects", { project: { name: "shop", ...fields } });
    settle();
    return created;
  };
  return { context, neon, orgKey, userKey, orgId, url, call, ok, settle, project };
}
