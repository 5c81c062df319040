import { Octokit } from "@octokit/rest";
import { createFaults } from "../core/faults.ts";
import { createJournal } from "../core/journal.ts";
import type { SandboxContext } from "../core/provider.ts";
import { seededRandom } from "../core/random.ts";
import { memoryStorage, type SandboxStorage } from "../core/storage.ts";
import { createGitHub, type GitHubSandbox } from "./index.ts";

export const TOKEN = "github_pat_everything";

/** A GitHub on a clock that only moves when told to, for tests. */
export interface Bench {
  github: GitHubSandbox;
  context: SandboxContext;
  advance: (milliseconds: number) => void;
  octokit: Octokit;
  /** Octokit with another token and, when wanted, under the Enterprise prefix. */
  client: (token: string | undefined, prefix?: string) => Octokit;
  /** One plain request; the body is sent as JSON. */
  send: (
    method: string,
    path: string,
    options?: { token?: string | null; body?: unknown; headers?: Record<string, string> },
  ) => Promise<{
    status: number;
    headers: Headers;
    // Tests look into whatever came back.
    json: Record<string, never>;
    text: string;
  }>;
}

type CreateOptions = Partial<Parameters<typeof createGitHub>[0]>;

export const PUBLIC_URL = "http://github.example.test";

/** @param overrides what differs from an organization `acme` with one almighty token */
export function bench(overrides: CreateOptions & { storage?: SandboxStorage } = {}): Bench {
  let now = Date.parse("2026-03-01T12:00:00Z");
  const random = seededRandom(7);
  const context: SandboxContext = overrides.context ?? {
    clock: {
      now: () => now,
      sleep: async (milliseconds) => void (now += milliseconds),
      advance: (milliseconds) => void (now += milliseconds),
    },
    random,
    journal: createJournal(),
    faults: createFaults(random),
    storage: overrides.storage ?? memoryStorage(),
  };
  const github = createGitHub({
    publicUrl: PUBLIC_URL,
    owners: [
      { login: "acme", type: "Organization" },
      { login: "ada", type: "User" },
    ],
    tokens: [{ token: TOKEN, owner: "acme", user: "ada" }],
    ...overrides,
    context,
  });
  const client = (token: string | undefined, prefix = ""): Octokit =>
    new Octokit({
      ...(token === undefined ? {} : { auth: token }),
      baseUrl: PUBLIC_URL + prefix,
      request: { fetch: (url: string, init: RequestInit) => github.fetch(new Request(url, init)) },
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    });
  return {
    github,
    context,
    advance: (milliseconds) => context.clock.advance(milliseconds),
    octokit: client(TOKEN),
    client,
    send: async (method, path, options = {}) => {
      const headers = new Headers({ "user-agent": "test", ...options.headers });
      if (options.token !== null) headers.set("authorization", `Bearer ${options.token ?? TOKEN}`);
      const body =
        options.body === undefined
          ? null
          : typeof options.body === "string"
            ? options.body
            : JSON.stringify(options.body);
      const response = await github.fetch(
        new Request(PUBLIC_URL + path, { method, headers, body, redirect: "manual" }),
      );
      const text = await response.text();
      const json = (
        /json/.test(response.headers.get("content-type") ?? "") && text !== "" ? JSON.parse(text) : {}
      ) as Record<string, never>;
      return { status: response.status, headers: response.headers, json, text };
    },
  };
}
