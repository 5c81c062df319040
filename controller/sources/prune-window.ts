/**
 * What a Source deleted of late without consent. It stands on the Source itself, written before anything is deleted: a
 * process that ends in the midst of many small deletions does not make the next one forget them.
 */
import { PRUNE_WINDOW_ANNOTATION } from "./source-object.ts";
import type { SourceObject } from "./source-object.ts";

/** Deletions without consent, counted together against what was there when the first of them was made. */
export interface PruneWindow {
  /** Wall clock, milliseconds since the epoch. */
  readonly since: number;
  /** Objects that the Source owned. */
  readonly owned: number;
  readonly deleted: number;
}

/** Milliseconds. */
const LENGTH = 10 * 60_000;
/** Reason of the Stalled condition while a prune waits for consent. */
export const CONFIRMATION_REQUIRED = "ConfirmationRequired";
const TEXT = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (\d{1,9})\/(\d{1,9})$/;

/**
 * The window that is open now; a new one when the last is over. While a prune waits for consent, it is not: a question
 * that was asked does not answer itself.
 *
 * @param options.owned objects that the Source owns now
 * @param options.now wall clock
 */
export function openPruneWindow(
  source: SourceObject,
  { now, owned }: { now: number; owned: number },
): PruneWindow {
  const begun = { since: now, owned, deleted: 0 };
  const text = source.metadata.annotations?.[PRUNE_WINDOW_ANNOTATION] ?? "";
  const [, at = "", deleted, before] = TEXT.exec(text) ?? [];
  const since = Date.parse(at);
  if (Number.isNaN(since)) return begun;
  const waits = source.status?.conditions?.some(
    ({ type, status, reason }) => type === "Stalled" && status === "True" && reason === CONFIRMATION_REQUIRED,
  );
  // The clock may have been set back: a window in the future is no reason to wait for it.
  const isOpen = Math.abs(now - since) < LENGTH;
  return isOpen || waits === true ? { since, owned: Number(before), deleted: Number(deleted) } : begun;
}

/** The value of the annotation that keeps a window. */
export function pruneWindowText({ deleted, owned, since }: PruneWindow): string {
  return `${new Date(since).toISOString()} ${deleted}/${owned}`;
}
