/** How each provider is opened from a Connection, what it publishes as limits, and every definition it has. */
import type { ConnectionSpec } from "../crds/connection.ts";
import { expectedEtag } from "../controller/runtime/etag-cache.ts";
import { FlaresmithError } from "../controller/runtime/errors.ts";
import type { PublishedLimit } from "../controller/runtime/budget.ts";
import type { TransportOptions } from "../controller/runtime/transport.ts";
import type { SecretValue } from "../controller/runtime/secret-value.ts";
import * as cloudflare from "./cloudflare/index.ts";
import type { ProviderOpener } from "./connections.ts";
import type { InventoryEntry, ResourceDefinition } from "./engine/resource.ts";
import * as github from "./github/index.ts";
import type { GitHubCredentials } from "./github/index.ts";
import * as neon from "./neon/index.ts";
import { changeKey, createNeonClient } from "./neon/client.ts";

/** Condition type by provider. */
export const conditionTypes: Readonly<Record<string, string>> = Object.freeze({
  github: "GitHubSynced",
  neon: "NeonSynced",
  cloudflare: "CloudflareSynced",
});

/** Every type of external resource that this build knows. */
export const definitions = [
  github.repository,
  github.seedFiles,
  github.gitBranch,
  github.environment,
  github.variables,
  github.secrets,
  github.ruleset,
  github.webhook,
  neon.project,
  neon.branch,
  neon.rootBranch,
  neon.database,
  cloudflare.worker,
  cloudflare.workerSubdomain,
  cloudflare.schedules,
  cloudflare.routes,
  cloudflare.domains,
  cloudflare.kvNamespace,
  cloudflare.r2Bucket,
  cloudflare.preview,
] as readonly ResourceDefinition<unknown, unknown, unknown>[];

const byType = new Map(
  definitions
    .filter((d) => d !== undefined)
    .map((definition) => [`${definition.provider}/${definition.type}`, definition] as const),
);

/** The definition of an inventory entry's type; undefined for types that this build does not know. */
export function definitionOf(
  entry: InventoryEntry,
): ResourceDefinition<unknown, unknown, unknown> | undefined {
  return byType.get(`${entry.provider}/${entry.type}`);
}

/** What the transport must know of a provider. */
export interface ProviderTraits extends Pick<
  TransportOptions,
  "deadline" | "safeStatuses" | "etags" | "serialize"
> {
  limits: readonly PublishedLimit[];
  concurrency: number;
}

const HOUR = 3_600_000;

/** Limits as the providers publish them; sources in `specs/` and in each provider's research. */
export const providerTraits: Readonly<Record<string, ProviderTraits>> = Object.freeze({
  // GitHub ends requests after 10 s itself; the primary limit comes with every answer, so only bursts are paced here:
  // at most 100 requests at once and 900 points a minute (docs "Rate limits for the REST API").
  github: {
    deadline: 15_000,
    concurrency: 10,
    limits: [{ requests: 900, per: 60_000 }],
    etags: { expected: expectedEtag },
  },
  // 700 a minute, 40 a second for each route (docs "API key concepts"); 423 and 503 promise that nothing was done. Only
  // 423 says that Neon is busy, so a 503 is repeated for writes too and still counts as the failure it is.
  neon: {
    deadline: 30_000,
    concurrency: 10,
    limits: [{ requests: 700, per: 60_000, burst: 40 }],
    safeStatuses: [423, 503],
    serialize: changeKey,
  },
  // 1,200 in five minutes for each token that an account owns, and for each user over all tokens and the dashboard (docs
  // "Rate limits"); going over blocks everything for five minutes. Whose a user's token is nobody says without one more
  // permission (`/user` wants User Details; `/user/tokens/verify` names the token only), so each token has a budget of its
  // own here, and what others of its user spend is learnt from the Ratelimit headers.
  cloudflare: { deadline: 60_000, concurrency: 10, limits: [{ requests: 1200, per: HOUR / 12 }] },
});

function required(
  credentials: Readonly<Record<string, string>>,
  secretName: string,
  key: string,
  provider: string,
): string {
  const value = credentials[key]?.trim();
  if (value !== undefined && value !== "") return value;
  throw new FlaresmithError({
    code: "SPEC_SECRET_KEY_MISSING",
    message: `Secret ${secretName} has no key ${key}, which a Connection to ${provider} needs`,
    field: "spec.credentials.secretRef.name",
  });
}

/**
 * The same for what is sent in a header: an error that says so, rather than an answer that never comes because no request
 * could be made.
 */
function token(
  credentials: Readonly<Record<string, string>>,
  secretName: string,
  key: string,
  provider: string,
): string {
  const value = required(credentials, secretName, key, provider);
  if (/^[\x21-\x7e]+$/.test(value)) return value;
  throw new FlaresmithError({
    code: "INTEGRATION_CREDENTIALS_INVALID",
    message: `the key ${key} of the Secret ${secretName} holds line breaks, spaces or other characters that no credential of ${provider} has`,
    field: "spec.credentials.secretRef.name",
    hint: `Put the credential alone into the key ${key}.`,
    context: { provider: provider.toLowerCase() },
  });
}

function githubCredentials(
  credentials: Readonly<Record<string, string>>,
  secretName: string,
): GitHubCredentials {
  if (credentials["appId"] === undefined) return { token: token(credentials, secretName, "token", "GitHub") };
  return {
    appId: token(credentials, secretName, "appId", "GitHub"),
    installationId: token(credentials, secretName, "installationId", "GitHub"),
    privateKey: required(credentials, secretName, "privateKey", "GitHub"),
  };
}

/** @param version of this build, for the User-Agent; GitHub answers other bytes to ones that contain curl or a browser's name */
export function providerOpeners(options: {
  makeSecret: (plaintext: string) => SecretValue;
  version: string;
}): Readonly<Record<ConnectionSpec["provider"], ProviderOpener>> {
  return {
    GitHub: {
      provider: "github",
      open: ({ clock, credentials, fetch, secretName, spec, time }) => {
        const known = githubCredentials(credentials, secretName);
        const client = github.createGitHubClient({
          endpoint: spec.endpoint,
          credentials: known,
          fetch,
          clock,
          time,
          userAgent: `flaresmith/${options.version}`,
        });
        return Promise.resolve({
          client,
          credential: "token" in known ? known.token : known.privateKey,
          identity: async (signal) => {
            const identity = await client.identity(signal);
            return { key: identity.key, name: identity.name, account: identity.account.login };
          },
        });
      },
    },
    Neon: {
      provider: "neon",
      open: ({ credentials, fetch, secretName, spec }) => {
        const apiKey = token(credentials, secretName, "apiKey", "Neon");
        const client = createNeonClient({
          endpoint: spec.endpoint,
          apiKey,
          fetch,
          makeSecret: options.makeSecret,
        });
        return Promise.resolve({
          client,
          credential: apiKey,
          identity: async (signal) => {
            const identity = await client.identity(signal);
            // A personal key names no organization; Neon then asks for one, so the Connection must (empty: its own).
            return { key: identity.key, name: identity.name, account: identity.orgId ?? "" };
          },
        });
      },
    },
    Cloudflare: {
      provider: "cloudflare",
      open: async ({ clock, credentials, fetch, secretName, spec }) => {
        const apiToken = token(credentials, secretName, "apiToken", "Cloudflare");
        const client = cloudflare.createCloudflareClient({
          ...(spec.endpoint === undefined ? {} : { endpoint: spec.endpoint }),
          ...(spec.account === undefined ? {} : { accountId: spec.account }),
          ...(spec.workersUrl === undefined ? {} : { workersUrl: spec.workersUrl }),
          apiToken,
          fetch,
          clock,
        });
        return {
          client,
          credential: apiToken,
          identity: async (signal) => {
            const identity = await client.identity(signal);
            const [only, another] = identity.accounts;
            return {
              key: identity.tokenId,
              name: `token ${identity.tokenId}`,
              account: another === undefined ? only?.id : undefined,
            };
          },
        };
      },
    },
  };
}
