/** No call within the time that a provider asked this process to wait. */
import type { Call } from "../network.ts";
import type { Violation } from "./violation.ts";

export interface Manners {
  sent(call: Call): Violation | undefined;
  answered(call: Call, retryAfter: number | undefined, now: number): void;
}

export function createManners(): Manners {
  const closed = new Map<string, number>();
  return {
    sent: (call) => {
      const until = closed.get(`${call.process} ${call.provider}`);
      if (until === undefined || call.sentAt >= until) return undefined;
      const early = Math.ceil((until - call.sentAt) / 1000);
      return {
        oracle: "Retry-After",
        message: `${call.process} sent ${call.method} ${call.path} to ${call.provider} ${early} s before it may`,
      };
    },
    answered: (call, retryAfter, now) => {
      if (retryAfter === undefined) return;
      const key = `${call.process} ${call.provider}`;
      // Seconds are whole, and the answer took its time: what comes within the last second is not too early.
      closed.set(key, Math.max(closed.get(key) ?? 0, now + retryAfter * 1000 - 1_000));
    },
  };
}
