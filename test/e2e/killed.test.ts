/** `flaresmith up` dies in the middle of its first convergence: real processes, real git, Workers and Postgres. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { quickstart, run, start, stateOf, temporaryDirectory } from "./command-line.ts";

test(
  "killed at ten moments of the first convergence, it ends Ready with exactly one of everything",
  // Twelve starts of everything, Postgres after a kill among it.
  { timeout: 540_000 },
  async () => {
    const data = join(temporaryDirectory(), "data");
    const up = ["up", "--sandbox", "--source", quickstart, "--data-dir", data, "-o", "json"];
    // After how many lines of progress each run dies; the first is before anything exists at the providers.
    for (const lines of [1, 2, 6, 11, 13, 15, 17, 14, 19, 22]) {
      const running = start([...up, "--once"]);
      await running.line((_, index) => index >= lines).catch(() => undefined);
      running.process.kill("SIGKILL");
      await running.ended;
    }
    expect(await run([...up, "--once"])).toMatchObject({ code: 0 });

    const running = start(up);
    await running.line((line) => line.startsWith('{"event":"result"'));
    const { cloudflare, github, neon } = await stateOf(data);
    const shop = github.repositories.filter(({ name }) => name === "shop");
    expect(github.repositories.map(({ name }) => name).toSorted()).toEqual(["shop", "worker-template"]);
    expect(Object.keys(shop[0]?.branches ?? {}).toSorted()).toEqual(["dev", "main", "staging"]);
    expect(shop[0]?.rulesets).toHaveLength(1);
    expect(shop[0]?.hooks).toHaveLength(1);
    expect(neon.projects.map(({ name }) => name)).toEqual(["shop"]);
    expect(neon.projects[0]?.branches.map(({ name }) => name).toSorted()).toEqual([
      "dev",
      "main",
      "preview/pr-1",
      "staging",
    ]);
    const scripts = cloudflare.accounts.flatMap((account) => account.scripts);
    expect(scripts.map(({ name }) => name).toSorted()).toEqual([
      "shop-api-dev",
      "shop-api-production",
      "shop-api-staging",
    ]);
    expect(scripts.flatMap(({ previews }) => previews)).toHaveLength(1);
    running.process.kill("SIGINT");
    expect(await running.ended).toMatchObject({ code: 0 });
  },
);
