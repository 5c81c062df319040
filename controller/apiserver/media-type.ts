/** Content negotiation as in apiserver `endpoints/handlers/negotiation`. */
import { notAcceptable } from "./status.ts";

/** One entry of an Accept or Content-Type header. */
interface MediaType {
  /** Lower case, without parameters. */
  type: string;
  parameters: Readonly<Record<string, string>>;
}

type Encoding = "json" | "yaml";

/** How an answer is wanted. */
export interface Negotiated {
  encoding: Encoding;
  /** What the objects are turned into, and in which version of meta.k8s.io. */
  as?: { kind: "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList"; version: "v1" | "v1beta1" };
}

/** What resources are served as; protobuf is named because clients ask for it, and are answered with JSON. */
export const SERVED_TYPES = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
] as const;

/** Splits a header into its entries, most wanted first. */
function parseMediaTypes(header: string): MediaType[] {
  const entries = header.split(",").flatMap((part) => {
    const [type = "", ...rest] = part.split(";").map((piece) => piece.trim());
    if (type === "") return [];
    const parameters: Record<string, string> = {};
    for (const piece of rest) {
      const equals = piece.indexOf("=");
      if (equals > 0)
        parameters[piece.slice(0, equals).trim().toLowerCase()] = piece.slice(equals + 1).trim();
    }
    const quality = Number(parameters["q"] ?? "1");
    return [{ type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 0 : quality }];
  });
  return entries.toSorted((a, b) => b.quality - a.quality);
}

function encodingOf(type: string): Encoding | undefined {
  switch (type) {
    case "application/json":
    case "application/*":
    case "*/*":
    case "application/vnd.kubernetes.protobuf":
      return "json";
    case "application/yaml":
      return "yaml";
    default:
      return undefined;
  }
}

function transformOf(parameters: Readonly<Record<string, string>>): Negotiated["as"] | "none" | "unknown" {
  const { as, g, v } = parameters;
  if (as === undefined) return "none";
  if (g !== "meta.k8s.io" || (v !== "v1" && v !== "v1beta1")) return "unknown";
  if (as === "Table" || as === "PartialObjectMetadata" || as === "PartialObjectMetadataList")
    return { kind: as, version: v };
  return "unknown";
}

/**
 * Chooses how to answer a request about resources. Protobuf is passed over where anything else is wanted as well, and
 * answered with JSON where it stands alone: clients decode by the answer's Content-Type.
 * @throws ApiError 406
 */
export function negotiate(accept: string | undefined): Negotiated {
  const entries = parseMediaTypes(accept ?? "");
  if (entries.length === 0) return { encoding: "json" };
  const isProtobuf = (entry: MediaType): boolean => entry.type === "application/vnd.kubernetes.protobuf";
  for (const entry of [...entries.filter((item) => !isProtobuf(item)), ...entries.filter(isProtobuf)]) {
    const encoding = encodingOf(entry.type);
    const transform = transformOf(entry.parameters);
    if (encoding === undefined || transform === "unknown") continue;
    return transform === "none" || transform === undefined ? { encoding } : { encoding, as: transform };
  }
  throw notAcceptable(`only the following media types are accepted: ${SERVED_TYPES.join(", ")}`);
}

/** Whether a discovery client asks for the aggregated form, and which version of it. */
export function aggregatedVersion(accept: string | undefined): "v2" | "v2beta1" | undefined {
  for (const { type, parameters } of parseMediaTypes(accept ?? "")) {
    if (type !== "application/json") continue;
    if (parameters["as"] === undefined) return undefined;
    if (parameters["as"] !== "APIGroupDiscoveryList" || parameters["g"] !== "apidiscovery.k8s.io") continue;
    if (parameters["v"] === "v2" || parameters["v"] === "v2beta1") return parameters["v"];
  }
  return undefined;
}
