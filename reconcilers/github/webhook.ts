/** A webhook of a repository, known by its URL. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { FieldChange, InventoryEntry, WriteResult } from "../engine/resource.ts";
import { collectChanges, sortedText } from "./changes.ts";
import { define } from "./define.ts";
import { listOrAbsent } from "./listing.ts";
import { requireVisible, splitName } from "./repository-access.ts";
import type { ReadContext } from "./repository-access.ts";
import type { WebhookDesired, WebhookObserved } from "./types.ts";

/** What is used of GitHub's representation. */
interface HookData {
  id: number | bigint;
  active: boolean;
  events: string[];
  config: { url?: string; content_type?: string; insecure_ssl?: string | number; secret?: string };
}

function observedOf({ id, active, events, config }: HookData): WebhookObserved {
  return {
    id: Number(id),
    url: config.url ?? "",
    events: events.toSorted(),
    active,
    contentType: config.content_type ?? "form",
    insecureSsl: String(config.insecure_ssl ?? "0") !== "0",
    hasSecret: config.secret !== undefined && config.secret !== "",
  };
}

/** @throws FlaresmithError INTEGRATION_PERMISSION_MISSING where hooks answer 404 in a repository that is visible */
async function list(context: ReadContext, repository: string): Promise<HookData[]> {
  const found = await listOrAbsent(
    context,
    { what: `listing the webhooks of ${repository}`, repository },
    (request, page) =>
      request("GET /repos/{owner}/{repo}/hooks", { ...splitName(repository), per_page: 100, page }),
    (data) => data as readonly HookData[],
  );
  if (found) return found;
  throw new FlaresmithError({
    code: "INTEGRATION_PERMISSION_MISSING",
    message: `GitHub hides the webhooks of ${repository} from the credentials`,
    hint: "Grant the credentials of the Connection the permission repository_hooks: write (classic tokens: the scope admin:repo_hook).",
    context: { provider: "github" },
  });
}

function diff(
  desired: WebhookDesired,
  observed: WebhookObserved,
  entry: InventoryEntry | undefined,
): FieldChange[] {
  const known = entry?.data?.["secret"] === desired.secret.hash;
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
function bodyOf({ url, secret, events }: WebhookDesired) {
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

/** Delivers JSON over verified TLS, signed with the secret; whose value is compared by its remembered hash. */
export const webhook = define<WebhookDesired, WebhookObserved>({
  provider: "github",
  type: "webhook",
  segment: "githubWebhook",
  holds: "nothing",
  ownership: "inherited",
  keepsIdentity: "both",
  fields: {
    url: "shallow",
    events: "shallow",
    active: "shallow",
    contentType: "shallow",
    insecureSsl: "shallow",
    secret: "write-only",
  },
  reference: ({ repository, url }) => ({ scope: repository, name: url }),
  observe: async ({ scope, name, id }, context) => {
    const find = (all: readonly HookData[]): HookData | undefined =>
      all.find((hook) => String(hook.id) === id) ?? all.find((hook) => hook.config.url === name);
    const found = await context.read({
      listing: scope.toLowerCase(),
      list: () => list(context, scope),
      find,
      single: async () => find(await list(context, scope)),
    });
    if (!found) return { state: "absent" };
    const observed = observedOf(found);
    return {
      state: "present",
      id: String(observed.id),
      name: observed.url,
      owner: "unmarked",
      observed,
      depth: "deep",
    };
  },
  diff,
  create: async (desired, context) => {
    const { client, signal } = context;
    const what = `creating the webhook of ${desired.repository}`;
    const answer = await client.attempt({ what, signal, write: true, tolerate: [422] }, (request) =>
      request("POST /repos/{owner}/{repo}/hooks", {
        ...splitName(desired.repository),
        name: "web",
        ...bodyOf(desired),
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
          ...bodyOf(desired),
        }),
    );
    return written(desired, data);
  },
  remove: async ({ scope, name, id }, context) => {
    const { client, signal } = context;
    const known =
      id === undefined
        ? (await list(context, scope)).find((hook) => hook.config.url === name)?.id
        : Number(id);
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
  outputs: (_desired, { id, url }) => ({ id, url }),
});
