/** `flaresmith leaks` as people type it: a data directory is lost, and another `up` finds what it left behind. */
import { join } from "node:path";
import { expect, test } from "vitest";
import type { LeaksJson } from "../leaks/support.ts";
import { namesOf } from "../leaks/support.ts";
import { quickstart, run, start, stateOf, temporaryDirectory } from "./command-line.ts";

const LIMIT = 240_000;

/** As a person does in the Neon console. */
async function unprotect(data: string, project: string): Promise<void> {
  const { out } = await run(["sandbox", "env", "--data-dir", data, "-o", "json"]);
  const { NEON_API_KEY: key = "", NEON_API_URL: url = "" } = JSON.parse(out) as Record<string, string>;
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const base = `${url}/projects/${project}/branches`;
  const answer = await fetch(base, { headers });
  const { branches } = (await answer.json()) as { branches: { id: string; protected: boolean }[] };
  for (const branch of branches.filter((one) => one.protected)) {
    const body = JSON.stringify({ branch: { protected: false } });
    await fetch(`${base}/${branch.id}`, { method: "PATCH", headers, body });
  }
}

test(
  "finds, deletes and finds no more what a lost data directory left behind",
  { timeout: LIMIT },
  async () => {
    const directory = temporaryDirectory();
    const sandbox = [
      "--sandbox",
      "--sandbox-dir",
      join(directory, "world"),
      "--installation",
      "e2e",
      "-o",
      "json",
    ];
    const lost = join(directory, "lost");
    const first = await run(["up", ...sandbox, "--source", quickstart, "--once", "--data-dir", lost]);
    expect(first.code).toBe(0);

    const data = join(directory, "data");
    const server = start(["up", ...sandbox, "--data-dir", data]);
    await server.line((line) => line.startsWith('{"event":"result"'));
    const leaks = (...args: string[]) => run(["leaks", "--data-dir", data, ...args]);
    const list = async (...args: string[]): Promise<LeaksJson & { code: number | null }> => {
      const { code, out } = await leaks("-o", "json", ...args);
      return { ...(JSON.parse(out) as LeaksJson), code };
    };
    const young = await list();
    // What the first process made last may be too young to be called a leak yet. Each look costs calls of the accounts'
    // budgets: without a rest between them they are used up before it is old enough.
    let report = young;
    while (report.undecided.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 10_000));
      report = await list();
    }
    expect(report).toMatchObject({ code: 1, installation: "e2e", missed: [], tombstones: [] });
    expect(namesOf(report.leaks)).toEqual([
      "cloudflare preview pr-1",
      "cloudflare worker shop-api-dev",
      "cloudflare worker shop-api-production",
      "cloudflare worker shop-api-staging",
      "github repository shop",
      expect.stringMatching(/^github webhook http:.*\/webhooks\/github$/),
      "neon branch dev",
      "neon branch preview/pr-1",
      "neon branch staging",
      "neon project shop",
    ]);

    const text = await leaks();
    expect(text.code).toBe(1);
    expect(text.out).toContain("10 made by installation e2e and without an owner:");
    expect(text.out).toMatch(/^PROVIDER\/TYPE\/ID +NAME +OWNER +AGE +WHY$/m);
    const unanswered = await leaks("--delete");
    expect(unanswered).toMatchObject({ code: 2, out: "" });
    expect(unanswered.err).toContain("error: --delete asks before it deletes");

    const careful = await list("--delete", "--yes");
    expect(careful.code).toBe(1);
    expect(careful.deletion?.results.map(({ result }) => result)).toEqual(["deleted", "deleted"]);
    const rest = careful.deletion?.notTaken.flatMap(({ include }) => ["--include", include]) ?? [];
    const whole = await list("--delete", "--yes", ...rest);
    const failed = whole.deletion?.results.filter(({ result }) => result !== "deleted") ?? [];
    // Somebody protected production's database, and that holds against us as well.
    const why = expect.stringMatching(/while branches of it are protected: main$/) as unknown;
    expect(failed).toMatchObject([{ result: "failed", why }]);
    expect(whole.code).toBe(2);
    const project = failed[0]?.include ?? "";
    await unprotect(data, project.split("/").at(-1) ?? "");
    expect((await list("--delete", "--yes", "--include", project)).code).toBe(0);
    const { cloudflare, github, neon } = await stateOf(data);
    expect(github.repositories.map(({ name }) => name)).toEqual(["worker-template"]);
    expect(neon.projects.filter((project) => !("deletedAt" in project))).toEqual([]);
    expect(cloudflare.accounts.flatMap(({ scripts }) => scripts)).toEqual([]);
    expect(await list()).toMatchObject({ code: 0, leaks: [], undecided: [], missed: [] });

    server.process.kill("SIGTERM");
    await server.ended;
    const stopped = await leaks();
    expect(stopped).toMatchObject({ code: 2, out: "" });
    expect(stopped.err).toMatch(/^error: nothing answers at .*\nhint: Start it with flaresmith up/);
  },
);
