/** Addresses to listen on, as people type them. */
import { CommandError } from "../failure.ts";

export interface Address {
  /** Undefined: every address of this machine, IPv6 and IPv4. */
  host: string | undefined;
  /** Undefined: none was named. */
  port: number | undefined;
}

/**
 * Reads `[host]:port`, `host:port`, `:port` or `port`.
 * @param option for the message, e.g. `--ops-address`
 * @param host where none is named; undefined: every address
 * @throws CommandError with exit code 2
 */
export function readAddress(text: string | undefined, option: string, host: string | undefined): Address {
  if (text === undefined) return { host, port: undefined };
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]*)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new CommandError(`${option} ${JSON.stringify(text)} is no address`, {
      hint: "Write host:port, :port or port, such as 0.0.0.0:9443.",
      exitCode: 2,
    });
  }
  const named = match[1] ?? match[2];
  return { host: named === undefined || named === "" ? host : named, port };
}
