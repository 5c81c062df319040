/** Bearer tokens: given once, read again from a file, or printed by a program. */
import { readFile } from "node:fs/promises";
import type { Clock } from "../../runtime/clock.ts";

export interface Credentials {
  /** The token for the next request. @throws Error when there is none and none can be got */
  token(): Promise<string>;
  /**
   * The server refused a token.
   * @returns another one, when there is one by now
   */
  replacement(refused: string): Promise<string | undefined>;
}

/** A token and how long it is good for. */
export interface IssuedToken {
  token: string;
  /** Milliseconds since the epoch. Left out: until the server refuses it. */
  expiresAt?: number;
}

/**
 * The same credentials, with somebody who is told every token whenever it is used: what is to keep tokens out of logs may
 * forget those that it was not told of for long.
 */
export function telling(credentials: Credentials, onToken: (token: string) => void): Credentials {
  return {
    token: async () => {
      const token = await credentials.token();
      onToken(token);
      return token;
    },
    replacement: async (refused) => {
      const token = await credentials.replacement(refused);
      if (token !== undefined) onToken(token);
      return token;
    },
  };
}

/** A token that never changes. */
export function fixedToken(token: string): Credentials {
  return { token: () => Promise.resolve(token), replacement: () => Promise.resolve(undefined) };
}

/** Milliseconds after which a token file is read again; the kubelet rewrites it long before the token expires. */
const READ_AGAIN = 60_000;
/** Milliseconds before its end at which a printed token is replaced. */
const EARLY = 10_000;

/** A token in a file that somebody rewrites. While the file cannot be read, the last token that was read is used. */
export function tokenFromFile(options: {
  path: string;
  clock: Clock;
  /** Default: the file system. */
  read?: ((path: string) => Promise<string>) | undefined;
}): Credentials {
  const { clock, path, read = (file: string) => readFile(file, "utf8") } = options;
  return keptToken({
    issue: async () => {
      const token = (await read(path)).trim();
      if (token === "") throw new Error(`${path} is empty: it should hold a token`);
      return { token };
    },
    staleAt: () => clock.monotonic() + READ_AGAIN,
    now: () => clock.monotonic(),
  });
}

/** A token that a program prints. It is asked again when the token is about to expire, or was refused. */
export function tokenFromPlugin(options: { clock: Clock; run: () => Promise<IssuedToken> }): Credentials {
  const { clock, run } = options;
  return keptToken({
    issue: run,
    staleAt: ({ expiresAt }) => (expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - EARLY),
    now: () => clock.now(),
  });
}

function keptToken(options: {
  issue: () => Promise<IssuedToken>;
  staleAt: (issued: IssuedToken) => number;
  now: () => number;
}): Credentials {
  const { issue, now, staleAt } = options;
  let known: { token: string; staleAt: number } | undefined;
  let issuing: Promise<string> | undefined;
  const renew = async (): Promise<string> => {
    const issued = await issue();
    known = { token: issued.token, staleAt: staleAt(issued) };
    return issued.token;
  };
  /** Requests that find the token stale together renew it once. */
  const renewOnce = (): Promise<string> => {
    issuing ??= renew().finally(() => {
      issuing = undefined;
    });
    return issuing;
  };
  return {
    token: async () => {
      if (known !== undefined && now() < known.staleAt) return known.token;
      try {
        return await renewOnce();
      } catch (error) {
        if (known === undefined) throw error;
        return known.token;
      }
    },
    replacement: async (refused) => {
      if (known !== undefined && known.token !== refused) return known.token;
      const token = await renewOnce();
      return token === refused ? undefined : token;
    },
  };
}
