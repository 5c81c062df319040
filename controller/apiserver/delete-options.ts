/** Options of a delete (apimachinery `meta/v1.DeleteOptions`), from the body where there is one, else from the query. */
import type { DeleteOptions, StatusCause } from "../store/resource-client.ts";
import { isRecord } from "./body.ts";
import { dryRunCauses, flag, integer, unsupported } from "./request-options.ts";
import { badRequest, invalidOptions } from "./status.ts";

const POLICIES = ["Foreground", "Background", "Orphan"] as const;

type Read = (value: unknown) => boolean;

const isText: Read = (value) => typeof value === "string";

/** What each field of the body has to be. */
const FIELDS: Readonly<Record<string, { type: string; fits: Read }>> = {
  kind: { type: "string", fits: isText },
  apiVersion: { type: "string", fits: isText },
  gracePeriodSeconds: { type: "int64", fits: Number.isInteger },
  preconditions: {
    type: "v1.Preconditions",
    fits: (value) => isRecord(value) && Object.values(value).every(isText),
  },
  orphanDependents: { type: "bool", fits: (value) => typeof value === "boolean" },
  propagationPolicy: { type: "v1.DeletionPropagation", fits: isText },
  dryRun: { type: "[]string", fits: (value) => Array.isArray(value) && value.every(isText) },
};

interface GivenOptions {
  preconditions?: { uid?: string; resourceVersion?: string };
  orphanDependents?: boolean;
  propagationPolicy?: string;
  dryRun?: readonly string[];
}

/** @throws ApiError 400 */
function fromBody(body: unknown): GivenOptions {
  if (!isRecord(body)) throw badRequest("couldn't get version/kind; json parse error: it is not an object");
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    if (field === undefined || value === null) continue;
    if (!field.fits(value)) {
      const what = Array.isArray(value) ? "array" : typeof value;
      throw badRequest(
        `json: cannot unmarshal ${what} into Go struct field DeleteOptions.${name} of type ${field.type}`,
      );
    }
    given[name] = value;
  }
  const { kind = "" } = given;
  if (kind !== "DeleteOptions" && kind !== "")
    throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version "meta.k8s.io/v1"`);
  return given;
}

function fromQuery(query: URLSearchParams): GivenOptions {
  integer(query, "gracePeriodSeconds");
  const orphanDependents = flag(query, "orphanDependents");
  const propagationPolicy = query.get("propagationPolicy");
  return {
    dryRun: query.getAll("dryRun"),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
    ...(propagationPolicy === null ? {} : { propagationPolicy }),
  };
}

/**
 * @param body undefined when the request has none
 * @throws ApiError 400, 422
 */
export function parseDeleteOptions(
  query: URLSearchParams,
  body: unknown,
): DeleteOptions & { orphanDependents?: boolean } {
  const given = body === undefined ? fromQuery(query) : fromBody(body);
  const { propagationPolicy: policy, orphanDependents: orphan, preconditions, dryRun = [] } = given;
  const causes: StatusCause[] = [];
  if (orphan !== undefined && policy !== undefined) {
    const message = `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`;
    causes.push({ reason: "FieldValueInvalid", message, field: "propagationPolicy" });
  }
  const known = POLICIES.find((name) => name === policy);
  if (policy !== undefined && known === undefined)
    causes.push(unsupported("propagationPolicy", JSON.stringify(policy), [...POLICIES, "nil"]));
  causes.push(...dryRunCauses(dryRun));
  if (causes.length > 0) throw invalidOptions("DeleteOptions", causes);
  // What says that nothing is to happen counts wherever it stands.
  const isDryRun = dryRun.length > 0 || query.getAll("dryRun").includes("All");
  const propagationPolicy = known ?? (orphan === undefined ? undefined : orphan ? "Orphan" : "Background");
  return {
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(isDryRun ? { dryRun: true } : {}),
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(orphan === undefined ? {} : { orphanDependents: orphan }),
  };
}
