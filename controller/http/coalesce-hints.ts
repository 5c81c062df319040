/** At most one hint a second about each repository, so that a delivery that is sent again and again costs little. */
import type { Clock } from "../runtime/clock.ts";
import type { WebhookHint } from "./webhook-app.ts";

const INTERVAL = 1000;

/**
 * Passes on a repository's first hint at once, and those of the following second as one when it is over: whoever has seen
 * a signed delivery can send it under as many delivery ids as he likes, because GitHub does not sign the id.
 *
 * @param options.onHint errors of the first hint reach the caller
 * @param options.failed is told of errors of a later one
 */
export function coalesceHints(options: {
  clock: Clock;
  onHint: (hint: WebhookHint) => void;
  failed: (error: unknown) => void;
}): (hint: WebhookHint) => void {
  const { clock, onHint, failed } = options;
  /** The last hint of the running second, by repository. */
  const waiting = new Map<string, WebhookHint | undefined>();
  const open = (key: string): void => {
    waiting.set(key, undefined);
    clock.setTimer(INTERVAL, () => {
      const late = waiting.get(key);
      waiting.delete(key);
      if (late === undefined) return;
      open(key);
      try {
        onHint(late);
      } catch (error) {
        failed(error);
      }
    });
  };
  return (hint) => {
    const key = String(hint.repositoryId ?? hint.fullName ?? "");
    if (waiting.has(key)) {
      waiting.set(key, hint);
      return;
    }
    onHint(hint);
    open(key);
  };
}
