/** Rules of metadata for every type (apimachinery `api/validation/objectmeta.go`), with its texts. */
import type { ObjectMeta, ResourceType, StatusCause } from "../resource-client.ts";
import { equalJson } from "../../runtime/json.ts";

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const TOTAL_ANNOTATIONS = 256 * 1024;

const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const NAME_PART_TEXT =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE_TEXT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function invalidValue(field: string, value: unknown, text: string): StatusCause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${text}`, field };
}

function required(field: string, text: string): StatusCause {
  return {
    reason: "FieldValueRequired",
    message: text === "" ? "Required value" : `Required value: ${text}`,
    field,
  };
}

/** What is wrong with a DNS-1123 subdomain; empty when nothing. */
function subdomainErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 253) errors.push("must be no more than 253 bytes");
  if (!SUBDOMAIN.test(value)) errors.push(SUBDOMAIN_TEXT);
  return errors;
}

function labelErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 63) errors.push("must be no more than 63 bytes");
  if (!LABEL.test(value)) errors.push(LABEL_TEXT);
  return errors;
}

/** What is wrong with a label or annotation key; empty when nothing. */
export function qualifiedNameErrors(key: string): string[] {
  const errors: string[] = [];
  const parts = key.split("/");
  let name = parts[0] ?? "";
  if (parts.length === 2) {
    const prefix = parts[0] ?? "";
    name = parts[1] ?? "";
    if (prefix === "") errors.push("prefix part must be non-empty");
    else errors.push(...subdomainErrors(prefix).map((text) => `prefix part ${text}`));
  } else if (parts.length > 2) {
    return [
      `a valid label key ${NAME_PART_TEXT.slice("name part ".length)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  if (name === "") errors.push("name part must be non-empty");
  else if (name.length > 63) errors.push("name part must be no more than 63 bytes");
  if (!QUALIFIED_NAME.test(name)) errors.push(NAME_PART_TEXT);
  return errors;
}

/** What is wrong with a label value; empty when nothing. */
export function labelValueErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 63) errors.push("must be no more than 63 bytes");
  if (!LABEL_VALUE.test(value)) errors.push(LABEL_VALUE_TEXT);
  return errors;
}

/** Everything wrong with the metadata of an object. Namespaces themselves have the narrower names of DNS labels. */
export function validateMetadata(type: ResourceType, metadata: ObjectMeta): StatusCause[] {
  const causes: StatusCause[] = [];
  const nameErrors = type.kind === "Namespace" && type.group === "" ? labelErrors : subdomainErrors;
  if (metadata.generateName !== undefined && metadata.generateName !== "") {
    for (const text of nameErrors(metadata.generateName.replace(/[-.]+$/, "a"))) {
      causes.push(invalidValue("metadata.generateName", metadata.generateName, text));
    }
  }
  if (metadata.name === undefined || metadata.name === "") {
    causes.push(required("metadata.name", "name or generateName is required"));
  } else {
    for (const text of nameErrors(metadata.name))
      causes.push(invalidValue("metadata.name", metadata.name, text));
  }
  if (type.namespaced && metadata.namespace !== undefined) {
    for (const text of labelErrors(metadata.namespace)) {
      causes.push(invalidValue("metadata.namespace", metadata.namespace, text));
    }
  }
  for (const [key, value] of Object.entries(metadata.labels ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    for (const text of qualifiedNameErrors(key)) causes.push(invalidValue("metadata.labels", key, text));
    for (const text of labelValueErrors(value)) causes.push(invalidValue("metadata.labels", value, text));
  }
  causes.push(...validateAnnotations(metadata.annotations ?? {}));
  causes.push(...validateOwners(metadata));
  for (const finalizer of metadata.finalizers ?? []) {
    for (const text of qualifiedNameErrors(finalizer)) {
      causes.push(invalidValue("metadata.finalizers", finalizer, text));
    }
  }
  return causes;
}

function validateAnnotations(annotations: Readonly<Record<string, string>>): StatusCause[] {
  const causes: StatusCause[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(annotations).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
    for (const text of qualifiedNameErrors(key.toLowerCase())) {
      causes.push(invalidValue("metadata.annotations", key, text));
    }
  }
  if (size > TOTAL_ANNOTATIONS) {
    causes.push({
      reason: "FieldValueTooLong",
      message: `Too long: may not be more than ${TOTAL_ANNOTATIONS} bytes`,
      field: "metadata.annotations",
    });
  }
  return causes;
}

function validateOwners(metadata: ObjectMeta): StatusCause[] {
  const causes: StatusCause[] = [];
  let controller: string | undefined;
  for (const [index, owner] of (metadata.ownerReferences ?? []).entries()) {
    const at = "metadata.ownerReferences";
    if ((owner.apiVersion ?? "") === "")
      causes.push(invalidValue(`${at}.apiVersion`, owner.apiVersion ?? "", "version must not be empty"));
    if ((owner.kind ?? "") === "")
      causes.push(invalidValue(`${at}.kind`, owner.kind ?? "", "must not be empty"));
    if ((owner.name ?? "") === "")
      causes.push(invalidValue(`${at}.name`, owner.name ?? "", "must not be empty"));
    if ((owner.uid ?? "") === "")
      causes.push(invalidValue(`${at}.uid`, owner.uid ?? "", "must not be empty"));
    if (owner.controller === true) {
      if (controller !== undefined) {
        causes.push(
          invalidValue(
            at,
            metadata.ownerReferences,
            `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${owner.kind}/${owner.name}`,
          ),
        );
      }
      controller = `${owner.kind}/${owner.name}`;
    }
    if (index > 10_000) break;
  }
  return causes;
}

/** What an update may not do to metadata. */
export function validateMetadataUpdate(metadata: ObjectMeta, old: ObjectMeta): StatusCause[] {
  const causes: StatusCause[] = [];
  if (old.deletionTimestamp !== undefined) {
    const before = new Set(old.finalizers);
    const added = (metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
    if (added.length > 0) {
      const names = added.map((name) => JSON.stringify(name)).join(", ");
      causes.push({
        reason: "FieldValueForbidden",
        message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${names}}`,
        field: "metadata.finalizers",
      });
    }
  }
  if (!equalJson(metadata.generateName, old.generateName)) {
    causes.push(invalidValue("metadata.generateName", metadata.generateName ?? "", "field is immutable"));
  }
  return causes;
}
