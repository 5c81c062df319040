/**
 * Our marker and the hash of what we uploaded, as tags of a script or preview. At most eight tags fit, and `,` and `&` are
 * not for them (Cloudflare docs, "Workers for Platforms limits"; previews: "limitations").
 */
import { FlaresmithError } from "../../controller/runtime/errors.ts";

const MOST_TAGS = 8;
/** No limit is documented for one tag; a marker longer than this is spread over several. */
const LONGEST = 200;
const MARKER = "flaresmith:";
const CONTINUED = /^flaresmith\.(\d):/;
const HASH = "flaresmith-hash:";

function isOurs(tag: string): boolean {
  return tag.startsWith(MARKER) || tag.startsWith(HASH) || CONTINUED.test(tag);
}

/** `,` and `&` become `%2C` and `%26`. */
const encode = (text: string): string =>
  text.replaceAll("%", "%25").replaceAll(",", "%2C").replaceAll("&", "%26");
const decode = (text: string): string =>
  text.replaceAll("%26", "&").replaceAll("%2C", ",").replaceAll("%25", "%");

/**
 * The tags to write: other people's first, then ours.
 * @param options `what`: what they are on, for messages; `specHash`: hash of what is uploaded with them
 * @throws FlaresmithError SPEC_INVALID when others left no room
 */
export function withMarker(options: {
  what: string;
  existing: readonly string[];
  marker: string;
  specHash: string;
}): string[] {
  const { existing, specHash, what } = options;
  const text = encode(options.marker);
  const parts: string[] = [];
  for (let index = 0; index < text.length; index += LONGEST) parts.push(text.slice(index, index + LONGEST));
  const [first = "", ...rest] = parts;
  const ours = [
    `${MARKER}${first}`,
    ...rest.map((part, index) => `flaresmith.${index + 2}:${part}`),
    `${HASH}${specHash}`,
  ];
  const tags = [...existing.filter((tag) => !isOurs(tag)), ...ours];
  if (tags.length > MOST_TAGS) {
    throw new FlaresmithError({
      code: "SPEC_INVALID",
      message: `${what} has ${tags.length - ours.length} tags already, and with our ${ours.length} there would be more than ${MOST_TAGS}`,
      hint: "Remove tags that are not needed in Cloudflare's dashboard.",
      context: { provider: "cloudflare" },
    });
  }
  return tags;
}

/** The marker and the hash in tags that were found; undefined what is not there. */
export function readMarker(tags: readonly string[]): {
  marker: string | undefined;
  specHash: string | undefined;
} {
  const first = tags.find((tag) => tag.startsWith(MARKER));
  const specHash = tags.find((tag) => tag.startsWith(HASH))?.slice(HASH.length);
  if (first === undefined) return { marker: undefined, specHash };
  const rest = tags
    .flatMap((tag) => {
      const match = CONTINUED.exec(tag);
      return match ? [{ order: Number(match[1]), text: tag.slice(match[0].length) }] : [];
    })
    .toSorted((a, b) => a.order - b.order)
    .map((part) => part.text);
  return { marker: decode([first.slice(MARKER.length), ...rest].join("")), specHash };
}
