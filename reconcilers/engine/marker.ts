/**
 * The mark on everything that is ours: `<installation>/<namespace>/<kind>/<name>/<slot>#<nonce>`. No uid, so that a
 * restored or re-created object takes its own things back (DESIGN, law 3).
 */
import { sha256 } from "../../controller/runtime/hash.ts";

export interface MarkerParts {
  installation: string;
  namespace: string;
  kind: string;
  name: string;
  slot: string;
}

export interface Marker {
  /** The whole text, nonce included: what goes onto the resource. */
  text: string;
  /** 32 hexadecimal characters that stand for the text without nonce, where only short names fit (GitHub topics). */
  hash: string;
  nonce: string;
  /** Whose a text is that was found on a resource; `undefined` and texts that are no marker are `unmarked`. */
  classify(text: string | undefined): "ours" | "foreign" | "unmarked";
  /** The same for a hash that was found. */
  classifyHash(hash: string | undefined): "ours" | "foreign" | "unmarked";
}

const shape = /^[^/\s]+\/[^/\s]+\/[^/\s]+\/[^/\s]+\/[^#\s]+#[^#\s]*$/;

/** @param nonce distinguishes one create from another; empty where no create is meant */
export function createMarker(parts: MarkerParts, nonce: string): Marker {
  const identity = `${parts.installation}/${parts.namespace}/${parts.kind}/${parts.name}/${parts.slot}`;
  const hash = sha256(identity).slice(0, 32);
  return {
    text: `${identity}#${nonce}`,
    hash,
    nonce,
    classify: (text) => {
      if (text === undefined || !shape.test(text)) return "unmarked";
      return text.slice(0, text.lastIndexOf("#")) === identity ? "ours" : "foreign";
    },
    classifyHash: (found) => {
      if (found === undefined) return "unmarked";
      return found === hash ? "ours" : "foreign";
    },
  };
}
