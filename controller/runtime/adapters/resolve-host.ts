import { lookup } from "node:dns/promises";

/** Finds the addresses of a host as programs of this machine find them. */
export type HostResolver = (host: string) => Promise<readonly string[]>;

/** The system's resolver: hosts file, DNS, whatever it is told to ask. Rejects when the host is not known. */
export const systemResolver: HostResolver = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);
