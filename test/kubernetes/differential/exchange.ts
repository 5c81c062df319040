/** Sends the requests of a sequence to one server, filling in what that server has answered so far. */
import type { Fetch } from "../../../controller/runtime/clock.ts";
import { readLines } from "../../../controller/store/cluster/lines.ts";
import { jsonMergePatch } from "../../../controller/store/embedded/patch/json-merge-patch.ts";
import type { Request } from "./requests.ts";

export interface Server {
  /** Proves who asks. */
  fetch: Fetch;
  url: string;
}

export interface Answer {
  code: number;
  headers: Readonly<Record<string, string>>;
  body: unknown;
}

interface Known {
  object: Record<string, unknown>;
  firstVersion: string;
}

/** Headers in which answers are compared. */
const HEADERS = ["content-type", "warning", "cache-control", "allow", "x-content-type-options"];
const PATIENCE_MILLISECONDS = 60_000;

interface ObjectBody extends Record<string, unknown> {
  metadata: { name: string; resourceVersion: string; uid: string };
}

function isObjectBody(body: unknown): body is ObjectBody {
  const { kind, metadata } = (body ?? {}) as { kind?: unknown; metadata?: { uid?: unknown; name?: unknown } };
  return kind !== "Status" && typeof metadata?.uid === "string" && typeof metadata.name === "string";
}

/** What one server has told in the course of a sequence. */
export class Exchange {
  readonly #server: Server;
  readonly #namespace: string;
  readonly #known = new Map<string, Known>();
  #continue = "";
  #last: Answer | undefined;
  /** The version of the first object that was answered. */
  #start = "1";

  constructor(server: Server, namespace: string) {
    this.#server = server;
    this.#namespace = namespace;
  }

  #filled(text: string, about: string): string {
    const known = this.#known.get(about);
    const metadata = (known?.object as ObjectBody | undefined)?.metadata;
    return text
      .replaceAll("$ns", this.#namespace)
      .replaceAll("$rv", metadata?.resourceVersion ?? this.#start)
      .replaceAll("$old", known?.firstVersion ?? this.#start)
      .replaceAll("$uid", metadata?.uid ?? "none")
      .replaceAll("$continue", encodeURIComponent(this.#continue));
  }

  #body(request: Request): string | undefined {
    const { body, about } = request;
    if (body === undefined) return undefined;
    const text = this.#filled(body, about);
    if (request.onStored !== true) return text;
    const stored = this.#known.get(about)?.object ?? {};
    const change = JSON.parse(text) as Record<string, unknown>;
    const metadata = jsonMergePatch(stored["metadata"], change["metadata"] ?? {});
    return JSON.stringify({ ...stored, ...change, metadata });
  }

  async send(request: Request): Promise<Answer> {
    const body = this.#body(request);
    const response = await this.#server.fetch(
      `${this.#server.url}${this.#filled(request.path, request.about)}`,
      {
        method: request.method,
        headers: { "user-agent": "differential/1", ...request.headers },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(PATIENCE_MILLISECONDS),
      },
    );
    const text = await response.text();
    const headers = Object.fromEntries(HEADERS.map((name) => [name, response.headers.get(name) ?? ""]));
    const isJson = (headers["content-type"] ?? "").startsWith("application/json");
    const answer = {
      code: response.status,
      headers,
      body: isJson && text !== "" ? (JSON.parse(text) as unknown) : text,
    };
    this.#last = answer;
    this.#learn(request, answer);
    return answer;
  }

  /** The name of the object that the last request made, if it made one. */
  created(request: Request): string | undefined {
    const { code, body } = this.#last ?? {};
    if (code !== 201 || request.path.includes("dryRun=All")) return undefined;
    const name = (body as { metadata?: { name?: unknown } } | undefined)?.metadata?.name;
    return typeof name === "string" ? name : undefined;
  }

  #learn(request: Request, { code, body }: Answer): void {
    if (code >= 300) return;
    if (isObjectBody(body) && !request.path.includes("dryRun=All")) {
      const key = `${request.about.split("/")[0] ?? ""}/${body.metadata.name}`;
      if (this.#known.size === 0) this.#start = body.metadata.resourceVersion;
      const firstVersion = this.#known.get(key)?.firstVersion ?? body.metadata.resourceVersion;
      this.#known.set(key, { object: body, firstVersion });
    }
    const token = (body as { metadata?: { continue?: unknown } } | undefined)?.metadata?.continue;
    if (typeof token === "string") this.#continue = token;
  }

  /** The events of a watch up to and without the one about an object of this name. */
  async watch(path: string, last: string): Promise<unknown[]> {
    const stop = AbortSignal.timeout(PATIENCE_MILLISECONDS);
    const end = new AbortController();
    const signal = AbortSignal.any([stop, end.signal]);
    const response = await this.#server.fetch(`${this.#server.url}${this.#filled(path, "")}`, { signal });
    const events: unknown[] = [];
    if (response.body === null) return events;
    for await (const line of readLines(response.body)) {
      const event = JSON.parse(line) as { type: string; object?: { metadata?: { name?: string } } };
      if (event.object?.metadata?.name === last) break;
      events.push(event);
      if (event.type === "ERROR") break;
    }
    end.abort();
    return events;
  }
}
