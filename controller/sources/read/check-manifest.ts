/** Whether a parsed document is an object that a Source may apply, with every fault at its place in the file. */
import { kinds, schemaOf } from "../../../crds/index.ts";
import { API_VERSION, GROUP } from "../../../crds/kind.ts";
import type { KindDefinition } from "../../../crds/kind.ts";
import { isFields } from "../../../crds/schema/json.ts";
import type { Fields } from "../../../crds/schema/json.ts";
import { applyDefaults, pruneUnknownFields } from "../../../crds/schema/prepare.ts";
import { validateRules } from "../../../crds/schema/rules.ts";
import { blocksRules, validateStructure } from "../../../crds/schema/validate.ts";
import type { ParsedDocument } from "../../runtime/yaml/parse-documents.ts";
import type { KubernetesObject } from "../../store/resource-client.ts";
import { MAX_PROBLEMS } from "./limits.ts";
import type { Manifest, Problem } from "./manifest-types.ts";

/** What a Source applies, in the order of application: what is referred to comes first. */
export const SOURCE_KINDS: readonly string[] = Object.freeze([
  "Connection",
  "Project",
  "Environment",
  "Preview",
]);
/** Names the Source that applied an object. */
export const SOURCE_LABEL = `${GROUP}/source`;

const definitions: ReadonlyMap<string, KindDefinition> = new Map(
  kinds.filter(({ kind }) => SOURCE_KINDS.includes(kind)).map((kind) => [kind.kind, kind]),
);
const ROOT_FIELDS: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata", "spec", "status"]);
const METADATA_FIELDS: ReadonlySet<string> = new Set(["name", "namespace", "labels", "annotations"]);
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const KEY_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

/**
 * Checks one document against the kind it names: structure, cross-field rules, metadata.
 *
 * @returns the object, or everything that is wrong with it
 */
export function checkManifest(document: ParsedDocument): { manifest: Manifest } | { problems: Problem[] } {
  const problems: Problem[] = [];
  const refuse = (field: string, message: string): void => {
    // Looking for a place costs a walk through the document; nobody is told of more.
    if (problems.length > MAX_PROBLEMS) return;
    problems.push({ ...document.locate(field), ...(field === "" ? {} : { field }), message });
  };
  const { value } = document;
  if (!isFields(value)) {
    refuse(
      "",
      `a manifest is a mapping with apiVersion, kind, metadata and spec; this is ${describe(value)}`,
    );
    return { problems };
  }
  const definition = kindOf(value, refuse);
  if (definition === undefined) return { problems };
  checkMetadata(value["metadata"], refuse);
  if (isFields(value["status"]) || Array.isArray(value["status"])) {
    refuse("status", "status is written by the controller; remove it");
  }
  for (const { field, message } of specFaults(value, definition)) refuse(field, message);
  if (problems.length > 0) return { problems };
  const object = manifestObject(value);
  const namespaced = object.metadata.namespace !== undefined;
  return {
    manifest: {
      object,
      line: document.place.line,
      ...(namespaced ? { namespacePlace: document.locate("metadata.namespace") } : {}),
    },
  };
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return value === null ? "empty" : `a ${typeof value}`;
}

type Refuse = (field: string, message: string) => void;

function kindOf(value: Fields, refuse: Refuse): KindDefinition | undefined {
  const { apiVersion, kind } = value;
  if (typeof kind !== "string" || kind === "") {
    refuse(
      "kind",
      `kind is missing; write one of ${SOURCE_KINDS.join(", ")}, or move the file out of the source's path`,
    );
    return undefined;
  }
  if (kind === "Secret") {
    refuse(
      "kind",
      "a Secret in plain text does not belong into a source; remove it from there and its history, make the credentials new, and create it with: kubectl create secret generic NAME --from-literal=KEY=VALUE",
    );
    return undefined;
  }
  if (kind === "Source") {
    refuse("kind", "a Source cannot apply Sources; create it with kubectl apply, or start with --source");
    return undefined;
  }
  const definition = definitions.get(kind);
  if (definition === undefined) {
    refuse(
      "kind",
      `kind ${JSON.stringify(kind)} is not applied by a Source, only ${SOURCE_KINDS.join(", ")}; remove the document`,
    );
    return undefined;
  }
  if (apiVersion !== API_VERSION) {
    const written =
      typeof apiVersion === "string"
        ? `${JSON.stringify(apiVersion)} is not served`
        : "apiVersion is missing";
    refuse("apiVersion", `${written}; write apiVersion: ${API_VERSION}`);
    return undefined;
  }
  return definition;
}

function checkMetadata(metadata: unknown, refuse: Refuse): void {
  if (!isFields(metadata)) {
    refuse("metadata", "metadata is missing; write metadata: {name: ...}");
    return;
  }
  for (const [key, value] of Object.entries(metadata)) {
    // `kubectl create --dry-run -o yaml` writes it.
    if (key === "creationTimestamp" && value === null) continue;
    if (!METADATA_FIELDS.has(key)) {
      refuse(`metadata.${key}`, `metadata.${key} does not belong into a source; remove it`);
    }
  }
  const { name, namespace } = metadata;
  if (typeof name !== "string" || name === "")
    refuse("metadata.name", "metadata.name is missing; write a name in quotes if it looks like a number");
  else if (name.length > 253 || !NAME.test(name)) {
    refuse(
      "metadata.name",
      `${JSON.stringify(name)} is not a name: use lower case letters, digits, '-' and '.', at most 253, beginning and ending with a letter or digit`,
    );
  }
  if (namespace !== undefined && (typeof namespace !== "string" || namespace === "")) {
    refuse(
      "metadata.namespace",
      "metadata.namespace must be text; remove it, the Source's own namespace is used",
    );
  }
  checkEntries("labels", metadata["labels"], refuse);
  checkEntries("annotations", metadata["annotations"], refuse);
}

function checkEntries(what: "labels" | "annotations", entries: unknown, refuse: Refuse): void {
  const at = `metadata.${what}`;
  if (entries === undefined || entries === null) return;
  if (!isFields(entries)) {
    refuse(at, `${at} must be a mapping of text to text`);
    return;
  }
  for (const [key, value] of Object.entries(entries)) {
    const field = `${at}.${key}`;
    const parts = key.split("/");
    const name = parts.at(-1) ?? "";
    const prefix = parts.length === 2 ? parts[0] : undefined;
    const valid =
      parts.length <= 2 &&
      name.length <= 63 &&
      KEY_NAME.test(name) &&
      (prefix === undefined || (prefix.length <= 253 && NAME.test(prefix.toLowerCase())));
    if (!valid)
      refuse(
        field,
        `${JSON.stringify(key)} is not a key: an optional DNS prefix and '/', then at most 63 letters, digits, '-', '_' or '.'`,
      );
    else if (typeof value !== "string")
      refuse(field, `the value of ${JSON.stringify(key)} must be text; put it in quotes`);
    else if (what === "labels" && (value.length > 63 || !LABEL_VALUE.test(value))) {
      refuse(
        field,
        `${JSON.stringify(value)} is not a label value: at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit`,
      );
    } else if (key === SOURCE_LABEL) refuse(field, `${SOURCE_LABEL} is set by the Source itself; remove it`);
  }
}

/** What the API would refuse in the spec, unknown fields included. Works on a copy: defaults are the API's to set. */
function specFaults(value: Fields, definition: KindDefinition): { field: string; message: string }[] {
  const schema = schemaOf(definition);
  const { status: _, ...written } = value;
  const copy = structuredClone(written);
  const faults: { field: string; message: string }[] = [];
  for (const key of Object.keys(copy)) {
    if (!ROOT_FIELDS.has(key))
      faults.push({
        field: key,
        message: `unknown field ${JSON.stringify(key)}; remove it or correct its name`,
      });
  }
  for (const field of pruneUnknownFields(copy, schema)) {
    if (Object.hasOwn(written, field) && !ROOT_FIELDS.has(field)) continue;
    faults.push({
      field,
      message: `unknown field ${JSON.stringify(field)}; remove it or correct its name (kubectl explain ${definition.singular}.spec lists the fields)`,
    });
  }
  applyDefaults(copy, schema);
  const causes = validateStructure(copy, schema);
  if (!blocksRules(causes)) causes.push(...validateRules(definition.rules, schema, copy, undefined));
  for (const { field, message } of causes) {
    const at = field === "<nil>" ? "" : field;
    faults.push({ field: at, message: message.includes(at) && at !== "" ? message : `${at}: ${message}` });
  }
  return faults;
}

/** The object as it is sent: what is null is as good as not written. */
function manifestObject(value: Fields): KubernetesObject {
  const metadata = value["metadata"] as Fields;
  const entries = (written: unknown): Record<string, string> | undefined =>
    isFields(written) ? (written as Record<string, string>) : undefined;
  const labels = entries(metadata["labels"]);
  const annotations = entries(metadata["annotations"]);
  const namespace = metadata["namespace"] as string | undefined;
  return {
    apiVersion: API_VERSION,
    kind: value["kind"] as string,
    metadata: {
      name: metadata["name"] as string,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    ...(value["spec"] === undefined || value["spec"] === null ? {} : { spec: value["spec"] }),
  };
}
