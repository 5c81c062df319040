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
  /**
   * `<12>-<24>` hexadecimal characters that stand for the installation and for the text without nonce, where only short
   * names fit (GitHub topics).
   */
  hash: string;
  nonce: string;
  /** Whose a text is that was found on a resource; `undefined` and texts that are no marker are `unmarked`. */
  classify(text: string | undefined): "ours" | "foreign" | "unmarked";
  /** The same for a hash that was found. */
  classifyHash(hash: string | undefined): "ours" | "foreign" | "unmarked";
}

const shape = /^([^/\s]+)\/([^/\s]+)\/([^/\s]+)\/([^/\s]+)\/([^#\s]+)#([^#\s]*)$/;

const digest = (text: string, length: number): string => sha256(text).slice(0, length);

function identityOf({ installation, kind, name, namespace, slot }: MarkerParts): string {
  return `${installation}/${namespace}/${kind}/${name}/${slot}`;
}

/** What stands for a whole installation in the hashes of its markers. */
const installationHash = (installation: string): string => digest(installation, 12);

/** The hash of the marker with these parts, whatever its nonce. */
export function markerHash(parts: MarkerParts): string {
  return `${installationHash(parts.installation)}-${digest(identityOf(parts), 24)}`;
}

/** @param nonce distinguishes one create from another; empty where no create is meant */
export function createMarker(parts: MarkerParts, nonce: string): Marker {
  const identity = identityOf(parts);
  const hash = markerHash(parts);
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

/** Whose a marker's text says that something is; undefined for hashes and for what is no marker. */
export function readMarkerText(mark: string): MarkerParts | undefined {
  const [text, installation, namespace, kind, name, slot] = shape.exec(mark) ?? [];
  if (text === undefined) return undefined;
  return {
    installation: installation ?? "",
    namespace: namespace ?? "",
    kind: kind ?? "",
    name: name ?? "",
    slot: slot ?? "",
  };
}

/** Whether a mark that was found, be it a text or a hash, is of this installation, whatever object it names. */
export function isOfInstallation(mark: string, installation: string): boolean {
  const parts = readMarkerText(mark);
  if (parts !== undefined) return parts.installation === installation;
  return /^[0-9a-f]{12}-[0-9a-f]{24}$/.test(mark) && mark.startsWith(`${installationHash(installation)}-`);
}

/**
 * Recognises the very mark that was found, also where only its hash is known, so that a resource can be looked at again
 * without the object that it was made for.
 */
export function markerOfMark(mark: string): Marker {
  const parts = readMarkerText(mark);
  if (parts !== undefined) return createMarker(parts, mark.slice(mark.lastIndexOf("#") + 1));
  const classifyHash: Marker["classifyHash"] = (found) =>
    found === undefined ? "unmarked" : found === mark ? "ours" : "foreign";
  return {
    text: mark,
    hash: mark,
    nonce: "",
    classify: (text) => {
      const found = text === undefined ? undefined : readMarkerText(text);
      return classifyHash(found && markerHash(found));
    },
    classifyHash,
  };
}
