/** The GitHub client of one Connection: authorised, classified, one call at a time. Retries are the transport's. */
import { Octokit } from "@octokit/rest";
import type { Clock, Fetch } from "../../controller/runtime/clock.ts";
import type { ProviderTime } from "../../controller/runtime/provider-time.ts";
import { appTokens, installationTokens } from "./app-token.ts";
import type { GitHubCredentials, InstallationToken, InstallationTokens } from "./app-token.ts";
import { createByteCache } from "./byte-cache.ts";
import type { ByteCache } from "./byte-cache.ts";
import { failureError, failureOf, invalidAnswer, unansweredError } from "./failures.ts";
import type { GitHubFailure } from "./failures.ts";
import { identify } from "./identity.ts";
import type { GitHubIdentity } from "./identity.ts";
import type { GitTree } from "./git-objects.ts";
import { followRedirects } from "./redirects.ts";
import type { CommitFilesOutputs } from "./types.ts";

export type { GitHubCredentials } from "./app-token.ts";

/** Octokit's typed `request("GET /repos/{owner}/{repo}", {…})`, with credentials and signal set. */
export type GitHubRequest = Octokit["request"];

/** What a call is for, so that its failure can be told to people. */
interface CallOptions {
  /** What is done to which object, as a gerund: `reading the repository acme/shop`. */
  what: string;
  signal: AbortSignal;
  /** Field of the spec that asked for it. */
  field?: string;
  /** Whether the call changes something. */
  write?: boolean;
  /** Must not be answered from a cache: what was read last may have been older than our own write. */
  fresh?: boolean;
  /** `app`: as the GitHub App itself instead of its installation. */
  as?: "app";
}

interface SdkAnswer<Data> {
  status: number;
  data: Data;
  headers: object;
}

export interface Answer<Data> {
  ok: true;
  status: number;
  data: Data;
  headers: Readonly<Record<string, string | undefined>>;
}

/** A status that the caller said it can deal with. */
export interface Refusal {
  ok: false;
  failure: GitHubFailure;
  /** The failure as an error, for the caller that cannot deal with it after all. */
  error: Error;
}

export interface GitHubClient {
  /** Absolute URL of the API, without a slash at the end. */
  readonly endpoint: string;
  /** @throws FlaresmithError for everything but a success */
  call<Data>(
    options: CallOptions,
    send: (request: GitHubRequest) => Promise<SdkAnswer<Data>>,
  ): Promise<Answer<Data>>;
  /** The same, but answers whose status is in `tolerate` are returned. */
  attempt<Data>(
    options: CallOptions & { tolerate: readonly number[] },
    send: (request: GitHubRequest) => Promise<SdkAnswer<Data>>,
  ): Promise<Answer<Data> | Refusal>;
  /**
   * Reads a list whole, page by page along the `Link` header.
   *
   * @param items the page's items; undefined when the answer is not of the expected shape
   * @throws FlaresmithError also when fewer items came than GitHub counted: a listing that broke off proves nothing
   */
  list<Data, Item>(
    options: CallOptions,
    send: (request: GitHubRequest, page: number) => Promise<SdkAnswer<Data>>,
    items: (data: Data) => readonly Item[],
  ): Promise<Item[]>;
  /** Who the credentials stand for. Costs one or two reads. */
  identity(signal: AbortSignal): Promise<GitHubIdentity>;
  /** The token and what it may, of a GitHub App's installation; undefined for personal tokens. */
  installation(): Promise<InstallationToken> | undefined;
  /**
   * Git objects by their id, which can never change; a commit by its repository and id, as the id of its tree; the files
   * at a path by mode, name and id of what lies there.
   */
  readonly objects: {
    readonly blobs: ByteCache<Uint8Array>;
    readonly files: ByteCache<CommitFilesOutputs>;
    readonly trees: ByteCache<GitTree>;
    readonly commits: ByteCache<string>;
  };
}

export interface GitHubClientOptions {
  /** Default `https://api.github.com`; `https://host/api/v3` on GitHub Enterprise Server. */
  endpoint?: string | undefined;
  credentials: GitHubCredentials;
  /** The transport: deadline, breaker, budget, entity tags, safe retries. */
  fetch: Fetch;
  clock: Clock;
  /** GitHub's time, as far as it is known. Default: the wall clock */
  time?: Pick<ProviderTime, "now"> | undefined;
  userAgent: string;
}

/** The version all calls are written for; header-less requests may get another one day. */
const API_VERSION = "2022-11-28";
const BLOB_CACHE_BYTES = 32 * 1024 * 1024;
const COMMIT_CACHE_BYTES = 256 * 1024;
const TREE_CACHE_BYTES = 4 * 1024 * 1024;
const MOST_PAGES = 200;
/** A clock that is wrong by less, in milliseconds, is not why GitHub refuses a JWT. */
const CLOCK_OFF = 30_000;

const silent = (): void => undefined;

/** Without the plugins: nothing is logged by them, paginated by them, or called by an endpoint's name. */
class PlainOctokit extends Octokit {
  static override readonly plugins = [];
}

/** Octokit itself would call a function for every value, in case one is an integer beyond 2^53. */
async function parsed({ data, headers }: SdkAnswer<unknown>): Promise<unknown> {
  if (!(data instanceof ReadableStream)) return data;
  const text = await new Response(data).text();
  const type = (headers as Record<string, string | undefined>)["content-type"] ?? "";
  if (!/^application\/(?:scim\+)?json\b/i.test(type)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** JSON was promised: a text means a page of a proxy or a document that was cut off. */
function checkShape(what: string, write: boolean, status: number, data: unknown): void {
  if (status < 200 || status > 299) throw invalidAnswer(what, `status ${status}`, write);
  if (
    status !== 204 &&
    status !== 205 &&
    (typeof data !== "object" || data === null || data instanceof ArrayBuffer)
  )
    throw invalidAnswer(what, "it is no JSON document", write);
}

/**
 * @throws FlaresmithError INTEGRATION_CREDENTIALS_INVALID when the App's private key is none; calls throw what
 * `failures.ts` makes of GitHub's answers
 */
export function createGitHubClient(options: GitHubClientOptions): GitHubClient {
  const { credentials, clock, time = clock } = options;
  const endpoint = (options.endpoint ?? "https://api.github.com").replace(/\/+$/, "");
  const octokit = new PlainOctokit({
    baseUrl: endpoint,
    userAgent: options.userAgent,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    request: { fetch: followRedirects(options.fetch), parseSuccessResponseBody: false },
  });
  const base = octokit.request.defaults({
    headers: { accept: "application/vnd.github+json", "x-github-api-version": API_VERSION },
  });

  const send = async <Data>(
    call: CallOptions,
    authorization: string,
    run: (request: GitHubRequest) => Promise<SdkAnswer<Data>>,
    tolerate: readonly number[],
  ): Promise<Answer<Data> | Refusal> => {
    const { what, signal, field, write = false, fresh = false } = call;
    const request = base.defaults({
      headers: { authorization, ...(fresh ? { "cache-control": "no-cache" } : {}) },
      request: { signal },
    });
    let answer: SdkAnswer<Data>;
    let data: Data;
    try {
      answer = await run(request);
      data = (await parsed(answer)) as Data;
    } catch (error) {
      // A write that was given up may have arrived all the same.
      if (!write) signal.throwIfAborted();
      const failure = failureOf(error);
      if (!failure) throw unansweredError(error, { what, write });
      const classified = failureError(failure, { what, write, clock, field });
      if (!tolerate.includes(failure.status) || classified.class === "rateLimited") throw classified;
      return { ok: false, failure, error: classified };
    }
    const headers = answer.headers as Record<string, string | undefined>;
    if (tolerate.includes(answer.status)) {
      const failure = { status: answer.status, message: "", acceptedPermissions: undefined, headers };
      return { ok: false, failure, error: failureError(failure, { what, write, clock, field }) };
    }
    checkShape(what, write, answer.status, data);
    return { ok: true, status: answer.status, data, headers };
  };

  const asApp = "appId" in credentials ? appTokens({ ...credentials, time }) : undefined;
  /** As the App itself. That our clock is wrong is learnt from the refusal, which says the time: then once more. */
  const sendAsApp = async <Data>(
    call: CallOptions,
    sign: () => string,
    run: (request: GitHubRequest) => Promise<SdkAnswer<Data>>,
    tolerate: readonly number[],
  ): Promise<Answer<Data> | Refusal> => {
    const believed = time.now();
    const first = await send(call, `Bearer ${sign()}`, run, [...tolerate, 401]);
    if (first.ok || first.failure.status !== 401) return first;
    if (Math.abs(time.now() - believed) >= CLOCK_OFF) return send(call, `Bearer ${sign()}`, run, tolerate);
    if (tolerate.includes(401)) return first;
    throw first.error;
  };
  let tokens: InstallationTokens | undefined;
  if ("appId" in credentials && asApp) {
    const installationId = Number(credentials.installationId);
    // Shared by all callers, so none of their signals may end it; the transport's deadline does.
    const { signal } = new AbortController();
    const what = `minting a token of installation ${installationId} of the GitHub App ${credentials.appId}`;
    tokens = installationTokens({
      clock,
      time,
      mint: async () => {
        const answer = await sendAsApp(
          { what, signal },
          asApp,
          (request) =>
            request("POST /app/installations/{installation_id}/access_tokens", {
              installation_id: installationId,
            }),
          [404],
        );
        if (!answer.ok)
          throw failureError(
            { ...answer.failure, status: 401, message: "the App has no such installation" },
            { what, write: false, clock },
          );
        const { token, expires_at, repository_selection, permissions } = answer.data;
        const expiresAt = Date.parse(expires_at);
        if (typeof token !== "string" || Number.isNaN(expiresAt))
          throw invalidAnswer(what, "it holds no token");
        return {
          token,
          expiresAt,
          repositorySelection: repository_selection,
          permissions: permissions ?? {},
        };
      },
    });
  }

  const attempt: GitHubClient["attempt"] = async (call, run) => {
    if (call.as === "app" && asApp) return sendAsApp(call, asApp, run, call.tolerate);
    if ("token" in credentials) return send(call, `Bearer ${credentials.token}`, run, call.tolerate);
    if (!tokens) throw new TypeError("no credentials");
    const first = await tokens.get();
    const answer = await send(call, `Bearer ${first.token}`, run, [...call.tolerate, 401]);
    if (answer.ok || answer.failure.status !== 401) return answer;
    // Revoked or changed before its hour was over. A 401 changed nothing, so sending again is safe even for writes.
    tokens.forget(first.token);
    const second = await tokens.get();
    return send(call, `Bearer ${second.token}`, run, call.tolerate);
  };

  const client: GitHubClient = {
    endpoint,
    attempt,
    call: async (call, run) => {
      const answer = await attempt({ ...call, tolerate: [] }, run);
      if (answer.ok) return answer;
      throw answer.error;
    },
    list: async <Data, Item>(
      call: CallOptions,
      run: (request: GitHubRequest, page: number) => Promise<SdkAnswer<Data>>,
      items: (data: Data) => readonly Item[],
    ) => {
      const all: Item[] = [];
      for (let page = 1; page <= MOST_PAGES; page += 1) {
        const { data, headers } = await client.call(call, (request) => run(request, page));
        const found = items(data);
        if (!Array.isArray(found)) throw invalidAnswer(call.what, "it holds no list");
        all.push(...found);
        if (/rel="next"/.test(headers["link"] ?? "")) continue;
        const total = (data as { total_count?: unknown }).total_count;
        if (typeof total === "number" && all.length < total)
          throw invalidAnswer(call.what, `${all.length} of ${total} items came`);
        return all;
      }
      throw invalidAnswer(call.what, `the list has more than ${MOST_PAGES} pages`);
    },
    identity: (signal) => identify(client, credentials, signal),
    installation: () => tokens?.get(),
    objects: Object.freeze({
      blobs: createByteCache<Uint8Array>(BLOB_CACHE_BYTES),
      files: createByteCache<CommitFilesOutputs>(BLOB_CACHE_BYTES),
      trees: createByteCache<GitTree>(TREE_CACHE_BYTES),
      commits: createByteCache<string>(COMMIT_CACHE_BYTES),
    }),
  };
  return Object.freeze(client);
}
