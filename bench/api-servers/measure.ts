/** What is measured of one server. Every function can be called again and again, so that two servers take turns. */
import { performance } from "node:perf_hooks";
import type { Client } from "./client.ts";
import { projectOf } from "./project.ts";

interface Creates {
  /** Milliseconds that all of them took together. */
  elapsed: number;
  /** Milliseconds of each, from sending to the end of the answer. */
  latencies: number[];
}

/** Creates the Projects of these numbers. @param connections how many requests there are at once */
export async function creates(
  client: Client,
  from: number,
  to: number,
  connections: number,
): Promise<Creates> {
  const latencies: number[] = [];
  let next = from;
  const began = performance.now();
  const worker = async (): Promise<void> => {
    for (let index = next++; index < to; index = next++) {
      const sent = performance.now();
      await client.create(index);
      latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return { elapsed: performance.now() - began, latencies };
}

/** @returns milliseconds from sending to the last byte of a list, and its bytes */
export async function listing(
  client: Client,
  resourceVersion?: string,
): Promise<{ elapsed: number; bytes: number }> {
  const began = performance.now();
  const bytes = await client.list(resourceVersion);
  return { elapsed: performance.now() - began, bytes };
}

const DEADLINE_MILLISECONDS = 30_000;

/**
 * Changes Projects at a fixed rate, whether or not the ones before were answered, while a watch is open.
 * @param options.value what is written, another one each time @param options.interval milliseconds between two writes
 * @returns milliseconds from sending each write to its event
 * @throws Error when an event does not come within 30 s of the last write
 */
export async function watchLatencies(
  client: Client,
  options: { value: string; events: number; interval: number },
): Promise<number[]> {
  const { events, interval, value } = options;
  const sent = new Map<string, number>();
  const latencies: number[] = [];
  const stop = new AbortController();
  await client.watch((line) => {
    const now = performance.now();
    const [, name = ""] = /"name":"(project-\d{5})"/.exec(line) ?? [];
    const at = sent.get(name);
    if (at === undefined) return;
    latencies.push(now - at);
    sent.delete(name);
  }, stop.signal);
  const writes: Promise<void>[] = [];
  for (let index = 0; index < events; index += 1) {
    const { name } = projectOf(index).metadata;
    sent.set(name, performance.now());
    writes.push(client.label(index, value));
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
  await Promise.all(writes);
  for (const began = performance.now(); sent.size > 0;) {
    if (performance.now() - began > DEADLINE_MILLISECONDS)
      throw new Error(`${sent.size} events did not arrive`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  stop.abort();
  return latencies;
}
