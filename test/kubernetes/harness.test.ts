/** The servers of a test end with it, even when nobody is left to end them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { eventually } from "../contract/contract-helpers.ts";
import { kubeApi } from "../contract/kube-api.ts";
import { clusterFetch } from "../support/cluster.ts";
import { startKubernetes } from "./harness/kubernetes.ts";

const binaries = inject("binaries");

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // What nobody has waited for yet is dead all the same.
  const status = `/proc/${pid}/status`;
  return !existsSync(status) || !/^State:\s+Z/m.test(readFileSync(status, "utf8"));
}

// Where only a cluster was named there are no programs to start.
test.skipIf(binaries === undefined)("nothing is left when the test run is killed", async () => {
  const script = `
    const { startKubernetes } = await import(${JSON.stringify(join(import.meta.dirname, "harness/kubernetes.ts"))});
    const kubernetes = await startKubernetes({ binaries: ${JSON.stringify(binaries)} });
    console.log(JSON.stringify({ processes: kubernetes.processes(), kubeconfig: kubernetes.kubeconfig }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const started = JSON.parse(line) as { processes: Record<string, number>; kubeconfig: string };
  const pids = Object.values(started.processes);
  expect(pids).toHaveLength(3);
  expect(pids.every(isAlive)).toBe(true);
  child.kill("SIGKILL");
  await eventually(async () => expect(pids.filter(isAlive)).toEqual([]));
  await eventually(async () => expect(existsSync(started.kubeconfig)).toBe(false));
});

test.skipIf(binaries === undefined)("a killed API server starts again with what it stored", async () => {
  const kubernetes = await startKubernetes({ binaries: binaries ?? "", controllerManager: false });
  const { fetch, close } = clusterFetch(kubernetes.admin);
  const api = kubeApi(fetch, kubernetes.url);
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "kept" } };
  expect((await api("POST", "/api/v1/namespaces", JSON.stringify(namespace))).code).toBe(201);
  await kubernetes.apiServer().kill();
  await expect(api("GET", "/api/v1/namespaces/kept")).rejects.toThrow("fetch failed");
  await kubernetes.startApiServer();
  expect((await api("GET", "/api/v1/namespaces/kept")).code).toBe(200);

  const reader = await kubernetes.accessOf({ user: "reader", groups: ["nobody"] });
  const asReader = clusterFetch(reader);
  const refused = await kubeApi(asReader.fetch, reader.server)("GET", "/api/v1/namespaces/kept");
  expect(refused).toMatchObject({
    code: 403,
    body: {
      message:
        'namespaces "kept" is forbidden: User "reader" cannot get resource "namespaces" in API group "" in the namespace "kept"',
    },
  });
  await asReader.close();
  await close();
  await kubernetes.stop();
});
