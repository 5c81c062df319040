/** `flaresmith up` on the quickstart, as a person runs it: real processes, real git, Workers and Postgres. */
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { changesAt, quickstart, run, sandboxOf, start, temporaryDirectory } from "./command-line.ts";

const LIMIT = 180_000;

interface Row {
  name: string;
  ready: string;
  url: string;
  commit: string;
}

interface Result {
  ready: boolean;
  ended: string;
  open: { kind: string; name: string; reason: string; message: string }[];
  matrices: { rows: Row[] }[];
}

function resultIn(out: string): Result {
  const line = out.split("\n").find((candidate) => candidate.startsWith('{"event":"result"'));
  if (line === undefined) throw new Error(`no result in:\n${out}`);
  return JSON.parse(line) as Result;
}

function askWorker(
  dataDirectory: string,
  row: Row,
  method = "GET",
  body?: string,
): Promise<Record<string, unknown>> {
  const { port } = new URL(sandboxOf(dataDirectory).workers.url);
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: "127.0.0.1",
        port,
        method,
        path: method === "POST" ? "/notes" : "/",
        headers: { host: new URL(row.url).host },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () =>
          resolve(JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>),
        );
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}

test(
  "the quickstart becomes Ready, its Workers answer with their own databases; a second start changes nothing, nor does one after the store is lost",
  { timeout: LIMIT },
  async () => {
    const data = join(temporaryDirectory(), "data");
    const installation = ["--installation", "e2e"];
    const up = ["up", "--sandbox", "--source", quickstart, "--data-dir", data, ...installation];
    const first = await run([...up, "--once"]);
    expect(first.err).toBe("");
    expect(first.out).toMatch(/^shop-production +Production +Ready +Healthy +main /m);
    expect(first.out).toMatch(/^shop-pr-1 +Preview +Ready +Healthy +dev /m);
    expect(first.out).toContain(`export KUBECONFIG=${join(data, "kubeconfig")}`);
    expect(first.code).toBe(0);

    const serving = start([...up, "--once", "-o", "json", "--timeout", "2m"]);
    const again = await serving.ended;
    expect(resultIn(again.out)).toMatchObject({ ready: true, ended: "ready", open: [] });
    expect(again.code).toBe(0);

    const running = start([...up, "-o", "json"]);
    const rows = resultIn(
      await running.line((line) => line.startsWith('{"event":"result"')),
    ).matrices.flatMap((matrix) => matrix.rows);
    expect(rows.map(({ name }) => name)).toEqual([
      "shop-dev",
      "shop-staging",
      "shop-production",
      "shop-pr-1",
    ]);
    const row = (name: string): Row => {
      const found = rows.find((candidate) => candidate.name === name);
      if (found === undefined) throw new Error(`no row ${name}`);
      return found;
    };
    const production = row("shop-production");
    const preview = row("shop-pr-1");
    await askWorker(data, preview, "POST", "only here");
    expect(await askWorker(data, production)).toMatchObject({
      environment: "production",
      commit: production.commit,
      database: { notes: 1, value: "first written by production" },
    });
    expect(await askWorker(data, preview)).toMatchObject({
      environment: "pr-1",
      database: { value: "only here" },
    });

    expect(await changesAt(data), "changes at the providers after a restart").toEqual([]);
    const changed = await run(["diff", "-f", quickstart, "--data-dir", data]);
    expect(changed).toMatchObject({ code: 0, out: "Nothing would change at the providers.\n" });

    const tree = await run(["tree", "project/shop", "--data-dir", data]);
    expect(tree.out).toMatch(/^Project shop   ready$/m);
    expect(tree.out).toMatch(/neon project shop \([a-z0-9-]+\) in org-acme-\d+   ready/);
    expect(tree.out).toMatch(/└─ Preview shop-pr-1   ready\n {3}├─ neon branch preview\/pr-1 \(br-/);
    const matrix = await run(["get", "--data-dir", data]);
    expect(matrix.out).toMatch(/^shop-pr-1 +Preview +Ready/m);
    const all = await run(["get", "all", "-o", "json", "--data-dir", data]);
    const { items } = JSON.parse(all.out) as { items: { kind: string }[] };
    const kinds =
      "Connection Connection Connection Source Project Environment Environment Environment Preview";
    expect(items.map(({ kind }) => kind)).toEqual(kinds.split(" "));

    const second = await run([...up]);
    expect(second.code).toBe(1);
    expect(second.err).toContain(`${data} is in use by process ${running.process.pid}`);
    expect(second.err).toContain("--data-dir");

    running.process.kill("SIGTERM");
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0, signal: null });

    for (const name of readdirSync(data))
      if (name !== "sandbox") rmSync(join(data, name), { recursive: true });
    const recovered = start([...up, "-o", "json"]);
    const lines = await recovered.line((line) => line.startsWith('{"event":"result"'));
    expect(resultIn(lines)).toMatchObject({ ready: true });
    // The listener may have another port now: then the webhook is moved there.
    const changes = (await changesAt(data)).filter((change) => !/^PATCH .*\/hooks\/\d+$/.test(change));
    expect(changes.toSorted()).toEqual(
      ["dev", "production", "staging"].map(
        (name) => `PUT /repos/acme/shop/environments/${name}/secrets/DATABASE_URL`,
      ),
    );
    recovered.process.kill("SIGTERM");
    expect(await recovered.ended).toMatchObject({ code: 0, signal: null });
  },
);

test(
  "an object that cannot be converged ends the wait, is named with the remedy, and keeps nobody else",
  { timeout: LIMIT },
  async () => {
    const directory = temporaryDirectory();
    const manifests = join(directory, "platform");
    cpSync(quickstart, manifests, {
      recursive: true,
      filter: (path) => !path.endsWith("template") && !path.endsWith("shop-pr-1.yaml"),
    });
    const staging = join(manifests, "shop-staging.yaml");
    writeFileSync(
      staging,
      readFileSync(staging, "utf8").replace("projectRef: {name: shop}", "projectRef: {name: shoop}"),
    );
    const ended = await run([
      "up",
      "--sandbox",
      "--once",
      "--source",
      manifests,
      "--data-dir",
      join(directory, "data"),
      "-o",
      "json",
    ]);
    const result = resultIn(ended.out);
    expect(ended.code).toBe(1);
    expect(result.ended).toBe("stuck");
    expect(result.open).toMatchObject([
      { kind: "Environment", name: "shop-staging", reason: "ReferenceNotFound" },
    ]);
    expect(result.open[0]?.message).toContain("Project shoop does not exist");
    expect(result.open[0]?.message).toContain("spec.projectRef.name");
  },
);

test(
  "a manifest that does not parse is named with its line; the rest converges",
  { timeout: LIMIT },
  async () => {
    const directory = temporaryDirectory();
    const manifests = join(directory, "platform");
    cpSync(quickstart, manifests, { recursive: true, filter: (path) => !path.endsWith("template") });
    for (const name of ["shop-staging.yaml", "shop-production.yaml"]) rmSync(join(manifests, name));
    writeFileSync(
      join(manifests, "broken.yaml"),
      "apiVersion: flaresmith.dev/v1alpha1\nkind: Environment\nmetadata: {name: [\n",
    );
    const ended = await run([
      "up",
      "--sandbox",
      "--once",
      "--source",
      manifests,
      "--data-dir",
      join(directory, "data"),
      "-o",
      "json",
    ]);
    const result = resultIn(ended.out);
    expect(ended.code).toBe(1);
    expect(result.open.map(({ kind, name }) => `${kind}/${name}`)).toEqual(["Source/platform"]);
    expect(result.open[0]?.message).toContain("broken.yaml:");
    expect(result.matrices.flatMap(({ rows }) => rows).map(({ name, ready }) => `${name} ${ready}`)).toEqual([
      "shop-dev True",
      "shop-pr-1 True",
    ]);
  },
);

test(
  "Ctrl-C while the sandbox starts ends with 0, stops what was starting, and leaves its directory to the next",
  { timeout: LIMIT },
  async () => {
    const data = join(temporaryDirectory(), "data");
    const up = ["up", "--sandbox", "--data-dir", data];
    const stopped = start(up);
    await stopped.line((line) => line.startsWith("starting the sandbox"));
    const postgres = join(data, "sandbox", "postgres");
    await expect.poll(() => existsSync(postgres), { timeout: 30_000 }).toBe(true);
    stopped.process.kill("SIGINT");
    expect(await stopped.ended).toMatchObject({ code: 0, signal: null, err: "" });
    const again = await run([...up, "--once", "-o", "json"]);
    expect(resultIn(again.out)).toMatchObject({ ready: true });
    expect(again).toMatchObject({ code: 0, err: "" });
  },
);

test.each(["--ops-address", "--webhooks-address"])(
  "an address of %s that is taken ends the start in two lines",
  async (option) => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const { port } = holder.address() as AddressInfo;
    const data = join(temporaryDirectory(), "data");
    const up = ["up", "--installation", "test", "--data-dir", data, option, `127.0.0.1:${port}`];
    const { code, err } = await run(up);
    holder.close();
    expect(code).toBe(1);
    expect(err).toMatch(new RegExp(`^error: [^\\n]*127\\.0\\.0\\.1:${port}[^\\n]*\\nhint: [^\\n]+\\n$`));
  },
  60_000,
);

test("no credential is in what is printed or logged", { timeout: LIMIT }, async () => {
  const data = join(temporaryDirectory(), "data");
  const { code, err, out } = await run([
    "up",
    "--sandbox",
    "--once",
    "--source",
    quickstart,
    "--data-dir",
    data,
    "-o",
    "json",
  ]);
  expect(code).toBe(0);
  const addresses = JSON.parse(readFileSync(join(data, "sandbox.json"), "utf8")) as Record<
    string,
    { token?: string }
  >;
  const tokens = Object.values(addresses).flatMap(({ token }) => (token === undefined ? [] : [token]));
  expect(tokens).toHaveLength(3);
  const log = readFileSync(join(data, "flaresmith.log"), "utf8");
  const written = [
    out,
    err,
    log,
    ...["store.db", "store.db-wal"]
      .filter((name) => existsSync(join(data, name)))
      .map((name) => readFileSync(join(data, name), "latin1")),
  ];
  for (const token of tokens) for (const text of written) expect(text.includes(token)).toBe(false);
  for (const text of [out, err, log]) expect(text).not.toMatch(/npg_[A-Za-z0-9]{6}/);
  expect(readdirSync(data)).toContain("kubeconfig");
  const modes = ["sandbox.json", "kubeconfig", "flaresmith.log"].map(
    (name) => statSync(join(data, name)).mode & 0o777,
  );
  expect(modes).toEqual([0o600, 0o600, 0o600]);
});
