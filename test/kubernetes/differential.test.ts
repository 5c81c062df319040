/**
 * Random sequences of requests, put to the embedded API and to kube-apiserver: the same answers, word for word.
 * DIFFERENTIAL_SEED and DIFFERENTIAL_PATH replay what a failure prints; DIFFERENTIAL_SEQUENCES sets how many there are.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, inject, test } from "vitest";
import { serveApi } from "../../controller/apiserver/serve-api.ts";
import { systemClock, systemRandom } from "../../controller/runtime/adapters/system.ts";
import { readKubeconfig } from "../../controller/store/cluster/kubeconfig.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import { kinds } from "../../crds/index.ts";
import { clusterFetch } from "../support/cluster.ts";
import type { Server } from "./differential/exchange.ts";
import { compare, sequences } from "./differential/sequence.ts";

/** Sequences that run at the same time, each batch with a seed of its own. */
const BATCHES = 8;
const SEED = Number(process.env["DIFFERENTIAL_SEED"] ?? 1);
const PATH = process.env["DIFFERENTIAL_PATH"];
const COUNT = Number(process.env["DIFFERENTIAL_SEQUENCES"] ?? 2000);

describe("the embedded API answers as kube-apiserver does", () => {
  let servers: { real: Server; own: Server };
  const closing: (() => Promise<void>)[] = [];
  let namespaces = 0;
  const run = Math.floor(Date.now() / 1000).toString(36);

  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), "differential-"));
    const clock = systemClock();
    const random = systemRandom();
    const types = [...builtinTypes, ...kinds.map(kindType)];
    const store = await openEmbeddedStore({ path: ":memory:", clock, random, types });
    const api = await serveApi({ directory, store, clock, random });
    const access = await readKubeconfig(inject("kubeconfig"));
    const real = clusterFetch(access);
    const served = clusterFetch(await readKubeconfig(api.kubeconfig));
    const own: Server["fetch"] = (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set("authorization", `Bearer ${api.token}`);
      return served.fetch(input, { ...init, headers });
    };
    closing.push(
      () => real.close(),
      () => served.close(),
      () => api.close(),
      () => store.close(),
      () => rm(directory, { recursive: true }),
    );
    servers = { real: { fetch: real.fetch, url: access.server }, own: { fetch: own, url: api.url } };
  });
  afterAll(async () => {
    for (const close of closing) await close();
  });

  const batch = async (seed: number): Promise<void> => {
    const property = fc.asyncProperty(sequences, async (sequence) => {
      const difference = await compare(sequence, servers, `differential-${run}-${(namespaces += 1)}`);
      if (difference === undefined) return;
      const { requests, real, own } = difference;
      const lines = [
        ...requests,
        `kube-apiserver: ${JSON.stringify(real, null, 1)}`,
        `embedded: ${JSON.stringify(own, null, 1)}`,
      ];
      throw new Error(lines.join("\n"));
    });
    await fc.assert(property, {
      seed,
      numRuns: Math.ceil(COUNT / BATCHES),
      ...(PATH === undefined ? {} : { path: PATH }),
    });
  };

  test(`${COUNT} sequences of requests`, { timeout: 900_000 }, async () => {
    if (PATH !== undefined) return batch(SEED);
    const ran = await Promise.allSettled(Array.from({ length: BATCHES }, (_, index) => batch(SEED + index)));
    const failed = ran.filter((one) => one.status === "rejected");
    if (failed.length > 0)
      throw new AggregateError(
        failed.map((one) => one.reason as unknown),
        failed.map((one) => String(one.reason)).join("\n\n"),
      );
  });
});
