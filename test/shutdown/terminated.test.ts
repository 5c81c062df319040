/** Class 27 with real processes: SIGTERM while everything is under way, clients write, and a provider hangs. */
import { join } from "node:path";
import { expect, test } from "vitest";
import type { KubernetesObject } from "../../controller/store/resource-client.ts";
import { quickstart, run, sandboxOf, start, stateOf, temporaryDirectory } from "../e2e/command-line.ts";
import { clientOf } from "../support/cluster.ts";
import { typeOf } from "../support/world.ts";

/** What Kubernetes leaves a process between SIGTERM and SIGKILL, in milliseconds. */
const GRACE = 30_000;

async function askControl(data: string, method: string, path: string, body?: unknown): Promise<void> {
  const response = await fetch(`${sandboxOf(data).control.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.ok).toBe(true);
}

async function exactlyOneOfEverything(data: string): Promise<void> {
  const { cloudflare, github, neon } = await stateOf(data);
  expect(github.repositories.map(({ name }) => name).toSorted()).toEqual(["shop", "worker-template"]);
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
}

/** Creates objects from several sides until the server is gone; answers what was acknowledged. */
async function writeUntilRefused(kubeconfig: string, life: number): Promise<string[]> {
  const { client, close } = await clientOf(kubeconfig);
  const acknowledged: string[] = [];
  const writer = async (side: number): Promise<void> => {
    for (let index = 0; ; index += 1) {
      const object: KubernetesObject = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: `map-${life}-${side}-${index}`, namespace: "default" },
      };
      try {
        const { metadata } = await client.create(typeOf("ConfigMap"), object);
        acknowledged.push(metadata.name);
      } catch {
        return;
      }
    }
  };
  await Promise.all([1, 2, 3, 4].map(writer));
  await close();
  return acknowledged;
}

test(
  "SIGTERM in the middle of the first convergence, under load and with a provider that hangs, ends with 0 in time",
  { timeout: 240_000 },
  async () => {
    const data = join(temporaryDirectory(), "data");
    const up = ["up", "--sandbox", "--source", quickstart, "--data-dir", data, "-o", "json"];
    const acknowledged: string[] = [];
    // Neon does what the first asks and does not answer it; the second meets no hindrance.
    const hanging = { provider: "neon", method: "POST", when: "after", delay: 120_000, times: 0 };
    const lives = [hanging, undefined];
    for (const [life, fault] of lives.entries()) {
      const running = start(up);
      await running.line((line) => line.startsWith('{"event":"started"'));
      if (fault !== undefined) await askControl(data, "POST", "/faults", fault);
      const writing = writeUntilRefused(join(data, "kubeconfig"), life);
      await running.line((line) => line.startsWith('{"event":"object"') && line.includes('"Project"'));
      const asked = performance.now();
      running.process.kill("SIGTERM");
      expect(await running.ended).toMatchObject({ code: 0, signal: null, err: "" });
      expect(performance.now() - asked).toBeLessThan(GRACE);
      const written = await writing;
      expect(written.length).toBeGreaterThan(4);
      acknowledged.push(...written);
    }

    expect(await run([...up, "--once"])).toMatchObject({ code: 0 });
    const running = start(up);
    await running.line((line) => line.startsWith('{"event":"result"'));
    await exactlyOneOfEverything(data);
    const { client, close } = await clientOf(join(data, "kubeconfig"));
    const { items } = await client.list(typeOf("ConfigMap"), { namespace: "default" });
    const names = new Set(items.map(({ metadata }) => metadata.name));
    expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
    await close();
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0 });
  },
);
