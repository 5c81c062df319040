/** Who may ask: bearer tokens, compared in constant time. */
import { createHash, timingSafeEqual } from "node:crypto";

/** What the server knows about a caller. Every known caller may do everything: the server is one person's. */
export interface Identity {
  username: string;
  groups: readonly string[];
}

/** One accepted token. */
export interface Token extends Identity {
  token: string;
}

export interface Authenticator {
  /** @param header the Authorization header; undefined when the caller is not known */
  identify(header: string | undefined): Identity | undefined;
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Accepts these tokens, which are kept as hashes only. */
export function createAuthenticator(tokens: readonly Token[]): Authenticator {
  const known = tokens.map(({ token, username, groups }) => ({
    hash: digest(token),
    identity: { username, groups },
  }));
  return {
    identify(header) {
      const [scheme, token] = (header ?? "").split(" ", 2);
      if (scheme?.toLowerCase() !== "bearer" || token === undefined || token === "") return undefined;
      const hash = digest(token);
      let found: Identity | undefined;
      // No early exit: how long it takes does not tell which token came close.
      for (const entry of known) if (timingSafeEqual(entry.hash, hash)) found = entry.identity;
      return found;
    },
  };
}
