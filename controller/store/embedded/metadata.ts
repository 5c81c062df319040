/** Rules of metadata for every type (apimachinery `api/validation/objectmeta.go`), with its texts. */
import type { ObjectMeta, StatusCause } from "../resource-client.ts";
import type { TypeDefinition } from "./type-definition.ts";

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

/** What is wrong with a DNS-1123 subdomain; empty when nothing. Kubernetes counts in two words for the same. */
function subdomainErrors(value: string, unit: "characters" | "bytes" = "characters"): string[] {
  const errors: string[] = [];
  if (Buffer.byteLength(value) > 253) errors.push(`must be no more than 253 ${unit}`);
  if (!SUBDOMAIN.test(value)) errors.push(SUBDOMAIN_TEXT);
  return errors;
}

function labelErrors(value: string): string[] {
  const errors: string[] = [];
  if (Buffer.byteLength(value) > 63) errors.push("must be no more than 63 characters");
  if (!LABEL.test(value)) errors.push(SUBDOMAIN.test(value) ? "must not contain dots" : LABEL_TEXT);
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
    else errors.push(...subdomainErrors(prefix, "bytes").map((text) => `prefix part ${text}`));
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

/** What is wrong with a name that only has to fit into a URL; empty when nothing. */
function pathSegmentErrors(value: string): string[] {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  return ["/", "%"].filter((character) => value.includes(character)).map((one) => `may not contain '${one}'`);
}

/** Finalizers of Kubernetes itself, which need no prefix. */
const STANDARD_FINALIZERS = ["kubernetes", "orphan", "foregroundDeletion"];

/** Whether a finalizer says neither whose it is nor is one of Kubernetes. */
function isUnqualified(finalizer: string): boolean {
  return !finalizer.includes("/") && !STANDARD_FINALIZERS.includes(finalizer);
}

/** Warnings about finalizers that an object did not have before: custom resources may have any, and are told. */
export function finalizerWarnings(metadata: ObjectMeta, old: ObjectMeta | undefined): string[] {
  return [...new Set(metadata.finalizers)]
    .filter((name) => isUnqualified(name) && old?.finalizers?.includes(name) !== true)
    .toSorted()
    .map(
      (name) =>
        `metadata.finalizers: ${JSON.stringify(name)}: prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers`,
    );
}

/** Everything wrong with the metadata of an object. Namespaces themselves have the narrower names of DNS labels. */
export function validateMetadata(definition: TypeDefinition, metadata: ObjectMeta): StatusCause[] {
  const causes: StatusCause[] = [];
  const { type } = definition;
  const isNamespace = type.kind === "Namespace" && type.group === "";
  const nameErrors =
    definition.anyName === true ? pathSegmentErrors : isNamespace ? labelErrors : subdomainErrors;
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
  if (["orphan", "foregroundDeletion"].every((name) => metadata.finalizers?.includes(name) === true)) {
    const text = "finalizer orphan and foregroundDeletion cannot be both set";
    causes.push(invalidValue("metadata.finalizers", metadata.finalizers, text));
  }
  if (definition.builtIn === true && type.group === "" && definition.anyName !== true) {
    for (const [index, finalizer] of (metadata.finalizers ?? []).entries()) {
      if (!isUnqualified(finalizer)) continue;
      const text = "name is neither a standard finalizer name nor is it fully qualified";
      causes.push(invalidValue(`metadata.finalizers[${index}]`, finalizer, text));
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
  for (const field of ["uid", "deletionTimestamp", "deletionGracePeriodSeconds"] as const) {
    if (metadata[field] !== old[field])
      causes.push(invalidValue(`metadata.${field}`, metadata[field], "field is immutable"));
  }
  return causes;
}
