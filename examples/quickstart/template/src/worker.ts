import postgres from "postgres";

/** What the platform gives this Worker: see `environments` in the platform repository. */
interface Env {
  PROJECT?: string;
  ENVIRONMENT?: string;
  COMMIT_SHA?: string;
  DATABASE_URL?: string;
}

type Sql = ReturnType<typeof postgres>;

/** Opens one connection; Workers must not share connections between requests. */
function connect(databaseUrl: string): Sql {
  const url = new URL(databaseUrl);
  const tls = url.searchParams.get("sslmode") ?? "require";
  // The client would send parameters that it does not know to the server, which refuses them.
  for (const name of ["sslmode", "channel_binding"]) url.searchParams.delete(name);
  return postgres(url.href, {
    max: 1,
    fetch_types: false,
    prepare: false,
    ssl: tls === "disable" ? false : "require",
  });
}

/** Creates the table on first use, so that a new database branch needs no migration step. */
async function prepare(sql: Sql, environment: string): Promise<void> {
  const [found] = await sql`select to_regclass('notes') is not null as exists`;
  if (found?.exists) return;
  await sql.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(20260101)`;
    await transaction`create table if not exists notes (id serial primary key, text text not null)`;
    await transaction`
      insert into notes (text)
      select ${`first written by ${environment}`} where not exists (select from notes)`;
  });
}

async function overview(env: Env, sql: Sql): Promise<Response> {
  const [row] = await sql`
    select current_database() as name, count(*)::int as notes,
      (select text from notes order by id desc limit 1) as value
    from notes`;
  return Response.json({
    project: env.PROJECT ?? null,
    environment: env.ENVIRONMENT ?? null,
    commit: env.COMMIT_SHA ?? null,
    database: { name: row?.name, notes: row?.notes, value: row?.value },
  });
}

async function addNote(request: Request, sql: Sql): Promise<Response> {
  const text = (await request.text()).trim();
  if (text === "" || text.length > 500) {
    return Response.json({ error: "send a note of 1 to 500 characters as the body" }, { status: 400 });
  }
  const [note] = await sql`insert into notes (text) values (${text}) returning id, text`;
  return Response.json(note, { status: 201 });
}

async function withDatabase(request: Request, env: Env, path: string): Promise<Response> {
  if (!env.DATABASE_URL) return Response.json({ error: "DATABASE_URL is not set" }, { status: 503 });
  const sql = connect(env.DATABASE_URL);
  try {
    await prepare(sql, env.ENVIRONMENT ?? "an unnamed environment");
    return path === "/" ? await overview(env, sql) : await addNote(request, sql);
  } catch (error) {
    console.error("database", error);
    return Response.json({ error: "the database does not answer" }, { status: 503 });
  } finally {
    await sql.end({ timeout: 1 }).catch(() => undefined);
  }
}

// oxlint-disable-next-line import/no-default-export -- the runtime looks for handlers in the default export
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname } = new URL(request.url);
    const route = `${request.method} ${pathname}`;
    if (route === "GET /healthz") return Response.json({ ok: true });
    if (route === "GET /" || route === "POST /notes") return withDatabase(request, env, pathname);
    return Response.json({ error: `no such route: ${route}` }, { status: 404 });
  },
};
