/**
 * Ownership of fields that people set with kubectl passes to the Source, so that removing them from the source removes them.
 * The rules are Flux's: `kubectl apply` and `kubectl edit` are undone, other managers keep what they set.
 *
 * @see https://github.com/kubernetes/client-go/blob/master/util/csaupgrade/upgrade.go
 */
import { GROUP } from "../../crds/kind.ts";
import type { KubernetesObject, ManagedFieldsEntry } from "../store/resource-client.ts";
import { FIELD_MANAGER } from "./source-object.ts";

const TAKEN_OVER: ReadonlySet<string> = new Set(["kubectl-client-side-apply", "kubectl-edit"]);

type FieldSet = Record<string, unknown>;

const isSet = (value: unknown): value is FieldSet =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The object's managed fields with kubectl's moved to the Source's manager. Annotations of ours stay with whoever set them:
 * they are requests and consents of a person.
 *
 * @returns undefined when there is nothing to take over
 */
export function takenOver(object: KubernetesObject): ManagedFieldsEntry[] | undefined {
  const entries = object.metadata.managedFields ?? [];
  const theirs = entries.filter(isTheirs);
  if (theirs.length === 0) return undefined;
  const ours = entries.find(
    (entry) =>
      entry.manager === FIELD_MANAGER && entry.operation === "Apply" && (entry.subresource ?? "") === "",
  );
  let fields: FieldSet = isSet(ours?.fieldsV1) ? ours.fieldsV1 : {};
  const left: ManagedFieldsEntry[] = [];
  let moved = false;
  for (const entry of theirs) {
    const { taken, kept } = divide(entry.fieldsV1);
    if (Object.keys(taken).length > 0) moved = true;
    fields = union(fields, taken);
    if (Object.keys(kept).length > 0) left.push({ ...entry, fieldsV1: kept });
  }
  if (!moved) return undefined;
  const others = entries.filter((entry) => entry !== ours && !isTheirs(entry));
  const apiVersion = ours?.apiVersion ?? object.apiVersion;
  const base = ours ?? { manager: FIELD_MANAGER, operation: "Apply", apiVersion, fieldsType: "FieldsV1" };
  return [{ ...base, fieldsV1: fields }, ...others, ...left];
}

function isTheirs(entry: ManagedFieldsEntry): boolean {
  return entry.operation === "Update" && TAKEN_OVER.has(entry.manager) && (entry.subresource ?? "") === "";
}

/** Separates our annotations from everything else. */
function divide(fields: FieldSet): { taken: FieldSet; kept: FieldSet } {
  const metadata = fields["f:metadata"];
  const annotations = isSet(metadata) ? metadata["f:annotations"] : undefined;
  if (!isSet(metadata) || !isSet(annotations)) return { taken: fields, kept: {} };
  const kept = Object.fromEntries(
    Object.entries(annotations).filter(([name]) => name.startsWith(`f:${GROUP}/`)),
  );
  if (Object.keys(kept).length === 0) return { taken: fields, kept: {} };
  const rest = Object.entries(annotations).filter(([name]) => !Object.hasOwn(kept, name));
  // "." alone stands for the map itself, which holds ours too.
  const restFields = rest.filter(([name]) => name !== ".");
  const { "f:annotations": _, ...otherMetadata } = metadata;
  const takenMetadata =
    restFields.length === 0
      ? otherMetadata
      : { ...otherMetadata, "f:annotations": Object.fromEntries(restFields) };
  const { "f:metadata": __, ...otherFields } = fields;
  return {
    taken:
      Object.keys(takenMetadata).length === 0 ? otherFields : { ...otherFields, "f:metadata": takenMetadata },
    kept: { "f:metadata": { "f:annotations": kept } },
  };
}

/** The union of two field sets in FieldsV1 form. */
function union(left: FieldSet, right: FieldSet): FieldSet {
  const result: FieldSet = { ...left };
  for (const [name, below] of Object.entries(right)) {
    const mine = result[name];
    result[name] = isSet(mine) && isSet(below) ? union(mine, below) : below;
  }
  return result;
}
