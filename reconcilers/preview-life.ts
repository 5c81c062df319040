/** How long a Preview lives, and whether it may begin. Pure. */
import { parseDuration } from "../controller/runtime/duration.ts";
import { getCondition } from "../controller/runtime/conditions.ts";
import { byAge } from "./names.ts";
import type { PreviewObject, ProjectObject } from "./objects.ts";

export interface PreviewLife {
  /** RFC 3339: when the life of this generation of the spec began. */
  activatedAt: string;
  /** RFC 3339: when its external things are removed. */
  expiresAt: string;
  /** RFC 3339: the earliest end that a lease found at Neon may have for the life to go on until then, see {@link lifeUntil}. */
  earliestEnd: string;
  expired: boolean;
  /** Milliseconds until it expires; 0 when it has. */
  remaining: number;
}

/** The longest that `keepUntil` keeps, in milliseconds; Neon takes no lease that lies further ahead. */
const LONGEST = 30 * 24 * 3_600_000;

const seconds = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, "Z");

interface Terms {
  /** Milliseconds. */
  ttl: number;
  /** Wall clock, milliseconds; 0 for none. */
  keepUntil: number;
}

function termsOf(preview: PreviewObject, project: ProjectObject): Terms {
  const { keepUntil, ttl = project.spec.previews?.ttl ?? "72h" } = preview.spec;
  return { ttl: parseDuration(ttl), keepUntil: keepUntil === undefined ? 0 : Date.parse(keepUntil) };
}

function lifeFrom(begun: number, { keepUntil, ttl }: Terms, now: number): PreviewLife {
  const kept = Math.min(keepUntil, begun + LONGEST);
  const expires = Math.max(begun + ttl, kept);
  return {
    activatedAt: seconds(begun),
    expiresAt: seconds(expires),
    earliestEnd: seconds(Math.max(begun, kept)),
    expired: now >= expires,
    remaining: Math.max(0, expires - now),
  };
}

/**
 * A life begins when the object is created, and anew whenever its spec changes; `keepUntil` can only lengthen it, to 30
 * days at most.
 * @param now milliseconds since the epoch, by the providers' clocks
 */
export function lifeOf(preview: PreviewObject, project: ProjectObject, now: number): PreviewLife {
  const { creationTimestamp, generation = 1 } = preview.metadata;
  const { activatedAt, activatedGeneration } = preview.status ?? {};
  const begun =
    activatedAt !== undefined && activatedGeneration === generation
      ? Date.parse(activatedAt)
      : generation === 1 && creationTimestamp !== undefined
        ? Date.parse(creationTimestamp)
        : now;
  return lifeFrom(begun, termsOf(preview, project), now);
}

/**
 * The life that ends with a lease: what it was before the status was lost. The lease must lie between `earliestEnd` and
 * `expiresAt` of {@link lifeOf}.
 */
export function lifeUntil(
  lease: string,
  preview: PreviewObject,
  project: ProjectObject,
  now: number,
): PreviewLife {
  const terms = termsOf(preview, project);
  const latest = Date.parse(lifeOf(preview, project, now).activatedAt);
  return lifeFrom(Math.min(latest, Date.parse(lease) - terms.ttl), terms, now);
}

interface Queue {
  /** Place of the preview, from 1; 0 when it may begin. */
  position: number;
  /** How many have begun. */
  active: number;
}

/**
 * The queue for the project's `previews.max`. Those that have begun keep their place, also when the limit is lowered below
 * their number; then the older goes first.
 */
export function queueFor(preview: PreviewObject, siblings: readonly PreviewObject[], max: number): Queue {
  const active = (one: PreviewObject): boolean => (one.status?.inventory ?? []).length > 0;
  const ended = (one: PreviewObject): boolean =>
    one.status?.state === "archived" && one.status.activatedGeneration === one.metadata.generation;
  const begun = siblings.filter(active).length;
  if (active(preview)) return { position: 0, active: begun };
  // One that is not to begin, or cannot, holds up nobody: it takes its place when it can.
  const stuck = (one: PreviewObject): boolean =>
    one.spec.suspend || getCondition(one.status?.conditions ?? [], "Stalled")?.status === "True";
  const itself = (one: PreviewObject): boolean => one.metadata.name === preview.metadata.name;
  const waiting = siblings
    .filter((one) => itself(one) || (!ended(one) && !active(one) && !stuck(one)))
    .toSorted(byAge)
    .findIndex(itself);
  return { position: Math.max(0, begun + waiting - max + 1), active: begun };
}
