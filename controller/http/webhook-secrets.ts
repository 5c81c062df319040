/** The secrets that may have signed a delivery, read once for many deliveries: anybody may send one. */
import type { Clock } from "../runtime/clock.ts";

/** Milliseconds for which what was read is used: a secret that was taken away counts that long. */
const FRESH_FOR = 10_000;
/** Milliseconds between two readings that a signature by none of the known secrets asks for: a new secret may be there. */
const AGAIN_AFTER = 1_000;

type Secrets = readonly string[];

export interface WebhookSecrets {
  /** Whether any of the secrets answers the question; when none of the known does, they are read anew, once a second. */
  some(question: (secrets: Secrets) => boolean): Promise<boolean>;
}

/** @param options.read asks the store for every secret; readings do not overlap. What it throws, `some` throws */
export function createWebhookSecrets(options: {
  clock: Clock;
  read: () => Secrets | Promise<Secrets>;
}): WebhookSecrets {
  const { clock, read } = options;
  let known: Secrets = [];
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<Secrets> | undefined;
  const isOlderThan = (milliseconds: number): boolean => clock.monotonic() - readAt >= milliseconds;
  const readAnew = (): Promise<Secrets> => {
    reading ??= (async () => {
      try {
        const found = await read();
        readAt = clock.monotonic();
        return (known = found);
      } finally {
        reading = undefined;
      }
    })();
    return reading;
  };
  return {
    some: async (question) => {
      if (question(isOlderThan(FRESH_FOR) ? await readAnew() : known)) return true;
      return isOlderThan(AGAIN_AFTER) && question(await readAnew());
    },
  };
}
