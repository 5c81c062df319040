/** How much of what clients send is in memory at once, whoever and however many they are. */
import { ApiError } from "../store/resource-client.ts";

/** Bytes of all bodies that are being read and worked on: a dozen of the largest. */
const BUDGET = 36 * 1024 * 1024;

export interface BodyBudget {
  /**
   * Takes the share of one request.
   * @returns gives it back; harmless to call twice
   * @throws ApiError 429 when it is used up, with the moment to come back, as kube-apiserver's priority and fairness does
   */
  take(bytes: number): () => void;
}

export function createBodyBudget(budget = BUDGET): BodyBudget {
  let used = 0;
  return {
    take: (bytes) => {
      // One request is let in whatever it weighs: its own limit is another's business.
      if (used > 0 && used + bytes > budget) {
        throw new ApiError({
          code: 429,
          reason: "TooManyRequests",
          message: "Too many requests, please try again later.",
          details: { retryAfterSeconds: 1 },
        });
      }
      used += bytes;
      let taken = bytes;
      return () => {
        used -= taken;
        taken = 0;
      };
    },
  };
}
