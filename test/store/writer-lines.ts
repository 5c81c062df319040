/** What a writer that is to be killed tells, line by line, and what of it must be found afterwards. */
import { hashOf } from "../../controller/runtime/hash.ts";
import type { KubernetesObject } from "../../controller/store/resource-client.ts";

export type Line =
  | { opened: string }
  /** Asked for; whether it was done is unknown until `ack`. */
  | { try: string; verb: string; value: number }
  /** Answered. `hash` is that of the object, or null when it is gone; `revision` then is of its last version. */
  | { ack: string; verb: string; revision: number; hash: string | null }
  | { seen: string; event: string; revision: number };

/** The lines of a process that was killed: the last one may have been cut off, and then was not said. */
export function parseLines(texts: readonly string[]): Line[] {
  return texts.flatMap((text, index): Line[] => {
    try {
      return [JSON.parse(text) as Line];
    } catch (error) {
      if (index === texts.length - 1) return [];
      throw error;
    }
  });
}

/** What was heard of all lives of the writer so far. */
export interface Heard {
  /** By name: what was answered last, and what was asked for after it and not answered. */
  objects: Map<string, { hash: string | null; revision: number; pending?: string | undefined }>;
  /** The highest revision that anybody was told of. */
  highest: number;
  acknowledged: number;
}

/** @returns what is wrong with the lines in themselves: revisions that go back, or events in the wrong order */
export function hear(heard: Heard, lines: readonly Line[]): string[] {
  const wrong: string[] = [];
  const before = heard.highest;
  const used = new Set<number>();
  const seen = new Map<number, string>();
  let last = 0;
  for (const line of lines) {
    if ("try" in line) {
      const known = heard.objects.get(line.try) ?? { hash: null, revision: 0 };
      heard.objects.set(line.try, { ...known, pending: line.verb });
    } else if ("ack" in line) {
      const { ack, hash, revision } = line;
      heard.acknowledged += 1;
      heard.objects.set(ack, { hash, revision });
      // The last version of what is gone has the revision before its removal.
      if (hash === null) continue;
      if (revision <= before)
        wrong.push(`${ack} got revision ${revision} in a life that began after ${before}`);
      if (used.has(revision)) wrong.push(`revision ${revision} was given out twice`);
      used.add(revision);
      heard.highest = Math.max(heard.highest, revision);
    } else if ("seen" in line) {
      if (line.revision <= last) wrong.push(`the watch went from ${last} back to ${line.revision}`);
      last = line.revision;
      seen.set(line.revision, line.seen);
      heard.highest = Math.max(heard.highest, line.revision);
    }
  }
  for (const line of lines) {
    if (!("ack" in line) || line.hash === null || line.revision > last) continue;
    if (seen.get(line.revision) !== line.ack)
      wrong.push(`the watch missed revision ${line.revision} of ${line.ack}`);
  }
  return wrong;
}

/**
 * Compares a store with what was heard.
 * @returns what was acknowledged and is not there, or is there and was acknowledged to be gone
 */
export function compare(heard: Heard, stored: readonly KubernetesObject[]): string[] {
  const byName = new Map(stored.map((object) => [object.metadata.name, object] as const));
  const wrong: string[] = [];
  for (const [name, { hash, pending, revision }] of heard.objects) {
    const found = byName.get(name);
    if ((found === undefined ? null : hashOf(found)) === hash) continue;
    // Not answered, and done: whoever asked knows neither.
    const later = found === undefined || Number(found.metadata.resourceVersion) > revision;
    if (pending !== undefined && later) continue;
    const says = found === undefined ? "is gone" : `has revision ${found.metadata.resourceVersion ?? ""}`;
    wrong.push(
      `${name} ${says}, acknowledged was ${hash === null ? "that it is gone" : `revision ${revision}`}`,
    );
  }
  return wrong;
}

/** From here on, what lies in the store is known. */
export function settle(heard: Heard, stored: readonly KubernetesObject[], revision: number): void {
  heard.objects.clear();
  for (const object of stored) {
    heard.objects.set(object.metadata.name, {
      hash: hashOf(object),
      revision: Number(object.metadata.resourceVersion),
    });
  }
  heard.highest = Math.max(heard.highest, revision);
}
