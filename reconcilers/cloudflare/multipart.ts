/**
 * Writes multipart/form-data. Node's FormData draws its boundary at random and reads blobs over the event loop; uploads
 * must be the same bytes whenever they say the same.
 */
import { sha256 } from "../../controller/runtime/hash.ts";

export interface FormPart {
  name: string;
  /** Sent when given: makes the part a file. */
  filename?: string | undefined;
  contentType: string;
  content: string | Uint8Array;
}

/** A body and the content type that goes with it. */
export interface Multipart {
  contentType: string;
  body: Uint8Array;
}

// WHATWG: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
const quoted = (name: string): string =>
  name.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");

/**
 * @returns the parts in their order; the boundary is a hash of them, so that equal parts make equal bodies and no part
 *   can contain it
 */
export function multipart(parts: readonly FormPart[]): Multipart {
  const contents = parts.map((part) =>
    typeof part.content === "string" ? new TextEncoder().encode(part.content) : part.content,
  );
  const boundary = `flaresmith-${sha256(parts.map((part, index) => `${part.name}:${sha256(contents[index] ?? "")}`).join("\n")).slice(0, 32)}`;
  const chunks: Uint8Array[] = [];
  const text = (line: string): void => void chunks.push(new TextEncoder().encode(line));
  for (const [index, part] of parts.entries()) {
    const filename = part.filename === undefined ? "" : `; filename="${quoted(part.filename)}"`;
    text(
      `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(part.name)}"${filename}\r\nContent-Type: ${part.contentType}\r\n\r\n`,
    );
    chunks.push(contents[index] ?? new Uint8Array());
    text("\r\n");
  }
  text(`--${boundary}--\r\n`);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: new Uint8Array(Buffer.concat(chunks)),
  };
}
