/** Class 25 without anything simulated: a real file system that is full, and a real limit on the size of files. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clientOf } from "../support/cluster.ts";
import type { KubernetesObject, ResourceClient, WatchEvent } from "../../controller/store/resource-client.ts";
import { start, temporaryDirectory } from "../e2e/command-line.ts";
import type { Running } from "../e2e/command-line.ts";
import { typeOf } from "../support/world.ts";

const configMaps = typeOf("ConfigMap");
const configMap = (name: string, length: number): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default" },
  data: { text: "x".repeat(length) },
});

/** Whether this user may have a mount namespace of their own, where a small file system can be mounted. */
const ownMounts =
  spawnSync("unshare", ["-r", "-m", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]).status === 0;

interface Started {
  kubeconfig: string;
  ops: string;
}

async function startedOf(running: Running): Promise<Started> {
  const line = await running.line((text) => text.startsWith('{"event":"started"'));
  return JSON.parse(line) as Started;
}

async function fill(client: ResourceClient): Promise<{ made: string[]; refusal: unknown }> {
  const made: string[] = [];
  for (;;) {
    try {
      const { metadata } = await client.create(configMaps, configMap(`map-${made.length}`, 50_000));
      made.push(metadata.name);
    } catch (refusal) {
      return { made, refusal };
    }
  }
}

/** What `up` says about its store in every place that tells of it, while it cannot be written. */
async function expectTold(running: Running, ops: string): Promise<void> {
  const ready = await fetch(`${ops}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.text()).toMatch(/\[-\]store failed: The store .* Make room/);
  expect((await fetch(`${ops}/healthz`)).status, "a restart would not help").toBe(200);
  const metrics = await (await fetch(`${ops}/metrics`)).text();
  expect(metrics).toContain("flaresmith_store_writable 0");
  expect(metrics).toMatch(/flaresmith_store_write_failures_total\{fault="full"\} [1-9]/);
  await running.line((line) => line.startsWith('{"event":"note"') && line.includes("Make room"));
}

test.skipIf(!ownMounts)(
  "a file system that fills up under `flaresmith up`: reads go on, and so do writes as soon as there is room",
  { timeout: 60_000 },
  async () => {
    const data = temporaryDirectory();
    const ballast = join(data, "ballast");
    const small = `mount -t tmpfs -o size=6m tmpfs ${data} && head -c 4000000 /dev/zero > ${ballast}`;
    const running = start(["up", "--installation", "test", "--data-dir", data, "-o", "json"], {
      through: ["unshare", "-r", "-m", "sh", "-c", `${small} && exec "$0" "$@"`],
    });
    const { ops } = await startedOf(running);
    // The file system is the process's own; this is the way in.
    const inside = (path: string): string => join("/proc", String(running.process.pid), "root", path);
    const { client, close } = await clientOf(inside(join(data, "kubeconfig")));
    const { made, refusal } = await fill(client);
    expect(refusal).toMatchObject({
      code: 507,
      reason: "InsufficientStorage",
      message: expect.stringMatching(/store\.db cannot be written .* disk is full.* Make room/),
    });
    const { items } = await client.list(configMaps, { namespace: "default" });
    expect(items.map(({ metadata }) => metadata.name).toSorted()).toEqual(made.toSorted());
    await expectTold(running, ops);

    rmSync(inside(ballast));
    // Nobody writes: it finds out by itself.
    await running.line((line) => line.includes("The store can be written again"));
    expect((await fetch(`${ops}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${ops}/metrics`)).text()).toContain("flaresmith_store_writable 1");
    await client.create(configMaps, configMap("one-more", 50_000));
    const events = await client.list(typeOf("Event"), { namespace: "flaresmith-system" });
    expect(events.items).toMatchObject([{ type: "Warning", reason: "StoreWasNotWritable" }]);
    await close();
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0 });
  },
);

test(
  "`flaresmith up` whose files may grow no larger says so wherever one looks, goes on reading, and loses nothing",
  { timeout: 120_000 },
  async () => {
    const data = join(temporaryDirectory(), "data");
    const up = ["up", "--installation", "test", "--data-dir", data, "-o", "json"];
    const limited = start(up, {
      through: ["sh", "-c", 'ulimit -f 2048 && exec "$0" "$@"'],
    });
    const first = await startedOf(limited);
    const { client, close } = await clientOf(first.kubeconfig);
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      const events: AsyncIterable<WatchEvent> = client.watch(
        configMaps,
        { resourceVersion: "0" },
        stop.signal,
      );
      for await (const event of events) if (event.type === "ADDED") seen.push(event.object.metadata.name);
    })().catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    const { made, refusal } = await fill(client);
    expect(made.length).toBeGreaterThan(3);
    expect(refusal).toMatchObject({
      code: 507,
      reason: "InsufficientStorage",
      message: expect.stringMatching(/store\.db cannot be written .* limit on file size .* Make room/),
    });
    const { items } = await client.list(configMaps, { namespace: "default" });
    expect(items.map(({ metadata }) => metadata.name).toSorted()).toEqual(made.toSorted());
    await expectTold(limited, first.ops);
    expect(readFileSync(join(data, "flaresmith.log"), "utf8")).toContain("the store cannot be written");
    for (const name of made) expect(seen).toContain(name);
    stop.abort();
    await watching;
    await close();
    limited.process.kill("SIGTERM");
    expect(await limited.ended).toMatchObject({ code: 0 });

    const free = start(up);
    const second = await startedOf(free);
    const again = await clientOf(second.kubeconfig);
    const left = await again.client.list(configMaps, { namespace: "default" });
    expect(left.items.map(({ metadata }) => metadata.name).toSorted()).toEqual(made.toSorted());
    await again.client.create(configMaps, configMap("one-more", 50_000));
    await again.close();
    free.process.kill("SIGTERM");
    expect(await free.ended).toMatchObject({ code: 0 });
    expect(existsSync(join(data, "store.db-wal")), "and it was closed in order").toBe(false);
  },
);
