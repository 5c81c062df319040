/**
 * A webhook has no field for a mark of ours, and its secret cannot be read back. The query of its address carries both:
 * whose it is, and a witness of the secret. The listener does not look at the query.
 */
const MARK = /[?&]flaresmith=([0-9a-f]{12}-[0-9a-f]{24})(?:\.([0-9a-f]{32}))?$/;

export interface MarkedUrl {
  /** Without our mark. */
  url: string;
  markerHash: string | undefined;
  witness: string | undefined;
}

export function markUrl(url: string, markerHash: string, witness: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}flaresmith=${markerHash}${witness === "" ? "" : `.${witness}`}`;
}

export function readMarkedUrl(text: string): MarkedUrl {
  const found = MARK.exec(text);
  return { url: found ? text.slice(0, found.index) : text, markerHash: found?.[1], witness: found?.[2] };
}
