/** Addresses that no repository is at, and where a request does harm: of the machine's own link, and of cloud metadata. */
import { BlockList, isIP } from "node:net";

const DENIED: readonly (readonly [network: string, prefix: number])[] = [
  // "This host", which connects to the machine itself.
  ["0.0.0.0", 8],
  ["::", 128],
  // Link-local, with the metadata services of most clouds: https://www.rfc-editor.org/rfc/rfc3927, rfc4291
  ["169.254.0.0", 16],
  ["fe80::", 10],
  // Metadata services with addresses of their own: AWS, Google, Alibaba, Azure.
  ["fd00:ec2::", 32],
  ["fd20:ce::", 64],
  ["100.100.100.200", 32],
  ["168.63.129.16", 32],
  // Multicast, reserved, broadcast.
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
  ["ff00::", 8],
];
/** IPv6 networks whose last 32 bits are an IPv4 address: https://www.rfc-editor.org/rfc/rfc6052, rfc4291 */
const EMBEDDING = [/^64:ff9b::/, /^::ffff:/, /^::(?=[0-9a-f]+:[0-9a-f]+$)/];

const denied = new BlockList();
for (const [network, prefix] of DENIED)
  denied.addSubnet(network, prefix, isIP(network) === 4 ? "ipv4" : "ipv6");

/**
 * Whether a repository may be reached at an address. Private networks and this machine may: that is where people's own
 * hosts are.
 * @param address IPv4 or IPv6, without brackets and zone
 */
export function isAllowedAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !denied.check(address, "ipv4");
  if (family !== 6) return false;
  const inner = embedded(address);
  return !denied.check(address, "ipv6") && (inner === undefined || !denied.check(inner, "ipv4"));
}

/** The IPv4 address inside of an IPv6 address, if it is of a network that has them. */
function embedded(address: string): string | undefined {
  // The URL parser writes every IPv6 address in one way.
  const plain = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  if (!EMBEDDING.some((network) => network.test(plain))) return undefined;
  const [low = "0", high = "0"] = plain.split(":").toReversed();
  const [first, second] = [Number.parseInt(high || "0", 16), Number.parseInt(low || "0", 16)];
  return [first >> 8, first & 0xff, second >> 8, second & 0xff].join(".");
}
