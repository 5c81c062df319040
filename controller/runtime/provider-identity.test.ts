/** What a departed identity leaves behind: nothing, once forgetting it cannot make us ask for more than we may. */
import { expect, it } from "vitest";
import { json, outcome, setUp, url } from "./testing/transport-world.ts";
import type { Answer } from "./testing/transport-world.ts";

const gone = { provider: "github", identity: "bot", connection: "team/gh" };
/** Unused identities are looked for whenever one is asked for, so asking for this one has the other forgotten. */
const other = { provider: "neon", identity: "org:1", connection: "team/neon" };

it("an identity goes with its last Connection, and comes back as new", async () => {
  const { identities, identity } = setUp(() => json({}));
  identities.of({ ...gone, connection: "team/second" });
  identities.release(gone);
  expect(identities.all()).toEqual([identity]);
  identities.release({ ...gone, connection: "team/second" });
  expect(identities.all()).toEqual([]);
  identities.release(gone);
  expect(identities.of(gone)).not.toBe(identity);
});

it("a hundred rotated tokens leave one identity", () => {
  const { identities } = setUp(() => json({}));
  identities.release(gone);
  for (let token = 0; token < 100; token++) {
    identities.of({ ...gone, identity: `token ${token}` });
    if (token > 0) identities.release({ ...gone, identity: `token ${token - 1}` });
  }
  expect(identities.all().map(({ identity }) => identity)).toEqual(["token 99"]);
});

it.each<[string, number, Answer]>([
  ["was told to pause", 120_000, () => json({}, { status: 429, headers: { "retry-after": "120" } })],
  ["was told to pause, and not for how long", 16 * 60_000, () => json({}, { status: 429 })],
  ["was answered with a failure", 61_000, () => new Response("", { status: 500 })],
  ["has used a part of its limit", 61_000, () => json({})],
])(
  "one that %s is remembered until that is over, without its cached answers",
  async (_name, until, answer) => {
    const etag: Answer = () => json({}, { headers: { etag: '"1"' } });
    let next = etag;
    const { clock, identities, identity, send } = setUp(
      (request) => next(request),
      { etags: {} },
      { limits: [{ requests: 100, per: 60_000 }] },
    );
    await outcome(clock, send(url));
    expect(identity.etags.size).toBeGreaterThan(0);
    next = answer;
    await outcome(clock, send(url, { method: "POST" }));
    identities.release(gone);
    expect(identities.all()).toEqual([identity]);
    expect(identity.etags.size).toBe(0);
    expect(identities.of(gone)).toBe(identity);
    identities.release(gone);
    await clock.advance(until);
    identities.of(other);
    expect(identities.all().map(({ provider }) => provider)).toEqual(["neon"]);
  },
);

it("one with a call under way is not forgotten", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const { clock, identities, identity, send } = setUp(() => promise);
  const sent = send(url);
  await clock.settle();
  identities.release(gone);
  expect(identities.all()).toEqual([identity]);
  resolve(json({}));
  await sent;
  identities.of(other);
  expect(identities.all()).not.toContain(identity);
});
