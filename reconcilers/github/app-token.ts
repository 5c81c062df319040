/** Credentials: a personal token as it is, or installation tokens of a GitHub App, minted here and renewed in time. */
import { createPrivateKey, createSign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Clock } from "../../controller/runtime/clock.ts";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { ProviderTime } from "../../controller/runtime/provider-time.ts";

export type GitHubCredentials =
  | { token: string }
  | { appId: string | number; installationId: string | number; privateKey: string };

/** An installation token as GitHub hands it out; it lives one hour. */
export interface InstallationToken {
  token: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  repositorySelection: "all" | "selected" | undefined;
  permissions: Readonly<Record<string, string>>;
}

/** Renewed this long before it ends, so that none dies on the way. */
const RENEW_BEFORE = 5 * 60_000;
/** Longest and shortest that a token is taken to live, whatever the clocks say (docs: it expires after one hour). */
const LONGEST_LIFE = 3_600_000;
const SHORTEST_LIFE = 2 * RENEW_BEFORE;
/** A JWT may live 10 minutes at most; GitHub's clock may be behind ours (docs: generating a JWT for a GitHub App). */
const JWT_BACKDATED = 60;
const JWT_LIFE = 9 * 60;

function signingKey(pem: string): KeyObject {
  try {
    // Keys that passed through environment variables often have their line breaks escaped.
    return createPrivateKey(pem.includes("\\n") ? pem.replaceAll("\\n", "\n") : pem);
  } catch (error) {
    throw new FlaresmithError({
      code: "INTEGRATION_CREDENTIALS_INVALID",
      message: "privateKey of the GitHub App is no private key in PEM form",
      hint: "Put the .pem file that GitHub offers for the App, unchanged, under the key privateKey of the Connection's Secret.",
      context: { provider: "github" },
      cause: error,
    });
  }
}

/**
 * Makes JSON web tokens that stand for the App itself (RS256, signed without a turn of the event loop).
 *
 * @throws FlaresmithError INTEGRATION_CREDENTIALS_INVALID when the key is none
 */
export function appTokens(options: {
  appId: string | number;
  privateKey: string;
  /** By GitHub's clock. */
  time: Pick<ProviderTime, "now">;
}): () => string {
  const key = signingKey(options.privateKey);
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return () => {
    const now = Math.floor(options.time.now() / 1000);
    const claims = { iat: now - JWT_BACKDATED, exp: now + JWT_LIFE, iss: String(options.appId) };
    const text = `${encode({ alg: "RS256", typ: "JWT" })}.${encode(claims)}`;
    return `${text}.${createSign("RSA-SHA256").update(text).sign(key, "base64url")}`;
  };
}

/** Keeps one installation token fresh; everyone who needs a new one at the same time waits for the same. */
export interface InstallationTokens {
  get(): Promise<InstallationToken>;
  /** Forgets `token` (GitHub refused it before its time), unless a newer one is already there. */
  forget(token: string): void;
}

/** @param options.mint asks GitHub for a new token */
export function installationTokens(options: {
  clock: Clock;
  time: Pick<ProviderTime, "now">;
  mint: () => Promise<InstallationToken>;
}): InstallationTokens {
  const { clock, mint, time } = options;
  let current: InstallationToken | undefined;
  /** Monotonic milliseconds. */
  let renewAt = 0;
  let underWay: Promise<InstallationToken> | undefined;
  return {
    get: async () => {
      if (current && clock.monotonic() < renewAt) return current;
      underWay ??= mint()
        .then((token) => {
          const life = Math.min(LONGEST_LIFE, Math.max(SHORTEST_LIFE, token.expiresAt - time.now()));
          renewAt = clock.monotonic() + life - RENEW_BEFORE;
          current = token;
          return token;
        })
        .finally(() => {
          underWay = undefined;
        });
      return underWay;
    },
    forget: (token) => {
      if (current?.token === token) current = undefined;
    },
  };
}
