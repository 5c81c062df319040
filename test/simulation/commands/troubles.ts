/** What can be broken until somebody mends it, and accidents of a moment. */
import fc from "fast-check";
import { providerNames } from "../faults.ts";
import type { FaultClass, Period } from "../faults.ts";
import { act, command } from "./command.ts";
import type { Accident, Command, Model } from "./command.ts";

type Breaking = Pick<Period, "kind" | "provider" | "amount"> & { words: string };

const provider = fc.constantFrom(...providerNames);

/** Each starts now and lasts until it is mended. */
const breakings: fc.Arbitrary<Breaking> = fc.oneof(
  provider.map((name) => of("outage", name, 0, `${name} is down`)),
  fc
    .tuple(provider, fc.integer({ min: 1, max: 120 }))
    .map(([name, seconds]) => of("rate-limit", name, seconds, `${name} asks to wait ${seconds} s`)),
  provider.map((name) => of("rate-limit-unannounced", name, 0, `${name} limits without saying for how long`)),
  provider.map((name) => of("token-refused", name, 0, `${name} refuses the credentials`)),
  fc.constant(of("locked", "neon", 0, "neon is locked")),
  fc.constant(of("token-narrowed", "github", 0, "the github token sees no repository")),
  fc
    .tuple(provider, fc.integer({ min: 200, max: 20_000 }))
    .map(([name, lag]) => of("lag", name, lag, `reads of ${name} lag ${lag} ms behind`)),
  fc.constant(of("two-leaders", "github", 0, "a second process believes that it leads")),
  fc
    .constantFrom(-3_600_000, -60_000, 60_000, 3_600_000)
    .map((jump) => of("clock-jump", "github", jump, `the clock is ${jump / 1_000} s off`)),
);

function of(kind: Period["kind"], name: Period["provider"], amount: number, words: string): Breaking {
  return { kind, provider: name, amount, words };
}

const some: readonly { kind: FaultClass; words: string }[] = [
  { kind: "lost-request", words: "calls that get lost" },
  { kind: "lost-answer", words: "answers that get lost" },
  { kind: "failure-before", words: "502 for what was not done" },
  { kind: "failure-after", words: "502 for what was done" },
  { kind: "html", words: "HTML instead of JSON" },
  { kind: "broken-json", words: "answers that break off" },
  { kind: "slow", words: "calls that take 5 to 40 s" },
  { kind: "duplicate", words: "calls that arrive twice" },
  { kind: "conflict", words: "writes that conflict" },
  { kind: "store-unavailable", words: "503 of the store" },
  { kind: "lost-write-answer", words: "answers of the store that get lost" },
  { kind: "stale-cache", words: "caches that are late" },
  { kind: "watch-gone", words: "watches that are too old" },
  { kind: "watch-silent", words: "watches that fall silent" },
  { kind: "watch-broken", words: "watches that break off" },
];

/** Before anybody wanted anything there is nothing to disturb. */
const begun = ({ last }: Readonly<Model>): boolean => last.size > 0;

/** Something breaks for a provider, or for the controller as a whole. */
export const breaks: fc.Arbitrary<Command> = breakings.map(({ words, ...period }) =>
  command(
    `from here on ${words}`,
    (model) => begun(model) && !model.broken.has(`${period.kind} ${period.provider}`),
    (model, draft) => {
      model.broken.add(`${period.kind} ${period.provider}`);
      draft.periods.push({ ...period, from: draft.at, to: Number.POSITIVE_INFINITY });
    },
  ),
);

/** Some of the calls or writes fail. */
export const weakens: fc.Arbitrary<Command> = fc
  .tuple(fc.constantFrom(...some), fc.integer({ min: 1, max: 30 }))
  .map(([{ kind, words }, percent]) =>
    command(
      `from here on ${words}, ${percent} in 100`,
      (model) => begun(model) && !model.broken.has(kind),
      (model, draft) => {
        model.broken.add(kind);
        act(draft, () => void draft.rates.set(kind, percent / 100));
      },
    ),
  );

/** All that is broken is mended. */
export function mend(draft: { at: number; periods: Period[] }): void {
  for (const period of draft.periods) if (period.to > draft.at) period.to = draft.at;
}

export const heals: fc.Arbitrary<Command> = fc.constant(
  command(
    "everything works again",
    ({ broken }) => broken.size > 0,
    (model, draft) => {
      model.broken.clear();
      mend(draft);
      act(draft, () => draft.rates.clear());
    },
  ),
);

const inWords: Readonly<Record<Accident["what"], string>> = {
  "crash before": "the process dies before its",
  "crash after": "the process dies after its",
  "lost answer": "nobody hears the answer of its",
};

/** One of the next calls or writes meets with an accident. */
export const accidents: fc.Arbitrary<Command> = fc
  .tuple(
    fc.constantFrom("call" as const, "write" as const),
    fc.constantFrom("crash before" as const, "crash after" as const, "lost answer" as const),
    fc.integer({ min: 1, max: 40 }),
  )
  .map(([boundary, what, left]) =>
    command(`${inWords[what]} ${boundary} number ${left} from here`, begun, (_model, draft) =>
      act(draft, () => void draft.accidents.push({ boundary, what, left })),
    ),
  );

export const crashes: fc.Arbitrary<Command> = fc.constantFrom(
  command("the process dies", begun, (_model, draft) => act(draft, (scene) => scene.crash())),
  command("the process is told to end", begun, (_model, draft) =>
    draft.periods.push({
      kind: "terminated",
      provider: "github",
      from: draft.at,
      to: draft.at,
      amount: 0,
    }),
  ),
);

/** Time passes: mostly moments, in which much happens, and sometimes as long as it takes a controller to look again. */
export const waits: fc.Arbitrary<Command> = fc
  .oneof(
    { weight: 3, arbitrary: fc.integer({ min: 10, max: 3_000 }) },
    { weight: 3, arbitrary: fc.integer({ min: 3, max: 90 }).map((seconds) => seconds * 1_000) },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: 30 }).map((minutes) => minutes * 60_000) },
  )
  .map((milliseconds) =>
    command(
      `${milliseconds % 60_000 === 0 ? `${milliseconds / 60_000} min` : `${milliseconds / 1_000} s`} pass`,
      begun,
      (_model, draft) => {
        draft.at += milliseconds;
      },
    ),
  );
