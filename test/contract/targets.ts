/** The API servers that answer to the contract. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveApi } from "../../controller/apiserver/serve-api.ts";
import { systemClock, systemRandom } from "../../controller/runtime/adapters/system.ts";
import { builtinTypes, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import { clientOf } from "../support/cluster.ts";
import type { ContractTarget } from "./contract.ts";
import { createTestClock, createTestRandom } from "./test-inputs.ts";
import { widgetDefinition } from "./widget.ts";

const types = [...builtinTypes, widgetDefinition];

/** The embedded store, asked directly. @param path a file, or `:memory:` */
export async function embeddedTarget(path: string): Promise<ContractTarget> {
  const client = await openEmbeddedStore({
    path,
    clock: createTestClock(),
    random: createTestRandom(),
    types,
  });
  return { client, close: () => client.close() };
}

/** The embedded store behind our HTTP API, asked through the cluster client. */
export async function httpTarget(): Promise<ContractTarget> {
  const directory = await mkdtemp(join(tmpdir(), "flaresmith-api-"));
  const clock = systemClock();
  const random = systemRandom();
  const store = await openEmbeddedStore({ path: ":memory:", clock, random, types });
  const api = await serveApi({ directory, store, clock, random });
  const cluster = await clientOf(api.kubeconfig);
  return {
    client: cluster.client,
    async close() {
      await cluster.close();
      await api.close();
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
}
