/** One part of a `multipart/form-data` body. */
export interface Part {
  name: string;
  filename?: string;
  /** Media type without parameters, lower case; `text/plain` when the part names none (RFC 7578 §4.4). */
  contentType: string;
  bytes: Uint8Array;
}

/**
 * The boundary of a `multipart/form-data` content type; undefined for any other type.
 * @param contentType the request header, parameters included
 */
export function multipartBoundary(contentType: string): string | undefined {
  if (!/^multipart\/form-data\s*;/i.test(contentType)) return undefined;
  const match = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  return match?.[1] ?? match?.[2];
}

function headerParameter(header: string, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]+))`, "i").exec(header);
  const value = match?.[1]?.replaceAll(/\\(["\\])/g, "$1") ?? match?.[2];
  // The WHATWG form encoding of names escapes these three.
  return value?.replaceAll("%22", '"').replaceAll("%0D", "\r").replaceAll("%0A", "\n");
}

/**
 * Splits a `multipart/form-data` body (RFC 7578).
 * @throws Error naming what is malformed: no opening or closing boundary, a part without headers or without a name
 */
export function parseMultipart(body: Uint8Array, boundary: string): Part[] {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: Part[] = [];
  let position = buffer.indexOf(delimiter);
  if (position === -1) throw new Error("multipart body has no opening boundary");
  for (;;) {
    const after = position + delimiter.length;
    if (buffer.subarray(after, after + 2).equals(Buffer.from("--"))) return parts;
    const headersEnd = buffer.indexOf("\r\n\r\n", after);
    const next = buffer.indexOf(`\r\n--${boundary}`, headersEnd);
    if (headersEnd === -1 || next === -1) throw new Error("multipart body has no closing boundary");
    parts.push(
      parsePart(buffer.subarray(after, headersEnd).toString("utf8"), buffer.subarray(headersEnd + 4, next)),
    );
    position = next + 2;
  }
}

function parsePart(headerText: string, content: Buffer): Part {
  const headers = headerText.split("\r\n").flatMap((line): [string, string][] => {
    const colon = line.indexOf(":");
    return colon === -1 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]];
  });
  const disposition = headers.find(([name]) => name === "content-disposition")?.[1] ?? "";
  const name = headerParameter(disposition, "name");
  if (name === undefined) throw new Error("multipart part has no name in its Content-Disposition");
  const filename = headerParameter(disposition, "filename");
  const type = headers.find(([header]) => header === "content-type")?.[1] ?? "text/plain";
  const contentType = (type.split(";")[0] ?? type).trim().toLowerCase();
  const part = { name, contentType, bytes: new Uint8Array(content) };
  return filename === undefined ? part : { ...part, filename };
}

/**
 * Writes a `multipart/form-data` body.
 * @param boundary must not occur in any part
 */
export function writeMultipart(parts: readonly Part[], boundary: string): Uint8Array<ArrayBuffer> {
  const chunks = parts.flatMap((part) => {
    const filename = part.filename === undefined ? "" : `; filename="${part.filename}"`;
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${part.name}"${filename}\r\nContent-Type: ${part.contentType}\r\n\r\n`;
    return [Buffer.from(head), Buffer.from(part.bytes), Buffer.from("\r\n")];
  });
  return new Uint8Array(Buffer.concat([...chunks, Buffer.from(`--${boundary}--\r\n`)]));
}
