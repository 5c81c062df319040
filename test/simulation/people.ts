/** Everybody who is not the controller: the team at kubectl, and others with access to the provider accounts. */
import { openEmbeddedStore, builtinTypes, kindType } from "../../controller/store/embedded/index.ts";
import type { EmbeddedStore } from "../../controller/store/embedded/index.ts";
import type { Clock } from "../../controller/runtime/clock.ts";
import { isApiError } from "../../controller/store/resource-client.ts";
import type { KubernetesObject } from "../../controller/store/resource-client.ts";
import { kinds } from "../../crds/index.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { conditionsOf, typeOf } from "../support/world.ts";
import type { Manifest } from "../support/world.ts";
import { streamOf } from "./chance.ts";
import { bundle, templateRepository } from "./desired.ts";
import type { Kernel } from "./kernel.ts";

/** A secret value that must be nowhere but where it belongs. */
export const STRIPE = "sk_live_canary_4711_do_not_tell";
const HOOK = "hook_canary_4712_do_not_tell";

const served = [...builtinTypes, ...kinds.map((kind) => kindType(kind))];

/** An empty store on the kernel's clock. */
export function openStore(kernel: Kernel, seed: number): Promise<EmbeddedStore> {
  const clock: Clock = {
    now: () => kernel.now(),
    monotonic: () => kernel.now(),
    setTimer: (milliseconds, callback) => kernel.after(milliseconds, callback),
    sleep: kernel.sleep,
  };
  return openEmbeddedStore({ path: ":memory:", clock, random: streamOf(seed, "store"), types: served });
}

export interface Team {
  /** Server-side apply as `kubectl`, forced. */
  apply(...manifests: Manifest[]): Promise<void>;
  /** Deletes by name; what does not exist is no error. */
  delete(kind: string, name: string): Promise<void>;
  annotate(kind: string, name: string, annotations: Record<string, string | null>): Promise<void>;
}

const namespace = "default";

/** The team writes to the store at once: it has no bad network. */
export function teamOf(store: EmbeddedStore, kernel: Kernel): Team {
  const ignoreMissing = (error: unknown): void => {
    if (!isApiError(error, "NotFound")) throw error;
  };
  return {
    apply: (...manifests) =>
      kernel.operation(async () => {
        for (const { kind, metadata, ...rest } of manifests) {
          const type = typeOf(kind);
          const apiVersion = type.group === "" ? type.version : `${type.group}/${type.version}`;
          const object = { apiVersion, kind, metadata: { namespace, ...metadata }, ...rest };
          await store.apply(type, object, { fieldManager: "kubectl", force: true });
          kernel.trace(`team applies ${kind} ${metadata.name}`);
        }
      }),
    delete: (kind, name) =>
      kernel.operation(async () => {
        kernel.trace(`team deletes ${kind} ${name}`);
        await store.delete(typeOf(kind), { namespace, name }).catch(ignoreMissing);
      }),
    annotate: (kind, name, annotations) =>
      kernel.operation(async () => {
        kernel.trace(`team annotates ${kind} ${name} ${Object.keys(annotations).join(" ")}`);
        const body = { metadata: { annotations } };
        await store
          .patch(typeOf(kind), { namespace, name }, { type: "merge", body }, { fieldManager: "kubectl" })
          .catch(ignoreMissing);
      }),
  };
}

/**
 * Takes over what an object's conditions name, as they ask.
 * @param may whether the team knows a slot to be theirs. Default: every one
 */
export async function takeOver(
  team: Team,
  object: KubernetesObject,
  may: (slot: string) => boolean = () => true,
): Promise<void> {
  const slots = conditionsOf(object).flatMap(({ message }) =>
    [...message.matchAll(/flaresmith\.dev\/adopt: ([\w/-]+)/g)].map((match) => match[1] ?? ""),
  );
  const known = object.metadata.annotations?.["flaresmith.dev/adopt"]?.split(",") ?? [];
  const all = [...new Set([...known, ...slots.filter(may)])];
  if (all.length > known.length)
    await team.annotate(object.kind, object.metadata.name, { "flaresmith.dev/adopt": all.join(",") });
}

/** What exists before the run: the template, working Connections, and a Secret that Environments may use. */
export async function prepare(team: Team, { github, seed, urls }: Sandbox): Promise<void> {
  github.seedRepository({
    owner: templateRepository.owner,
    name: templateRepository.repository,
    isTemplate: true,
    visibility: "public",
    files: { "README.md": "# Template\n", ...bundle },
  });
  const secret = (name: string, stringData: Record<string, string>): Manifest => ({
    kind: "Secret",
    metadata: { name },
    stringData,
  });
  const connection = (name: string, provider: string, endpoint: string, account: string): Manifest => ({
    kind: "Connection",
    metadata: { name },
    spec: { provider, endpoint, account, credentials: { secretRef: { name: `${name}-credentials` } } },
  });
  await team.apply(
    secret("github-credentials", { token: seed.github.token, webhookSecret: HOOK }),
    secret("neon-credentials", { apiKey: seed.neon.token }),
    secret("cloudflare-credentials", { apiToken: seed.cloudflare.token }),
    secret("stripe", { key: STRIPE }),
    connection("github", "GitHub", urls.github, seed.github.owner),
    connection("neon", "Neon", urls.neon, seed.neon.orgId),
    connection("cloudflare", "Cloudflare", urls.cloudflare, seed.cloudflare.accountId),
  );
}

/** Texts that may stand in Secrets and at providers, and nowhere else. */
export function canariesOf({ seed }: Sandbox): string[] {
  return [STRIPE, HOOK, seed.github.token, seed.neon.token, seed.cloudflare.token];
}

/** A request that somebody else makes with the credentials of the accounts; what is refused is not tried again. */
export async function outsider(
  { sandbox, kernel }: { sandbox: Sandbox; kernel: Kernel },
  provider: "github" | "neon" | "cloudflare",
  request: { method: string; path: string; body?: unknown },
): Promise<unknown> {
  const { body, method, path } = request;
  const multipart = body instanceof FormData;
  return kernel.operation(async () => {
    const response = await sandbox.fetch(`${sandbox.urls[provider]}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${sandbox.seed[provider].token}`,
        "user-agent": "somebody-else",
        ...(multipart ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: multipart ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    kernel.trace(`somebody ${provider} ${method} ${path} = ${response.status}`);
    return response.ok && text !== "" ? (JSON.parse(text) as unknown) : undefined;
  });
}

/** Every object of a kind as it stands in the store. */
export function objectsOf(store: EmbeddedStore, kind: string): KubernetesObject[] {
  return store.listText(typeOf(kind)).texts.map((text) => JSON.parse(text) as KubernetesObject);
}
