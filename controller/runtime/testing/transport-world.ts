/** A transport over a provider that a test scripts, on a virtual clock. */
import { seededRandom, virtualClock } from "../adapters/virtual.ts";
import type { VirtualClock } from "../adapters/virtual.ts";
import type { Fetch } from "../clock.ts";
import { FlaresmithError } from "../errors.ts";
import { createProviderIdentities } from "../provider-identity.ts";
import type { IdentityOptions } from "../provider-identity.ts";
import { createRequestJournal } from "../request-journal.ts";
import { createTracker } from "../tracker.ts";
import { createTransport } from "../transport.ts";
import type { TransportOptions } from "../transport.ts";

export type Answer = (request: Request) => Response | Promise<Response>;

/** Drives virtual time until the promise is settled, and answers its outcome. */
export async function outcome<Result>(
  clock: VirtualClock,
  promise: Promise<Result>,
): Promise<Result | FlaresmithError> {
  let settled: { value: Result | FlaresmithError } | undefined;
  promise.then(
    (value) => (settled = { value }),
    (error: unknown) => {
      if (!(error instanceof FlaresmithError)) throw error;
      settled = { value: error };
    },
  );
  for (let step = 0; step < 2000; step++) {
    await clock.advance(50);
    if (settled !== undefined) return settled.value;
  }
  throw new Error("nothing was answered within 100 s");
}

export const json = (value: unknown, init: ResponseInit = {}): Response => Response.json(value, init);
export const url = "https://api.example.com/repos/acme/shop";

/** What is shared by tests of the transport: one identity, one Connection, every request that was seen. */
export const setUp = (
  answer: Answer,
  options: Partial<TransportOptions> = {},
  identityOptions: Partial<IdentityOptions> = {},
) => {
  const clock = virtualClock();
  const tracker = createTracker({ clock });
  const seen: Request[] = [];
  const identities = createProviderIdentities({ clock, tracker });
  const identity = identities.of({
    provider: "github",
    identity: "bot",
    connection: "team/gh",
    share: 1,
    ...identityOptions,
  });
  const fetch: Fetch = async (input, init) => {
    const request = new Request(input, init);
    seen.push(request);
    return answer(request);
  };
  const journal = createRequestJournal();
  const common = {
    provider: "github",
    connection: "team/gh",
    clock,
    random: seededRandom(),
    tracker,
    fetch,
    journal,
  };
  const send = createTransport({ ...common, identity, ...options });
  return { clock, tracker, seen, identity, identities, send, journal };
};
