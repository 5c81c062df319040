/** Query parameters of requests, checked as kube-apiserver checks them (apimachinery `meta/v1/validation`). */
import type { ListOptions, StatusCause } from "../store/resource-client.ts";
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

/** A value that is none of those that are known. */
export function unsupported(field: string, value: string, supported: readonly string[]): StatusCause {
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
export function flag(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  return value === null ? undefined : value !== "false" && value !== "0";
}

/** Go's reading of an integer parameter. @throws ApiError 400 */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === "") return undefined;
  const wrong = (why: string): Error =>
    badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: ${why}`);
  if (!/^[+-]?\d+$/.test(value)) throw wrong("invalid syntax");
  const number = Number(value);
  if (number >= 2 ** 63 || number < -(2 ** 63)) throw wrong("value out of range");
  return number;
}

/** Only `All` can be tried out. */
export function dryRunCauses(values: readonly string[]): StatusCause[] {
  if (values.every((value) => value === "All")) return [];
  return [unsupported("dryRun", JSON.stringify(values).replaceAll(",", ", "), ["All"])];
}

function unprintable(manager: string, found: RegExpExecArray): StatusCause {
  const code = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const position = Buffer.byteLength(manager.slice(0, found.index));
  return {
    reason: "FieldValueInvalid",
    message: `Invalid value: ${JSON.stringify(manager)}: invalid character U+${code} (at position ${position})`,
    field: "fieldManager",
  };
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
  const dryRun = query.getAll("dryRun");
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
  } else {
    const found = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.exec(manager);
    if (found !== null) causes.push(unprintable(manager, found));
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

/** The resourceVersion that is asked for. @throws ApiError 400 for what is no number */
export function parseVersion(query: URLSearchParams): string | undefined {
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

interface ListedOptions {
  version: string | undefined;
  match: string;
  initial: boolean | undefined;
  continued: boolean;
}

/** apimachinery `internalversion/validation.ValidateListOptions`. */
function listCauses({ version, match, initial, continued }: ListedOptions): StatusCause[] {
  const field = "resourceVersionMatch";
  const causes: StatusCause[] = [];
  if (match !== "") {
    if (version === undefined)
      causes.push(forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    if (continued)
      causes.push(forbidden(field, "resourceVersionMatch is forbidden when continue is provided"));
    if (match !== "Exact" && match !== "NotOlderThan")
      causes.push(unsupported(field, JSON.stringify(match), ["Exact", "NotOlderThan", ""]));
    if (match === "Exact" && version === "0")
      causes.push(forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (initial !== undefined)
    causes.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  return causes;
}

function watchCauses({ match, initial, continued }: ListedOptions): StatusCause[] {
  const field = "resourceVersionMatch";
  const causes: StatusCause[] = [];
  if (initial !== undefined && match !== "NotOlderThan")
    causes.push(forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  if (match === "") return causes;
  if (initial === undefined) {
    causes.push(
      forbidden(field, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
    );
  }
  if (match !== "NotOlderThan") causes.push(unsupported(field, JSON.stringify(match), ["NotOlderThan"]));
  if (continued) causes.push(forbidden(field, "resourceVersionMatch is forbidden when continue is provided"));
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
  const listed = { version, match, initial, continued: continued !== "" };
  const causes = watch ? watchCauses(listed) : listCauses(listed);
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
