/**
 * Webhooks reach any replica; only the leader acts. What a standby verified goes on to the leader, as a delivery signed
 * with the same secret, to the address that the leader's Lease names.
 */
import { createHmac } from "node:crypto";
import type { WebhookHint } from "../../http/webhook-app.ts";
import type { Clock, Fetch } from "../../runtime/clock.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { FlaresmithError } from "../../runtime/errors.ts";
import type { LeaderElection } from "../../runtime/leader-election.ts";

/** Annotation of the Lease: where the leader takes webhooks, e.g. `http://10.1.2.3:8081`. */
export const WEBHOOKS_ANNOTATION = "flaresmith.dev/webhooks";

/** GitHub waits ten seconds for an answer. */
const DEADLINE = 5_000;

/** As much of GitHub's payload as a hint is read from. */
function payloadOf({ action, fullName, ref, repositoryId }: WebhookHint): string {
  const named = repositoryId !== undefined || fullName !== undefined;
  return JSON.stringify({
    action,
    ref,
    ...(named ? { repository: { id: repositoryId, full_name: fullName } } : {}),
  });
}

/**
 * Hands hints on while another process leads.
 * @returns a function that says whether the hint was handed on; it throws when it should have been and could not
 */
export function createHandOn(options: {
  election: Pick<LeaderElection, "leads" | "lease">;
  secrets: () => Promise<readonly string[]>;
  fetch: Fetch;
  clock: Clock;
}): (hint: WebhookHint) => Promise<boolean> {
  const { clock, election, fetch, secrets } = options;
  return async (hint) => {
    if (election.leads) return false;
    const address = election.lease?.annotations[WEBHOOKS_ANNOTATION];
    const [secret] = await secrets();
    if (address === undefined || secret === undefined)
      throw notHandedOn("its Lease names no address for webhooks");
    const body = payloadOf(hint);
    const signature = createHmac("sha256", secret).update(body).digest("hex");
    const response = await withDeadline({ clock, milliseconds: DEADLINE }, (signal) =>
      fetch(`${address}/webhooks/github`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-hub-signature-256": `sha256=${signature}`,
          "x-github-event": hint.event,
          // The same id: a delivery that comes back is known, so nothing goes around in circles.
          "x-github-delivery": hint.delivery,
        },
        body,
        signal,
      }),
    ).catch((error: unknown) => {
      throw notHandedOn("it cannot be reached", error);
    });
    await response.body?.cancel();
    if (!response.ok) throw notHandedOn(`it answers ${response.status}`);
    return true;
  };
}

function notHandedOn(why: string, cause?: unknown): FlaresmithError {
  return new FlaresmithError({
    code: "REQUEST_OVERLOADED",
    message: `another process leads, and ${why}`,
    hint: "The next resync finds what changed; redeliver it at GitHub to have it at once.",
    cause,
  });
}
