/** The few messages of the Postgres protocol that a proxy must understand (PostgreSQL docs, "Message Formats"). */
export type StartupRequest =
  | { kind: "tls" }
  | { kind: "cancel"; packet: Buffer }
  | { kind: "startup"; version: number; parameters: Map<string, string> };

const tlsRequest = 80_877_103;
const gssRequest = 80_877_104;
const cancelRequest = 80_877_102;

/** The largest start-up packet that Postgres accepts, in bytes. */
const largestStartup = 10_000;

/**
 * Reads one start-up packet from the beginning of `buffer`.
 * @returns the request and how many bytes it took; undefined while bytes are missing
 * @throws Error when this is no start-up packet
 */
export function readStartup(buffer: Buffer): { request: StartupRequest; size: number } | undefined {
  if (buffer.length < 8) return undefined;
  const size = buffer.readUInt32BE(0);
  if (size < 8 || size > largestStartup) throw new Error("invalid length of startup packet");
  if (buffer.length < size) return undefined;
  const code = buffer.readUInt32BE(4);
  if (code === tlsRequest || code === gssRequest) return { request: { kind: "tls" }, size };
  if (code === cancelRequest) return { request: { kind: "cancel", packet: buffer.subarray(0, size) }, size };
  if (code >>> 16 !== 3) throw new Error(`unsupported frontend protocol ${code >>> 16}.${code & 0xffff}`);
  const fields = buffer.subarray(8, size).toString("utf8").split("\0");
  const parameters = new Map<string, string>();
  for (let index = 0; index + 1 < fields.length && fields[index] !== ""; index += 2) {
    parameters.set(fields[index] ?? "", fields[index + 1] ?? "");
  }
  return { request: { kind: "startup", version: code, parameters }, size };
}

/** A start-up packet with these parameters. */
export function startupPacket(version: number, parameters: ReadonlyMap<string, string>): Buffer {
  const body = Buffer.from(
    `${[...parameters].map(([name, value]) => `${name}\0${value}\0`).join("")}\0`,
    "utf8",
  );
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length, 0);
  head.writeUInt32BE(version, 4);
  return Buffer.concat([head, body]);
}

/** Asks for the password in clear text: the listener is loopback only. */
export function passwordRequest(): Buffer {
  return Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);
}

/**
 * Reads a password message from the beginning of `buffer`.
 * @returns the password and how many bytes the message took; undefined while bytes are missing
 * @throws Error when it is another message
 */
export function readPassword(buffer: Buffer): { password: string; size: number } | undefined {
  if (buffer.length < 5) return undefined;
  const size = 1 + buffer.readUInt32BE(1);
  if (buffer[0] !== 0x70 || size > largestStartup) throw new Error("expected password response");
  if (buffer.length < size) return undefined;
  return { password: buffer.subarray(5, size).toString("utf8").replace(/\0$/, ""), size };
}

/** A fatal error as the client prints it. */
export function fatal(code: string, message: string): Buffer {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`, "utf8");
  const head = Buffer.alloc(5);
  head.write("E", 0, "latin1");
  head.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

/** The start-up option `endpoint=…` (or the older `project=…`), and the options without it. */
export function takeEndpoint(options: string): { endpoint: string | undefined; rest: string } {
  const words = options.split(/\s+/).filter((word) => word !== "");
  const option = words.find((word) => /^(endpoint|project)=/.test(word));
  return {
    endpoint: option?.replace(/^[a-z]+=/, ""),
    rest: words.filter((word) => word !== option).join(" "),
  };
}

/** The endpoint a password carries, as `endpoint=<id>;<password>` or with `$` between them. */
export function endpointInPassword(password: string): { endpoint: string | undefined; password: string } {
  const match = /^endpoint=([a-z0-9-]+)[;$](.*)$/s.exec(password);
  return match ? { endpoint: match[1], password: match[2] ?? "" } : { endpoint: undefined, password };
}
