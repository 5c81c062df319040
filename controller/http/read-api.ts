/** The read API: the environment matrix of a Project, from caches only, behind the tokens of the API. */
import { Hono } from "hono";
import type { Context } from "hono";
import { FlaresmithError } from "../runtime/errors.ts";
import type { KubernetesObject, ObjectKey } from "../store/resource-client.ts";
import { environmentMatrix, rowRank } from "./matrix.ts";
import { problemHandlers } from "./problem.ts";
import type { HttpEnvironment } from "./problem.ts";

/** What the matrix is made of; backed by the manager's caches. */
interface MatrixReader {
  readonly project: (key: ObjectKey) => KubernetesObject | undefined;
  /** Environments of a namespace. */
  readonly environments: (namespace: string) => readonly KubernetesObject[];
  /** Previews of a namespace. */
  readonly previews: (namespace: string) => readonly KubernetesObject[];
  /** All Connections. */
  readonly connections: () => readonly KubernetesObject[];
}

export interface ReadApiOptions extends HttpEnvironment {
  readonly reader: MatrixReader;
  /** Whether a bearer token may read a namespace; compares in constant time. */
  readonly authenticate: (token: string, namespace: string) => boolean | Promise<boolean>;
}

const defaultLimit = 50;
const largestLimit = 500;

/**
 * `GET /projects/{namespace}/{name}/environments?limit=1..500&cursor=…` answers
 * `{namespace, project, ready, items, nextCursor, hasMore}`; `ready` is about all rows, not the page.
 * 401 without a valid token, 404 without such a Project, 400 for a bad limit or cursor; all in the error envelope.
 */
export function createReadApi(options: ReadApiOptions): Hono {
  const { reader } = options;
  const problems = problemHandlers(options);
  const app = new Hono();
  app.onError(problems.onError);
  app.notFound(problems.notFound);
  app.use("/projects/:namespace/*", async (context, next) => {
    const token = bearerToken(context.req.header("authorization"));
    if (token === undefined || !(await options.authenticate(token, context.req.param("namespace")))) {
      return problems.answer(
        context,
        new FlaresmithError({
          code: "REQUEST_UNAUTHENTICATED",
          message:
            token === undefined ? "the request carries no bearer token" : "the bearer token is not valid",
        }),
      );
    }
    return next();
  });
  app.get("/projects/:namespace/:name/environments", (context) => {
    const key = { namespace: context.req.param("namespace"), name: context.req.param("name") };
    const project = reader.project(key);
    if (project === undefined) {
      throw new FlaresmithError({
        code: "REQUEST_NOT_FOUND",
        message: `there is no Project ${key.name} in namespace ${key.namespace}`,
        context: key,
      });
    }
    const matrix = environmentMatrix({
      project,
      environments: reader.environments(key.namespace),
      previews: reader.previews(key.namespace),
      connections: reader.connections(),
    });
    const after = readCursor(context.req.query("cursor"));
    const left = after === undefined ? matrix.rows : matrix.rows.filter((row) => rowRank(row) > after);
    const items = left.slice(0, readLimit(context));
    const last = items.at(-1);
    const hasMore = items.length < left.length;
    const nextCursor = hasMore && last !== undefined ? writeCursor(rowRank(last)) : null;
    return context.json({
      namespace: matrix.namespace,
      project: matrix.project,
      ready: matrix.ready,
      items,
      nextCursor,
      hasMore,
    });
  });
  return app;
}

function bearerToken(header: string | undefined): string | undefined {
  return /^bearer\s+(\S+)\s*$/i.exec(header ?? "")?.[1];
}

function readLimit(context: Context): number {
  const text = context.req.query("limit");
  if (text === undefined) return defaultLimit;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= largestLimit) return limit;
  throw new FlaresmithError({
    code: "REQUEST_INVALID",
    message: "limit is no whole number from 1 to 500",
    field: "limit",
    hint: "Leave limit out or send a whole number from 1 to 500.",
  });
}

/** Opaque to clients; what it holds is the rank of the last row, so that rows that come and go skip and repeat nothing. */
function writeCursor(rank: string): string {
  return Buffer.from(JSON.stringify([1, rank])).toString("base64url");
}

function readCursor(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    if (Array.isArray(value) && value[0] === 1 && typeof value[1] === "string") return value[1];
  } catch {
    // Falls through: whatever it is, it is none of our cursors.
  }
  throw new FlaresmithError({
    code: "REQUEST_INVALID",
    message: "the cursor was not made by this API",
    field: "cursor",
    hint: "Begin again without cursor.",
  });
}
