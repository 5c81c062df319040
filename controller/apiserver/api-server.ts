/** The Kubernetes-shaped HTTP API as a function from Request to Response. */
import { Hono, type Context } from "hono";
import { kinds } from "../../crds/index.ts";
import { GROUP, type PrinterColumn } from "../../crds/kind.ts";
import type { Clock, Random } from "../runtime/clock.ts";
import type { KubernetesObject } from "../store/resource-client.ts";
import { methodNotAllowed as verbNotAllowed } from "../store/embedded/errors.ts";
import { typeKey, type TypeDefinition } from "../store/embedded/type-definition.ts";
import type { ApiStore } from "./api-store.ts";
import { BACKUP_PATH, backupResponse } from "./backup-response.ts";
import { BODY_LIMIT, parseObjectBody, readObjectBody } from "./body.ts";
import { createBodyBudget } from "./body-budget.ts";
import { builtInColumns } from "./built-in-columns.ts";
import { deleteCollectionRequest, deleteRequest } from "./delete-request.ts";
import { ALL_VERBS, createDiscovery } from "./discovery.ts";
import { createAuthenticator, type Identity, type Token } from "./identity.ts";
import { refuseImpersonation } from "./impersonation.ts";
import { aggregatedVersion, negotiate } from "./media-type.ts";
import { createOpenApi } from "./openapi.ts";
import { listRequest } from "./read-request.ts";
import { isReading, parseResourcePath, type ResourcePath } from "./request-path.ts";
import {
  errorResponse,
  jsonResponse,
  objectResponse,
  parseInclude,
  textResponse,
  withWarnings,
  type RespondContext,
} from "./respond.ts";
import { answerReview, reviewResources } from "./reviews.ts";
import { asApiError, methodNotAllowed, unauthorized } from "./status.ts";
import { columnsOf, type TableColumns } from "./table.ts";
import { createRequest, patchRequest, updateRequest } from "./write-request.ts";

export interface ApiServerOptions {
  store: ApiStore;
  clock: Clock;
  random: Random;
  /** Who may ask; everybody else gets 401. */
  tokens: readonly Token[];
  /** What `kubectl version` prints for the server, e.g. `v1.36.3+flaresmith`. Default {@link SERVER_VERSION}. */
  version?: string;
  /** Host and port as clients reach it, for `/api`. Default `127.0.0.1`. */
  address?(): string;
  /** Whether the process can do its work, for `/readyz`; `/livez` answers as long as the loop turns. Default: always. */
  ready?(): boolean;
  /** Lets other work have its turn between chunks of a long answer. Default: no pause. */
  yieldToLoop?: () => Promise<void>;
  /** Aborted when the server stops: watches end. */
  ending?: AbortSignal;
  /** Called with what made a request fail inside the server; the caller saw 500. */
  onError?(error: unknown, request: { method: string; path: string }): void;
}

/** What the runtime passes along with a request (@hono/node-server), as far as it is used. */
interface Bindings {
  outgoing?: { destroy(): void };
}

export type ApiServer = Hono<{ Bindings: Bindings }>;

/** The Kubernetes version whose behaviour this API follows. kubectl compares its own with it. */
const SERVER_VERSION = "v1.36.3+flaresmith";

const NOT_FOUND = "404 page not found\n";
const OPEN_PATHS = new Set(["/healthz", "/livez", "/readyz", "/version"]);

function versionBody(gitVersion: string): unknown {
  const [major = "1", minor = "36"] = gitVersion.replace(/^v/, "").split(".");
  return {
    major,
    minor,
    gitVersion,
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "",
    platform: "",
  };
}

function notFoundResponse(): Response {
  return textResponse(NOT_FOUND, {
    code: 404,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
  });
}

function plainResponse(text: string, code: number): Response {
  return textResponse(text, {
    code,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
  });
}

/** Columns of a custom resource that declares none. */
const DEFAULT_COLUMNS: readonly PrinterColumn[] = [
  {
    name: "Age",
    type: "date",
    jsonPath: ".metadata.creationTimestamp",
    description: "How long ago it was created.",
  },
];

/** Builds the columns of every type once. */
function columnIndex(): (definition: TypeDefinition) => TableColumns {
  const made = new Map<string, TableColumns>();
  return (definition) => {
    const key = typeKey(definition.type);
    let columns = made.get(key);
    if (columns === undefined) {
      const kind =
        definition.type.group === GROUP
          ? kinds.find((item) => item.plural === definition.type.plural)
          : undefined;
      columns =
        kind === undefined ? (builtInColumns(key) ?? columnsOf(DEFAULT_COLUMNS)) : columnsOf(kind.columns);
      made.set(key, columns);
    }
    return columns;
  };
}

const VERB_OF: Readonly<Record<string, readonly [collection: string, object: string]>> = {
  GET: ["list", "get"],
  HEAD: ["list", "get"],
  POST: ["create", ""],
  PUT: ["", "update"],
  PATCH: ["", "patch"],
  DELETE: ["deletecollection", "delete"],
};

/** What a body may weigh: what it says, or the most that is read. */
function bodyLength({ body, headers }: Request): number {
  if (body === null) return 0;
  const declared = headers.get("content-length");
  return declared === null ? BODY_LIMIT : Math.min(Number(declared), BODY_LIMIT);
}

/** @throws ApiError 405 */
function checkVerb(path: ResourcePath, method: string): void {
  const verbs = VERB_OF[method];
  const verb = verbs?.[path.name === undefined ? 0 : 1] ?? "";
  const served: readonly string[] = path.definition.verbs ?? ALL_VERBS;
  if (verb === "" || !served.includes(verb)) throw methodNotAllowed();
  if (path.subresource === "status" && verb === "delete") throw verbNotAllowed(path.definition.type, verb);
}

/**
 * Builds the API over a store.
 * @returns a Hono app: `fetch(request)` answers; refusals are Kubernetes `Status` bodies, never exceptions
 */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { store, clock, random } = options;
  const authenticator = createAuthenticator(options.tokens);
  const discovery = createDiscovery({ types: store.types, virtual: reviewResources });
  const openApi = createOpenApi(store.types);
  const columns = columnIndex();
  const bodies = createBodyBudget();
  const yieldToLoop = options.yieldToLoop ?? (() => Promise.resolve());
  const address = (): string => options.address?.() ?? "127.0.0.1";

  const respondContext = (
    request: Request,
    definition: TypeDefinition,
    query: URLSearchParams,
  ): RespondContext => {
    const negotiated = negotiate(request.headers.get("accept") ?? undefined);
    const include = negotiated.as?.kind === "Table" ? parseInclude(query) : "Metadata";
    return { negotiated, columns: columns(definition), include, now: clock.now() };
  };

  const answerWrite = (
    { object, created }: { object: KubernetesObject; created: boolean },
    respond: RespondContext,
  ): Response => objectResponse(JSON.stringify(object), respond, created ? 201 : 200);

  const resource = async (
    c: Context<{ Bindings: Bindings }>,
    path: ResourcePath,
    warn: (text: string) => void,
  ): Promise<Response> => {
    const request = c.req.raw;
    const query = new URL(request.url).searchParams;
    const { definition, name } = path;
    checkVerb(path, request.method);
    const respond = respondContext(request, definition, query);
    const context = { store, path, request, query, warn };
    switch (request.method) {
      case "POST":
        return answerWrite(await createRequest(context), respond);
      case "PUT":
        return answerWrite(await updateRequest(context), respond);
      case "PATCH":
        return answerWrite(await patchRequest(context), respond);
      case "DELETE": {
        if (name === undefined) return jsonResponse(await deleteCollectionRequest(context));
        const { body, code } = await deleteRequest(context, name);
        return jsonResponse(body, { code });
      }
      default:
        return listRequest({
          store,
          clock,
          random,
          path,
          query,
          respond,
          request,
          yieldToLoop,
          ...(options.ending === undefined ? {} : { ending: options.ending }),
          disconnect: () => c.env?.outgoing?.destroy(),
          onError: (error) => options.onError?.(error, { method: request.method, path: c.req.path }),
        });
    }
  };

  const review = async (c: Context, identity: Identity): Promise<Response | undefined> => {
    const found = reviewResources.find(
      ({ group, version, plural }) => c.req.path === `/apis/${group}/${version}/${plural}`,
    );
    if (found === undefined) return undefined;
    if (c.req.method !== "POST") throw methodNotAllowed();
    const { value } = parseObjectBody(await readObjectBody(c.req.raw), { type: found });
    return jsonResponse(answerReview(found, value, identity, clock), { code: 201 });
  };

  const health = (isHealthy: boolean): Response =>
    plainResponse(isHealthy ? "ok" : "not ready", isHealthy ? 200 : 500);

  const discover = (path: string, accept: string | undefined): Response | undefined => {
    const version = aggregatedVersion(accept);
    if (version !== undefined && (path === "/api" || path === "/apis")) {
      return textResponse(
        JSON.stringify(discovery.aggregated(path === "/api" ? "core" : "groups", version)),
        {
          headers: {
            "content-type": `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
            vary: "Accept",
          },
        },
      );
    }
    if (path === "/api") return jsonResponse(discovery.coreVersions(address()));
    if (path === "/apis") return jsonResponse(discovery.groups());
    const [, root, first = "", second] = path.split("/");
    const depth = path.split("/").length;
    if (root === "api" && depth === 3) return found(discovery.resources("", first));
    if (root === "apis" && depth === 3) return found(discovery.group(first));
    if (root === "apis" && depth === 4) return found(discovery.resources(first, second ?? ""));
    return undefined;
  };
  const found = (body: unknown): Response | undefined =>
    body === undefined ? undefined : jsonResponse(body);

  const paths = (): string[] => {
    const versions = discovery.groupVersions();
    const groups = versions.flatMap(({ group, version }) =>
      group === "" ? ["/api", `/api/${version}`, "/apis"] : [`/apis/${group}`, `/apis/${group}/${version}`],
    );
    return [...groups, BACKUP_PATH, "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"].toSorted();
  };

  const general = (path: string, request: Request): Response | undefined => {
    const accept = request.headers.get("accept") ?? undefined;
    if (path === "/") return jsonResponse({ paths: paths() });
    if (path === "/version") return jsonResponse(versionBody(options.version ?? SERVER_VERSION));
    if (path === "/livez" || path === "/healthz") return health(true);
    if (path === "/readyz") return health(options.ready?.() ?? true);
    if (path === "/openapi/v3") return jsonResponse(openApi.index());
    if (path.startsWith("/openapi/v3/")) {
      const text = openApi.document(path.slice("/openapi/v3/".length));
      return text === undefined ? undefined : textResponse(text);
    }
    return discover(path, accept);
  };

  const app: ApiServer = new Hono();
  app.all("*", async (c) => {
    const path = c.req.path.length > 1 ? c.req.path.replace(/\/+$/, "") : c.req.path;
    const warnings: string[] = [];
    try {
      const identity = authenticator.identify(c.req.header("authorization"));
      if (identity === undefined && !OPEN_PATHS.has(path)) throw unauthorized();
      if (identity !== undefined) refuseImpersonation(c.req.raw.headers, identity);
      const isRead = isReading(c.req.method);
      const fixed = isRead ? general(path, c.req.raw) : undefined;
      if (fixed !== undefined) return fixed;
      if (isRead && path === BACKUP_PATH)
        return backupResponse(store, { clock, yieldToLoop, disconnect: () => c.env?.outgoing?.destroy() });
      const target = parseResourcePath({ method: c.req.method, path }, store.types);
      if (target !== undefined) {
        const release = isRead ? undefined : bodies.take(bodyLength(c.req.raw));
        try {
          return withWarnings(await resource(c, target, (text) => warnings.push(text)), warnings);
        } finally {
          release?.();
        }
      }
      return (identity === undefined ? undefined : await review(c, identity)) ?? notFoundResponse();
    } catch (error) {
      // Whoever hung up has broken their own request off.
      if (asApiError(error) !== error && !c.req.raw.signal.aborted)
        options.onError?.(error, { method: c.req.method, path });
      return withWarnings(errorResponse(error), warnings);
    }
  });
  return app;
}
