/**
 * Bodies of GET answers with their ETags, bounded by bytes, so that an unchanged thing costs a 304. Never a source of
 * truth by itself: what it holds is only shown after the provider said that it still holds.
 */
import { createHash } from "node:crypto";

interface CachedResponse {
  readonly etag: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: readonly (readonly [string, string])[];
}

export interface EtagCache {
  get(key: CacheKey): CachedResponse | undefined;
  set(key: CacheKey, response: CachedResponse): void;
  /** Drops what a write to this URL may have changed: the path itself, everything below it and everything above it. */
  invalidate(url: string): void;
  clear(): void;
  /** Bytes held. */
  readonly size: number;
}

interface CacheKey {
  readonly url: string;
  /** An answer is only good for the same Accept. */
  readonly accept: string;
}

/** Map, keys and headers of an entry, estimated. */
const overhead = 1024;

/** @param options.maxBytes what the cache may hold; the least recently used goes first. Default 64 MiB */
export function createEtagCache(options: { maxBytes?: number | undefined } = {}): EtagCache {
  const maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
  const entries = new Map<string, { url: string; response: CachedResponse; bytes: number }>();
  let size = 0;
  const textOf = ({ url, accept }: CacheKey): string => `${accept}\n${url}`;
  const drop = (text: string): void => {
    size -= entries.get(text)?.bytes ?? 0;
    entries.delete(text);
  };
  return {
    get: (key) => {
      const text = textOf(key);
      const entry = entries.get(text);
      if (entry === undefined) return undefined;
      entries.delete(text);
      entries.set(text, entry);
      return entry.response;
    },
    set: (key, response) => {
      const text = textOf(key);
      drop(text);
      const bytes = response.body.byteLength + overhead;
      if (bytes > maxBytes / 4) return;
      entries.set(text, { url: key.url, response, bytes });
      size += bytes;
      for (const oldest of entries.keys()) {
        if (size <= maxBytes) break;
        drop(oldest);
      }
    },
    invalidate: (url) => {
      const written = new URL(url);
      for (const [text, entry] of entries) {
        const cached = new URL(entry.url);
        if (cached.origin === written.origin && oneCoversOther(cached.pathname, written.pathname)) drop(text);
      }
    },
    clear: () => {
      entries.clear();
      size = 0;
    },
    get size() {
      return size;
    },
  };
}

function oneCoversOther(a: string, b: string): boolean {
  const withSlash = (path: string): string => (path.endsWith("/") ? path : `${path}/`);
  return withSlash(a).startsWith(withSlash(b)) || withSlash(b).startsWith(withSlash(a));
}

/**
 * The ETag that GitHub is expected to answer for a body it served before, under the Authorization of now: SHA-256 over
 * the values of Accept and Authorization, each followed by a colon, and the body. GitHub's ETags depend on the token, so
 * that a stored one is worthless after an App token's hour. Undocumented; a wrong guess only costs a full answer.
 *
 * @see https://github.com/bored-engineer/github-conditional-http-transport
 */
export function expectedEtag(request: { accept: string; authorization: string }, body: Uint8Array): string {
  const hash = createHash("sha256");
  for (const value of [request.accept, request.authorization]) if (value !== "") hash.update(`${value}:`);
  return `"${hash.update(body).digest("hex")}"`;
}
