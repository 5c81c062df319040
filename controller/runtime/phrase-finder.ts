/** Finds any of very many phrases in a text. What a text costs depends on its length, not on how many phrases there are. */

/** Characters of a phrase by which it is looked up; no phrase may be shorter. */
export const LEAST_LENGTH = 6;

/** Bits of a rolling hash that say "certainly no phrase begins here" for nearly every place of an ordinary text. */
const SIEVE_BITS = 17;
const BASE = 0x01000193;
/** What the character that leaves the window has been multiplied by: BASE to the power of LEAST_LENGTH. */
const LEAVING = Array.from({ length: LEAST_LENGTH }).reduce<number>((power) => Math.imul(power, BASE), 1);

const slotOf = (hash: number): number => (hash ^ (hash >>> 15)) & ((1 << SIEVE_BITS) - 1);

function hashOf(text: string, length: number): number {
  let hash = 0;
  for (let at = 0; at < length; at += 1) hash = (Math.imul(hash, BASE) + text.charCodeAt(at)) | 0;
  return hash;
}

export interface PhraseFinder {
  readonly size: number;
  /** @throws RangeError for a phrase shorter than {@link LEAST_LENGTH} */
  add(phrase: string): void;
  delete(phrase: string): void;
  /** The text with every phrase replaced; phrases that overlap are replaced together. */
  replaceAll(text: string, replacement: string): string;
}

/** Phrases that begin alike: by length, because connection strings all do, and there are few lengths. */
interface Group {
  /** Longest first. */
  lengths: number[];
  phrases: Map<number, Set<string>>;
}

export function createPhraseFinder(): PhraseFinder {
  const byHead = new Map<string, Group>();
  /** How many heads fall into each slot, up to what a byte holds; such a slot is never emptied. */
  const sieve = new Uint8Array(1 << SIEVE_BITS);
  let size = 0;
  const headOf = (phrase: string): string => phrase.slice(0, LEAST_LENGTH);
  const longestAt = (text: string, at: number): number => {
    const group = byHead.get(text.slice(at, at + LEAST_LENGTH));
    const isThere = (length: number): boolean =>
      group?.phrases.get(length)?.has(text.slice(at, at + length)) === true;
    return group?.lengths.find(isThere) ?? 0;
  };
  const groupOf = (head: string): Group => {
    const known = byHead.get(head);
    if (known !== undefined) return known;
    const slot = slotOf(hashOf(head, LEAST_LENGTH));
    sieve[slot] = Math.min(255, (sieve[slot] ?? 0) + 1);
    const made: Group = { lengths: [], phrases: new Map() };
    byHead.set(head, made);
    return made;
  };
  return {
    get size() {
      return size;
    },
    add: (phrase) => {
      if (phrase.length < LEAST_LENGTH) throw new RangeError("the phrase is too short to be found");
      const { lengths, phrases } = groupOf(headOf(phrase));
      const same = phrases.get(phrase.length) ?? new Set<string>();
      if (same.has(phrase)) return;
      size += 1;
      same.add(phrase);
      if (same.size > 1) return;
      phrases.set(phrase.length, same);
      lengths.push(phrase.length);
      lengths.sort((a, b) => b - a);
    },
    delete: (phrase) => {
      const head = headOf(phrase);
      const group = byHead.get(head);
      const same = group?.phrases.get(phrase.length);
      if (group === undefined || same?.delete(phrase) !== true) return;
      size -= 1;
      if (same.size > 0) return;
      group.phrases.delete(phrase.length);
      group.lengths = group.lengths.filter((length) => length !== phrase.length);
      if (group.lengths.length > 0) return;
      byHead.delete(head);
      const slot = slotOf(hashOf(head, LEAST_LENGTH));
      const count = sieve[slot] ?? 0;
      if (count < 255) sieve[slot] = count - 1;
    },
    replaceAll: (text, replacement) => {
      if (size === 0 || text.length < LEAST_LENGTH) return text;
      let clean = "";
      /** Everything before is in `clean`. */
      let done = 0;
      /** Where the phrase in progress began and ends; equal when there is none. */
      let from = 0;
      let to = 0;
      const close = (): void => {
        if (to === from) return;
        clean += text.slice(done, from) + replacement;
        done = to;
        from = to;
      };
      let hash = hashOf(text, LEAST_LENGTH);
      for (let at = 0; at + LEAST_LENGTH <= text.length; at += 1) {
        const length = sieve[slotOf(hash)] === 0 ? 0 : longestAt(text, at);
        if (length > 0) {
          if (at >= to) {
            close();
            from = at;
          }
          to = Math.max(to, at + length);
        }
        const leaving = Math.imul(text.charCodeAt(at), LEAVING);
        hash = (Math.imul(hash, BASE) + text.charCodeAt(at + LEAST_LENGTH) - leaving) | 0;
      }
      close();
      return done === 0 ? text : clean + text.slice(done);
    },
  };
}
