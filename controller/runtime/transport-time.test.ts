/** Which answers tell the time: one that is not the provider's own, or no sound one, must not end a preview. */
import { expect, it } from "vitest";
import { json, outcome, setUp, url } from "./testing/transport-world.ts";
import type { Answer } from "./testing/transport-world.ts";

const DATE = "Fri, 01 Jan 2027 00:00:00 GMT";
const headers = { date: DATE };

async function heard(answer: Answer, init: RequestInit = {}, times = 1): Promise<(string | null)[]> {
  const dates: (string | null)[] = [];
  const time = { heard: (date: string | null): void => void dates.push(date) };
  const { clock, send } = setUp(answer, { time, etags: {} });
  for (let call = 0; call < times; call++) await outcome(clock, send(url, init));
  return dates;
}

it.each<[string, Answer]>([
  ["a sound answer", () => json({}, { headers })],
  ["an answer without content", () => new Response(null, { status: 204, headers })],
  ["a refusal in the provider's form", () => json({ message: "no" }, { status: 401, headers })],
  [
    "where a redirect within the provider led to",
    ({ url: at }) =>
      at === url
        ? new Response(null, { status: 301, headers: { location: "/repositories/1", date: "never" } })
        : json({}, { headers }),
  ],
])("the time is learnt from %s", async (_name, answer) => {
  expect(await heard(answer)).toEqual([DATE]);
});

it.each<[string, Answer]>([
  ["a failure", () => new Response("", { status: 500, headers })],
  ["an outage that is safe to repeat", () => json({}, { status: 503, headers })],
  ["a refusal for too many calls", () => json({}, { status: 429, headers })],
  ["a page of a proxy", () => new Response("<p>", { headers: { ...headers, "content-type": "text/html" } })],
  [
    "a document that is cut off",
    () => new Response("{", { headers: { ...headers, "content-type": "application/json" } }),
  ],
  [
    "another origin, or the way to it",
    ({ url: at }) =>
      at === url
        ? new Response(null, {
            status: 302,
            headers: { ...headers, location: "https://blobs.example.net/x" },
          })
        : json({}, { headers }),
  ],
])("the time is not learnt from %s", async (_name, answer) => {
  expect(await heard(answer)).toEqual([]);
});

it("an answer kept from earlier tells the time of now, or none", async () => {
  const dates = ["Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 01:00:00 GMT", undefined];
  let call = 0;
  const answer: Answer = () => {
    const date = dates[call++];
    const more: Record<string, string> = { etag: '"1"', ...(date === undefined ? {} : { date }) };
    return call === 1 ? json({}, { headers: more }) : new Response(null, { status: 304, headers: more });
  };
  expect(await heard(answer, {}, 3)).toEqual([dates[0], dates[1], null]);
});
