/** A webhook of a repository, known by the mark in the query of its URL. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { FieldChange, InventoryEntry, ResourceContext, WriteResult } from "../engine/resource.ts";
import { collectChanges, sortedText } from "./changes.ts";
import { define } from "./define.ts";
import { listMarkedWebhooks } from "./webhook-listing.ts";
import { listHooks } from "./webhook-read.ts";
import type { HookData } from "./webhook-read.ts";
import { requireVisible, splitName } from "./repository-access.ts";
import type { GitHubClient } from "./client.ts";
import type { WebhookDesired, WebhookObserved } from "./types.ts";
import { markUrl, readMarkedUrl } from "./webhook-url.ts";

type Context = ResourceContext<GitHubClient>;

function observedOf({ id, active, events, config }: HookData): WebhookObserved {
  const { url, witness } = readMarkedUrl(config.url ?? "");
  return {
    id: Number(id),
    url,
    witness,
    events: events.toSorted(),
    active,
    contentType: config.content_type ?? "form",
    insecureSsl: String(config.insecure_ssl ?? "0") !== "0",
    hasSecret: config.secret !== undefined && config.secret !== "",
  };
}

const markerHashOf = (hook: HookData): string | undefined => readMarkedUrl(hook.config.url ?? "").markerHash;

/** By the id that the inventory knows, else by our mark: another hook to the same address is another one's. */
function find(all: readonly HookData[], id: string | undefined, context: Context): HookData | undefined {
  return (
    all.find((hook) => String(hook.id) === id) ??
    all.find((hook) => context.marker.classifyHash(markerHashOf(hook)) === "ours")
  );
}

function diff(
  desired: WebhookDesired,
  observed: WebhookObserved,
  entry: InventoryEntry | undefined,
  witness: string,
): FieldChange[] {
  const remembered = entry?.data?.["secret"];
  const known = remembered === undefined ? observed.witness === witness : remembered === desired.secret.hash;
  return collectChanges((compare) => {
    compare("url", desired.url, observed.url);
    compare("events", sortedText(desired.events), sortedText(observed.events));
    compare("active", true, observed.active);
    compare("contentType", "json", observed.contentType);
    compare("insecureSsl", false, observed.insecureSsl);
    compare("secret", "set", !observed.hasSecret ? "missing" : known ? "set" : "of an older value");
  }, "webhook.");
}

/** Always with the secret: a config without it would take it away. */
function bodyOf({ url: address, secret, events }: WebhookDesired, { marker, witness }: Context) {
  const url = markUrl(address, marker.hash, witness);
  return {
    active: true,
    events: [...new Set(events)].toSorted(),
    config: { url, content_type: "json", insecure_ssl: "0", secret: secret.reveal() },
  };
}

function written(desired: WebhookDesired, data: HookData): WriteResult<WebhookObserved> {
  return {
    id: String(data.id),
    name: desired.url,
    observed: observedOf(data),
    data: { secret: desired.secret.hash },
  };
}

/** Delivers JSON over verified TLS, signed with the secret, whose value is compared by its remembered hash or its witness. */
export const webhook = define<WebhookDesired, WebhookObserved>({
  provider: "github",
  type: "webhook",
  segment: "githubWebhook",
  holds: "nothing",
  ownership: "marked",
  keepsIdentity: "both",
  fields: {
    url: "shallow",
    marker: "shallow",
    events: "shallow",
    active: "shallow",
    contentType: "shallow",
    insecureSsl: "shallow",
    secret: "write-only",
  },
  reference: ({ repository, url }) => ({ scope: repository, name: url }),
  secrets: ({ secret }) => ({ secret }),
  observe: async ({ scope, id }, context) => {
    const found = await context.read({
      listing: scope.toLowerCase(),
      list: () => listHooks(context, scope),
      find: (all) => find(all, id, context),
      single: async () => find(await listHooks(context, scope), id, context),
    });
    if (!found) return { state: "absent" };
    const observed = observedOf(found);
    return {
      state: "present",
      id: String(observed.id),
      name: observed.url,
      owner: context.marker.classifyHash(markerHashOf(found)),
      observed,
      depth: "deep",
    };
  },
  diff,
  recall: ({ secret }, _observed, data) => (data === undefined ? { secret: secret.hash } : undefined),
  create: async (desired, context) => {
    const { client, signal } = context;
    const what = `creating the webhook of ${desired.repository}`;
    const answer = await client.attempt({ what, signal, write: true, tolerate: [422] }, (request) =>
      request("POST /repos/{owner}/{repo}/hooks", {
        ...splitName(desired.repository),
        name: "web",
        ...bodyOf(desired, context),
      }),
    );
    if (answer.ok) return written(desired, answer.data);
    if (!/already exists/i.test(answer.failure.message)) throw answer.error;
    throw new FlaresmithError({
      code: "INTEGRATION_CONFLICT",
      message: `a webhook of ${desired.repository} to ${desired.url} came to be while it was created`,
      context: { provider: "github" },
    });
  },
  update: async (desired, observed, _changes, context) => {
    const { client, signal } = context;
    const { data } = await client.call(
      { what: `changing the webhook of ${desired.repository}`, signal, write: true },
      (request) =>
        request("PATCH /repos/{owner}/{repo}/hooks/{hook_id}", {
          ...splitName(desired.repository),
          hook_id: observed.id,
          ...bodyOf(desired, context),
        }),
    );
    return written(desired, data);
  },
  remove: async ({ scope, id }, context) => {
    const { client, signal } = context;
    const known = id ?? find(await listHooks(context, scope), id, context)?.id;
    if (known === undefined) return;
    const answer = await client.attempt(
      { what: `deleting the webhook of ${scope}`, signal, write: true, tolerate: [404] },
      (request) =>
        request("DELETE /repos/{owner}/{repo}/hooks/{hook_id}", {
          ...splitName(scope),
          hook_id: Number(known),
        }),
    );
    if (!answer.ok) await requireVisible(context, scope);
  },
  listMarked: listMarkedWebhooks,
  outputs: (_desired, { id, url }) => ({ id, url }),
});
