/** Which server a command asks. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serveApi, type ServedApi } from "../apiserver/serve-api.ts";
import { systemClock, systemRandom } from "../runtime/adapters/system.ts";
import { builtinTypes, openEmbeddedStore, type EmbeddedStore } from "../store/embedded/index.ts";
import { isServerRunning, withServer } from "./running-server.ts";

const outside = { clock: systemClock(), random: systemRandom(), env: {} };

let directory: string;
let store: EmbeddedStore;
let api: ServedApi;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "flaresmith-running-"));
  const { clock, random } = outside;
  store = await openEmbeddedStore({ path: ":memory:", clock, random, types: builtinTypes });
  api = await serveApi({ directory, store, clock, random });
});
afterEach(async () => {
  await api.close();
  await store.close();
  await rm(directory, { recursive: true });
});

/** As `kind create cluster --kubeconfig .flaresmith/kubeconfig` leaves it. */
async function chooseAnother(): Promise<void> {
  const text = await readFile(api.kubeconfig, "utf8");
  const entry = "- name: kind-dev\n    ";
  const changed = text
    .replace("clusters:\n", `clusters:\n  ${entry}cluster: {server: "https://127.0.0.1:1"}\n`)
    .replace("contexts:\n", `contexts:\n  ${entry}context: {cluster: kind-dev, namespace: elsewhere}\n`)
    .replace("current-context: flaresmith", "current-context: kind-dev");
  await writeFile(api.kubeconfig, changed);
}

const namespaceAsked = (options: { kubeconfig?: string; context?: string }): Promise<string> =>
  withServer({ dataDir: directory, ...options }, outside, ({ namespace }) => Promise.resolve(namespace));

test("a data directory's own server is asked, whichever context kubectl uses meanwhile", async () => {
  await chooseAnother();
  expect(await isServerRunning({ dataDir: directory }, outside)).toBe(true);
  expect(await namespaceAsked({})).toBe("default");
});

test("no kubeconfig, or nobody who answers where it points, is no server", async () => {
  expect(await isServerRunning({ dataDir: join(directory, "elsewhere") }, outside)).toBe(false);
  await chooseAnother();
  expect(await isServerRunning({ dataDir: directory, context: "kind-dev" }, outside)).toBe(false);
});

test("a kubeconfig that is broken, or has not the context that was named, tells of no server at all", async () => {
  const asked = (context?: string): Promise<boolean> =>
    isServerRunning({ dataDir: directory, context }, outside);
  await expect(asked("kind-prod")).rejects.toThrow('there is no context "kind-prod"');
  await writeFile(api.kubeconfig, "clusters: [");
  await expect(asked()).rejects.toThrow("cannot be read as a kubeconfig");
});

test("a context or a kubeconfig that is named is the one that counts", async () => {
  await chooseAnother();
  expect(await namespaceAsked({ context: "kind-dev" })).toBe("elsewhere");
  expect(await namespaceAsked({ kubeconfig: api.kubeconfig })).toBe("elsewhere");
  expect(await namespaceAsked({ kubeconfig: api.kubeconfig, context: "flaresmith" })).toBe("default");
});
