/** One sequence of requests, put to two servers whose answers must be the same. */
import fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { acceptedDifferences } from "./accepted.ts";
import { Exchange, type Server } from "./exchange.ts";
import { Normalizer, sameOrder } from "./normal.ts";
import { NAMES, requestOf, SIZES, VERBS, type Request, type Step } from "./requests.ts";
import { resources } from "./resources.ts";

export interface Sequence {
  /** The types it is about, as indexes. */
  on: readonly number[];
  steps: readonly Step[];
  /** How the history is watched in the end. */
  watch: number;
}

export interface Difference {
  /** What was asked before, and what was answered differently. */
  requests: readonly string[];
  real: unknown;
  own: unknown;
}

/** The first entries of a table with these weights, and any of its entries with what is left of ten. */
function mostly(size: number, ...weights: readonly number[]): fc.Arbitrary<number> {
  const rest = weights.reduce((left, weight) => left - weight, 10);
  return fc.oneof(...weights.map((weight, index) => ({ weight, arbitrary: fc.constant(index) })), {
    weight: rest,
    arbitrary: fc.nat(size - 1),
  });
}

const verb = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step["verb"]>("create") },
  { weight: 4, arbitrary: fc.constant<Step["verb"]>("apply") },
  { weight: 4, arbitrary: fc.constantFrom<Step["verb"]>("update", "merge", "status") },
  { weight: 8, arbitrary: fc.constantFrom(...VERBS) },
);
const step: fc.Arbitrary<Step> = fc.record({
  verb,
  on: mostly(2, 7),
  name: mostly(NAMES.length, 7, 2),
  body: mostly(997, 4, 3),
  metadata: mostly(SIZES.metadatas, 6),
  options: mostly(SIZES.writeQueries, 7),
  variant: fc.nat(SIZES.variants),
});

/** Sequences of up to 14 steps over two types. */
export const sequences: fc.Arbitrary<Sequence> = fc.record({
  on: fc.tuple(fc.nat(resources.length - 1), fc.nat(resources.length - 1)),
  steps: fc.array(step, { minLength: 1, maxLength: 14, size: "max" }),
  watch: fc.nat(4),
});

const END = "zz-end";
/** The watch whose selector the last object has to match. */
const SELECTED = 1;
const WATCHES = [
  "",
  "&labelSelector=app%3Dx",
  "&labelSelector=app%21%3Dx",
  "&fieldSelector=metadata.name%21%3Da",
  "&fieldSelector=metadata.name%21%3Db",
];

function shown({ method, path, headers, body }: Request): string {
  return `${method} ${path} ${Object.values(headers).join(" ")} ${body ?? ""}`.trimEnd();
}

/**
 * Puts a sequence to both servers, each in a namespace of its own.
 * @returns the first difference; undefined when there is none
 */
export async function compare(
  sequence: Sequence,
  servers: { real: Server; own: Server },
  namespace: string,
): Promise<Difference | undefined> {
  const real = { exchange: new Exchange(servers.real, namespace), normal: new Normalizer() };
  const own = { exchange: new Exchange(servers.own, namespace), normal: new Normalizer() };
  const asked: string[] = [];

  let hasDiverged = false;
  const ask = async (request: Request): Promise<Difference | undefined> => {
    asked.push(shown(request));
    const [theirs, ours] = await Promise.all([real.exchange.send(request), own.exchange.send(request)]);
    const answers = { real: real.normal.answer(theirs), own: own.normal.answer(ours) };
    if (isDeepStrictEqual(answers.real, answers.own)) return undefined;
    const accepted = acceptedDifferences.find((difference) => difference.applies({ request, ...answers }));
    if (accepted === undefined) return { requests: asked, ...answers };
    hasDiverged ||= accepted.diverges === true;
    return undefined;
  };
  // kube-apiserver stores the default status with the first write after the create, whatever that writes.
  const settle = async (request: Request): Promise<Difference | undefined> => {
    const resource = resources.find(({ plural }) => request.about.startsWith(`${plural}/`));
    const name = own.exchange.created(request);
    // A generated name is another one on each server, and nothing is asked about it any more.
    if (resource?.hasStatus !== true || name === undefined || name !== real.exchange.created(request))
      return undefined;
    return ask({
      method: "PATCH",
      path: `${resource.path}/${name}/status`,
      headers: { "content-type": "application/merge-patch+json" },
      body: '{"status":{"observedGeneration":0}}',
      about: `${resource.plural}/${name}`,
    });
  };
  const create = (path: string, body: object): Request => ({
    method: "POST",
    path,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    about: "none/none",
  });

  const made = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
  const first = await ask(create("/api/v1/namespaces", made));
  if (first !== undefined) return first;
  const start = { real: real.normal.versions()[0] ?? 0, own: own.normal.versions()[0] ?? 0 };
  for (const one of sequence.steps) {
    const request = requestOf(one, sequence.on);
    const difference = (await ask(request)) ?? (await settle(request));
    if (difference !== undefined || hasDiverged) return difference;
  }
  for (const index of new Set(sequence.on)) {
    const resource = resources[index];
    if (resource === undefined) continue;
    const { apiVersion, kind, path, bodies } = resource;
    const labels = sequence.watch === SELECTED ? { app: "x" } : {};
    const end = await ask(create(path, { apiVersion, kind, metadata: { name: END, labels }, ...bodies[0] }));
    if (end !== undefined) return end;
    const from = (version: number): string =>
      `${path}?watch=1&resourceVersion=${version}${WATCHES[sequence.watch] ?? ""}`.replaceAll(
        "$ns",
        namespace,
      );
    const [theirs, ours] = await Promise.all([
      real.exchange.watch(from(start.real), END),
      own.exchange.watch(from(start.own), END),
    ]);
    const events = { real: real.normal.body(theirs), own: own.normal.body(ours) };
    if (!isDeepStrictEqual(events.real, events.own))
      return { requests: [...asked, `watch ${from(0)}`], ...events };
  }
  const versions = { real: real.normal.versions(), own: own.normal.versions() };
  if (!sameOrder(versions.real, versions.own))
    return { requests: [...asked, "the order of versions"], ...versions };
  return undefined;
}
