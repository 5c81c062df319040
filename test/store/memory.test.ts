/** Class 28: little memory, 20,000 objects, and clients that ask for much and read little. */
import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock, systemRandom } from "../../controller/runtime/adapters/system.ts";
import { readKubeconfig } from "../../controller/store/cluster/kubeconfig.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import type { KubernetesObject } from "../../controller/store/resource-client.ts";
import { kinds } from "../../crds/index.ts";
import { start, temporaryDirectory } from "../e2e/command-line.ts";
import { clientOf } from "../support/cluster.ts";
import { typeOf } from "../support/world.ts";

const OBJECTS = 20_000;
/** Megabytes: too little to hold them, and what is enough for them and all else. */
const TOO_LITTLE = 64;
const ENOUGH = 288;

const project = (index: number): KubernetesObject => ({
  apiVersion: "flaresmith.dev/v1alpha1",
  kind: "Project",
  metadata: { name: `p-${index}`, namespace: "default", annotations: { about: "x".repeat(700) } },
  spec: {
    suspend: true,
    github: { connectionRef: { name: "github" }, repository: `p-${index}`, description: "y".repeat(200) },
  },
});

async function fill(data: string): Promise<void> {
  mkdirSync(data);
  const store = await openEmbeddedStore({
    path: join(data, "store.db"),
    clock: systemClock(),
    random: systemRandom(),
    types: [...builtinTypes, ...kinds.map((kind) => kindType(kind))],
    defer: queueMicrotask,
  });
  for (let index = 0; index < OBJECTS; index += 200) {
    const batch = Array.from({ length: 200 }, (_, offset) => project(index + offset));
    await Promise.all(batch.map((object) => store.create(typeOf("Project"), object)));
  }
  await store.close();
}

const withHeap = (megabytes: number): { env: Record<string, string> } => ({
  env: { NODE_OPTIONS: `--max-old-space-size=${megabytes}` },
});

/** Asks and reads nothing of the answer. */
async function neverRead(kubeconfig: string, path: string): Promise<IncomingMessage> {
  const { authority, server, token } = await readKubeconfig(kubeconfig);
  return new Promise((resolve, reject) => {
    const asked = request(
      `${server}${path}`,
      { ca: authority, agent: false, headers: { authorization: `Bearer ${token ?? ""}` } },
      (answer) => {
        // Who does not read for a minute is cut off.
        answer.on("error", () => undefined);
        resolve(answer.pause());
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}

test(
  "20,000 objects: out of memory loses nothing, and with enough of it neither large changes nor slow clients use it up",
  { timeout: 300_000 },
  async () => {
    const data = join(temporaryDirectory(), "data");
    await fill(data);
    const up = ["up", "--installation", "test", "--data-dir", data, "-o", "json"];

    const starved = await start(up, withHeap(TOO_LITTLE)).ended;
    expect(starved.code === 134 || starved.signal === "SIGABRT", "the kernel or V8 ended it").toBe(true);
    expect(starved.err).toContain("heap out of memory");

    const running = start(up, withHeap(ENOUGH));
    const line = await running.line((text) => text.startsWith('{"event":"started"'));
    const { kubeconfig, ops } = JSON.parse(line) as { kubeconfig: string; ops: string };
    const { client, close } = await clientOf(kubeconfig);
    const projects = "/apis/flaresmith.dev/v1alpha1/projects";
    const maps = "/api/v1/configmaps?watch=true&resourceVersion=0";
    const unread = await Promise.all([
      ...Array.from({ length: 10 }, () => neverRead(kubeconfig, projects)),
      ...Array.from({ length: 10 }, () => neverRead(kubeconfig, `${projects}?watch=true`)),
      ...Array.from({ length: 10 }, () => neverRead(kubeconfig, maps)),
    ]);
    // More versions of one object than there is memory, each of which somebody who watches has not read yet.
    const configMap = (text: string): KubernetesObject => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "large", namespace: "default" },
      data: { text },
    });
    await client.create(typeOf("ConfigMap"), configMap(""));
    for (let version = 0; version < 250; version += 1)
      await client.update(typeOf("ConfigMap"), configMap(String(version % 10).repeat(1_000_000)));
    // Changes of many objects at once, and whole lists for those who read.
    const body = { metadata: { labels: { touched: "yes" } } };
    await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        client.patch(
          typeOf("Project"),
          { namespace: "default", name: `p-${index}` },
          { type: "merge", body },
        ),
      ),
    );
    const listed = await client.list(typeOf("Project"), { labelSelector: "touched" });
    expect(listed.items).toHaveLength(500);
    expect(
      (await client.list(typeOf("Project"))).items,
      "nothing was lost when the first one died",
    ).toHaveLength(OBJECTS);
    expect((await fetch(`${ops}/readyz`)).status).toBe(200);
    for (const answer of unread) answer.destroy();
    await close();
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0, err: "" });
  },
);
