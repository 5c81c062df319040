/**
 * Whether the time of a refusal tells how much of a webhook's signature was right: signatures that differ in the first byte
 * against such that differ in the last one, asked in random order. Welch's t of the two means, after the slowest tenth of
 * each was cut off; below 4.5 nothing leaks that this many requests could show (the threshold of the TVLA method,
 * Goodwill et al. 2011). The argument is the number of requests of each kind. Default 50,000.
 */
import { createHmac } from "node:crypto";
import { performance } from "node:perf_hooks";
import { isSigned } from "../controller/http/webhook-signature.ts";

const secret = "a webhook secret of usual length";
const body = Buffer.from(JSON.stringify({ ref: "refs/heads/main", text: "x".repeat(2_000) }));

function signature(wrongAt: number): string {
  const digest = createHmac("sha256", secret).update(body).digest();
  digest[wrongAt] = (digest[wrongAt] ?? 0) ^ 1;
  return `sha256=${digest.toString("hex")}`;
}

interface Sample {
  mean: number;
  variance: number;
  count: number;
}

function sample(times: Float64Array): Sample {
  const kept = times.toSorted().subarray(0, Math.floor(times.length * 0.9));
  const mean = kept.reduce((sum, time) => sum + time, 0) / kept.length;
  const variance = kept.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (kept.length - 1);
  return { mean, variance, count: kept.length };
}

/** Prints both means in nanoseconds, and t. @throws RangeError for an argument that is no number above 100 */
export function signatureTiming(argument = "50000"): void {
  const requests = Number(argument);
  if (!(requests > 100)) throw new RangeError(`${argument} is no number of requests above 100`);
  const kinds = [signature(0), signature(31)];
  const times = kinds.map(() => new Float64Array(requests));
  const done = [0, 0];
  let refused = 0;
  while (done.some((count) => count < requests)) {
    const kind = Math.random() < 0.5 ? 0 : 1;
    const at = done[kind] ?? 0;
    if (at >= requests) continue;
    const began = performance.now();
    if (!isSigned(body, kinds[kind], [secret])) refused += 1;
    const list = times[kind];
    if (list) list[at] = (performance.now() - began) * 1e6;
    done[kind] = at + 1;
  }
  if (refused !== 2 * requests) throw new Error("a wrong signature was taken for a right one");
  const [first, last] = times.map(sample);
  if (!first || !last) return;
  const t = (first.mean - last.mean) / Math.sqrt(first.variance / first.count + last.variance / last.count);
  console.log(
    `wrong in the first byte: ${first.mean.toFixed(0)} ns, in the last: ${last.mean.toFixed(0)} ns`,
  );
  console.log(`Welch's t = ${t.toFixed(2)}: ${Math.abs(t) < 4.5 ? "nothing leaks" : "the time tells"}`);
}
