import { createFaults } from "../core/faults.ts";
import { createJournal } from "../core/journal.ts";
import { manualClock } from "../core/manual-clock.ts";
import { seededRandom } from "../core/random.ts";
import { memoryStorage } from "../core/storage.ts";
import type { SandboxContext } from "../core/provider.ts";
import type { SandboxStorage } from "../core/storage.ts";
import { createCloudflare } from "./cloudflare.ts";
import type { CloudflareSandbox } from "./cloudflare.ts";
import { writeMultipart } from "./multipart.ts";
import type { Part } from "./multipart.ts";
import type { CloudflareOptions } from "./world.ts";

export const account = "a".repeat(32);
export const otherAccount = "b".repeat(32);
export const zone = "c".repeat(32);
export const token = "cf-token";

/** A sandbox context over memory (or the given storage) with a manual clock and a fixed seed. */
export function testContext(storage: SandboxStorage = memoryStorage()): SandboxContext {
  const random = seededRandom(7);
  return { clock: manualClock(), random, journal: createJournal(), faults: createFaults(random), storage };
}

/** The parsed envelope of an answer, with its status and headers. */
export interface Answer<Result> {
  status: number;
  headers: Headers;
  success: boolean;
  errors: { code: number; message: string }[];
  result: Result;
  result_info: Record<string, unknown>;
}

export interface TestBench {
  context: SandboxContext;
  cloudflare: CloudflareSandbox;
  /** Sends a request below `/client/v4`, JSON unless the body is bytes. */
  call: <Result = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<Answer<Result>>;
  /** Uploads a module Worker under `/accounts/<account>/workers/scripts/<name>`. */
  upload: (
    name: string,
    metadata?: Record<string, unknown>,
    options?: UploadOptions,
  ) => Promise<Answer<Record<string, unknown>>>;
}

interface UploadOptions {
  source?: string;
  query?: string;
  parts?: Part[];
}

export const helloModule = 'export default { fetch() { return new Response("hello"); } };';

/** The parts of a module upload. */
export function uploadParts(metadata: Record<string, unknown>, source = helloModule): Part[] {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const full = { main_module: "index.js", compatibility_date: "2026-01-01", ...metadata };
  return [
    { name: "metadata", contentType: "application/json", bytes: bytes(JSON.stringify(full)) },
    {
      name: "index.js",
      filename: "index.js",
      contentType: "application/javascript+module",
      bytes: bytes(source),
    },
  ];
}

/** An emulated Cloudflare with two accounts and the zone acme.example, and short ways to call it. */
export function testBench(options: Partial<CloudflareOptions> = {}): TestBench {
  const context = options.context ?? testContext();
  const cloudflare = createCloudflare({
    publicUrl: "http://localhost/client/v4",
    tokens: [{ token, accounts: [account] }],
    accounts: [
      { id: account, name: "Acme", workersSubdomain: "acme" },
      { id: otherAccount, name: "Other", workersSubdomain: null },
    ],
    zones: [{ id: zone, name: "acme.example", accountId: account }],
    ...options,
    context,
  });
  const call: TestBench["call"] = async <Result>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const raw = body instanceof Uint8Array;
    const init: RequestInit = {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(raw ? {} : { "content-type": "application/json" }),
        ...headers,
      },
    };
    if (body !== undefined) init.body = raw ? new Uint8Array(body) : JSON.stringify(body);
    const response = await cloudflare.fetch(new Request(`http://localhost/client/v4${path}`, init));
    const text = await response.text();
    const envelope = (text.startsWith("{") ? JSON.parse(text) : { result: text }) as Omit<
      Answer<Result>,
      "status" | "headers"
    >;
    return { ...envelope, status: response.status, headers: response.headers };
  };
  return {
    context,
    cloudflare,
    call,
    upload: (name, metadata = {}, { source, query = "", parts } = {}) => {
      const body = writeMultipart(parts ?? uploadParts(metadata, source), "boundary");
      return call("PUT", `/accounts/${account}/workers/scripts/${name}${query}`, body, {
        "content-type": "multipart/form-data; boundary=boundary",
      });
    },
  };
}
