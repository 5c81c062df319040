/** Query parameters of requests, checked as kube-apiserver checks them (apimachinery `meta/v1/validation`). */
import type { DeleteOptions, ListOptions, StatusCause } from "../store/resource-client.ts";
import { badRequest, invalidOptions } from "./status.ts";

type FieldValidation = "Strict" | "Warn" | "Ignore";

export interface WriteQuery {
  dryRun: boolean;
  /** Left out: from the User-Agent. */
  fieldManager?: string;
  fieldValidation: FieldValidation;
  force: boolean;
}

export interface ListQuery extends ListOptions {
  watch: boolean;
  resourceVersion?: string;
  resourceVersionMatch?: "Exact" | "NotOlderThan";
  sendInitialEvents?: boolean;
  allowWatchBookmarks: boolean;
  timeoutSeconds?: number;
}

function quoted(values: readonly string[]): string {
  return values.map((value) => JSON.stringify(value)).join(", ");
}

function unsupported(field: string, value: string, supported: readonly string[]): StatusCause {
  return {
    reason: "FieldValueNotSupported",
    message: `Unsupported value: ${value}: supported values: ${quoted(supported)}`,
    field,
  };
}

function forbidden(field: string, why: string): StatusCause {
  return { reason: "FieldValueForbidden", message: `Forbidden: ${why}`, field };
}

/** Go's reading of a boolean parameter: present means true unless it is `false` or `0`. */
function flag(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  return value === null ? undefined : value !== "false" && value !== "0";
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === "") return undefined;
  const wrong = (why: string): Error =>
    badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: ${why}`);
  if (!/^[+-]?\d+$/.test(value)) throw wrong("invalid syntax");
  const number = Number(value);
  if (number >= 2 ** 63 || number < -(2 ** 63)) throw wrong("value out of range");
  return number;
}

function dryRunCauses(values: readonly string[]): StatusCause[] {
  if (values.every((value) => value === "All")) return [];
  return [unsupported("dryRun", JSON.stringify(values).replaceAll(",", ", "), ["All"])];
}

/**
 * @param verb decides what is required and allowed
 * @throws ApiError 422
 */
export function parseWriteQuery(
  query: URLSearchParams,
  verb: "create" | "update" | "patch" | "apply",
): WriteQuery {
  const kind = verb === "create" ? "CreateOptions" : verb === "update" ? "UpdateOptions" : "PatchOptions";
  const dryRun = query.getAll("dryRun").filter((value) => value !== "");
  const validation = query.get("fieldValidation") ?? "";
  const manager = query.get("fieldManager") ?? "";
  const force = flag(query, "force");
  const causes = dryRunCauses(dryRun);
  if (verb === "apply" && manager === "") {
    causes.push({
      reason: "FieldValueRequired",
      message: "Required value: is required for apply patch",
      field: "fieldManager",
    });
  }
  if (verb === "patch" && force !== undefined)
    causes.push(forbidden("force", "may not be specified for non-apply patch"));
  if (Buffer.byteLength(manager) > 128) {
    causes.push({
      reason: "FieldValueTooLong",
      message: "Too long: may not be more than 128 bytes",
      field: "fieldManager",
    });
  } else if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(manager)) {
    const message = `Invalid value: ${JSON.stringify(manager)}: should only contain printable characters`;
    causes.push({ reason: "FieldValueInvalid", message, field: "fieldManager" });
  }
  if (validation !== "" && validation !== "Strict" && validation !== "Warn" && validation !== "Ignore") {
    causes.push(unsupported("fieldValidation", JSON.stringify(validation), ["", "Ignore", "Strict", "Warn"]));
  }
  if (causes.length > 0) throw invalidOptions(kind, causes);
  return {
    dryRun: dryRun.length > 0,
    ...(manager === "" ? {} : { fieldManager: manager }),
    fieldValidation: validation === "" ? "Warn" : (validation as FieldValidation),
    force: force ?? false,
  };
}

function parseVersion(query: URLSearchParams): string | undefined {
  const version = query.get("resourceVersion");
  if (version === null || version === "") return undefined;
  const isNumber = /^\d+$/.test(version);
  if (isNumber && Number(version) <= 2 ** 64) return version;
  const text = JSON.stringify(version);
  const why = isNumber ? "value out of range" : "invalid syntax";
  throw badRequest(
    `invalid resource version: resourceVersion: Invalid value: ${text}: strconv.ParseUint: parsing ${text}: ${why}`,
  );
}

function listCauses(options: {
  watch: boolean;
  version: string | undefined;
  match: string;
  initial: boolean | undefined;
  continued: boolean;
}): StatusCause[] {
  const { watch, version, match, initial, continued } = options;
  const field = "resourceVersionMatch";
  const causes: StatusCause[] = [];
  if (initial !== undefined) {
    if (!watch) return [forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")];
    if (match !== "NotOlderThan") {
      causes.push(
        forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
      );
    }
    if (match !== "" && match !== "NotOlderThan")
      causes.push(unsupported(field, JSON.stringify(match), ["NotOlderThan"]));
    return causes;
  }
  if (match === "") return causes;
  if (watch)
    return [
      forbidden(field, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
    ];
  if (continued) causes.push(forbidden(field, "resourceVersionMatch is forbidden when continue is provided"));
  if (version === undefined)
    causes.push(forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
  if (match !== "Exact" && match !== "NotOlderThan") {
    causes.push(unsupported(field, JSON.stringify(match), ["Exact", "NotOlderThan", ""]));
  }
  if (match === "Exact" && version === "0") {
    causes.push(forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  return causes;
}

/** @throws ApiError 400, 422 */
export function parseListQuery(query: URLSearchParams): ListQuery {
  const watch = flag(query, "watch") ?? false;
  const version = parseVersion(query);
  const match = query.get("resourceVersionMatch") ?? "";
  const initial = flag(query, "sendInitialEvents");
  const continued = query.get("continue") ?? "";
  const labels = query.get("labelSelector") ?? "";
  const fields = query.get("fieldSelector") ?? "";
  const causes = listCauses({ watch, version, match, initial, continued: continued !== "" });
  if (causes.length > 0) throw invalidOptions("ListOptions", causes);
  const limit = integer(query, "limit");
  const timeoutSeconds = integer(query, "timeoutSeconds");
  return {
    watch,
    allowWatchBookmarks: flag(query, "allowWatchBookmarks") ?? false,
    ...(version === undefined ? {} : { resourceVersion: version }),
    ...(match === "" ? {} : { resourceVersionMatch: match as "Exact" | "NotOlderThan" }),
    ...(initial === undefined ? {} : { sendInitialEvents: initial }),
    ...(continued === "" ? {} : { continue: continued }),
    ...(labels === "" ? {} : { labelSelector: labels }),
    ...(fields === "" ? {} : { fieldSelector: fields }),
    ...(limit === undefined ? {} : { limit }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
  };
}

const POLICIES = ["Foreground", "Background", "Orphan"] as const;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Go types of the fields of DeleteOptions, and how to tell their values. */
const DELETE_FIELDS: Readonly<Record<string, readonly [goType: string, fits: (value: unknown) => boolean]>> =
  {
    dryRun: ["[]string", (value) => Array.isArray(value) && value.every((one) => typeof one === "string")],
    gracePeriodSeconds: ["int64", Number.isSafeInteger],
    propagationPolicy: ["v1.DeletionPropagation", (value) => typeof value === "string"],
    orphanDependents: ["bool", (value) => typeof value === "boolean"],
    preconditions: [
      "v1.Preconditions",
      (value) =>
        isRecord(value) &&
        ["uid", "resourceVersion"].every((field) => typeof (value[field] ?? "") === "string"),
    ],
  };

/**
 * An option of the wrong type is refused and not passed over: it may be the one that was to keep the object.
 * @throws ApiError 400
 */
function checkDeleteBody(body: Record<string, unknown>): void {
  const { kind } = body;
  if (kind !== undefined && kind !== "DeleteOptions")
    throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version "meta.k8s.io/v1"`);
  for (const [field, [goType, fits]] of Object.entries(DELETE_FIELDS)) {
    const value = body[field];
    if (value === undefined || value === null || fits(value)) continue;
    const found = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    throw badRequest(
      `json: cannot unmarshal ${found} into Go struct field DeleteOptions.${field} of type ${goType}`,
    );
  }
}

/** The body after {@link checkDeleteBody}. */
interface DeleteBody {
  dryRun?: readonly string[] | null;
  propagationPolicy?: string | null;
  orphanDependents?: boolean | null;
  preconditions?: { uid?: string | null; resourceVersion?: string | null } | null;
}

/**
 * Options of a delete, from the body where there is one, else from the query.
 * @param body undefined when the request has none
 * @throws ApiError 400, 422
 */
export function parseDeleteOptions(query: URLSearchParams, body: unknown): DeleteOptions {
  if (body !== undefined && !isRecord(body))
    throw badRequest("the body of a delete must be a DeleteOptions object");
  checkDeleteBody(body ?? {});
  const given = (body ?? {}) as DeleteBody;
  const dryRun = [...query.getAll("dryRun").filter((value) => value !== ""), ...(given.dryRun ?? [])];
  const policy = given.propagationPolicy ?? query.get("propagationPolicy") ?? undefined;
  const orphan = given.orphanDependents ?? flag(query, "orphanDependents");
  const causes = dryRunCauses(dryRun);
  if (orphan !== undefined && policy !== undefined) {
    const message = `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`;
    causes.push({ reason: "FieldValueInvalid", message, field: "propagationPolicy" });
  }
  const known = POLICIES.find((name) => name === policy);
  if (policy !== undefined && known === undefined) {
    causes.push(unsupported("propagationPolicy", JSON.stringify(policy), [...POLICIES, "nil"]));
  }
  if (causes.length > 0) throw invalidOptions("DeleteOptions", causes);
  const orphanPolicy = orphan === undefined ? undefined : orphan ? "Orphan" : "Background";
  const propagationPolicy = known ?? orphanPolicy;
  const { uid, resourceVersion } = given.preconditions ?? {};
  return {
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(dryRun.length === 0 ? {} : { dryRun: true }),
    ...(given.preconditions === undefined || given.preconditions === null
      ? {}
      : {
          preconditions: {
            ...(typeof uid === "string" ? { uid } : {}),
            ...(typeof resourceVersion === "string" ? { resourceVersion } : {}),
          },
        }),
  };
}
