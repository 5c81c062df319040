/** Bindings of an upload: what the spec wants, what is kept for others, and how they differ from what was found. */
import { z } from "zod";
import type { SecretValue } from "../../controller/runtime/secret-value.ts";
import type { FieldChange } from "../engine/resource.ts";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { Bundle, ObservedBinding, WorkerBinding } from "./types.ts";

/** What ends up as bindings of a Worker or preview. */
export interface BindingsDesired {
  bundle: Bundle;
  vars: Readonly<Record<string, string>>;
  secrets: Readonly<Record<string, SecretValue>>;
  bindings: readonly WorkerBinding[];
}

/** As Cloudflare's upload takes it. */
export type UploadBinding = Readonly<Record<string, unknown>> & { name: string; type: string };

export const bindingSchema = z.looseObject({ name: z.string(), type: z.string() });

const targetField: Readonly<Record<WorkerBinding["type"], string>> = Object.freeze({
  kv_namespace: "namespace_id",
  r2_bucket: "bucket_name",
  service: "service",
});

/** Cloudflare's limit for the text of a variable or secret, in bytes (docs, "Workers limits"). */
const TEXT_LIMIT = 5 * 1024;

/**
 * @throws FlaresmithError SPEC_INVALID when two of them share a name, or a value is too large
 */
export function desiredBindings(desired: BindingsDesired): UploadBinding[] {
  const { bundle } = desired;
  const assets = bundle.assets?.binding;
  const bindings: UploadBinding[] = [
    ...Object.entries(desired.vars).map(([name, text]) => ({ name, type: "plain_text", text })),
    ...Object.entries(desired.secrets).map(([name, secret]) => ({
      name,
      type: "secret_text",
      text: secret.reveal(),
    })),
    ...desired.bindings.map(({ name, type, target }) => ({ name, type, [targetField[type]]: target })),
    ...(assets === undefined ? [] : [{ name: assets, type: "assets" }]),
  ];
  const seen = new Map<string, string>();
  for (const binding of bindings) {
    const other = seen.get(binding.name);
    if (other !== undefined) {
      throw new FlaresmithError({
        code: "SPEC_INVALID",
        message: `the name ${binding.name} is used for a ${other} and a ${binding.type} binding`,
        hint: "Give vars, secrets, bindings and the assets binding of a Worker different names.",
        context: { provider: "cloudflare" },
      });
    }
    seen.set(binding.name, binding.type);
    const text = "text" in binding ? binding["text"] : undefined;
    if (typeof text === "string" && Buffer.byteLength(text) > TEXT_LIMIT) {
      throw new FlaresmithError({
        code: "SPEC_INVALID",
        message: `the value of ${binding.name} has more than ${TEXT_LIMIT} bytes`,
        hint: "Put large values into KV, R2 or the bundle.",
        context: { provider: "cloudflare" },
      });
    }
  }
  return bindings.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** A binding of the API, reduced to what is compared. */
export function observedBinding(binding: z.output<typeof bindingSchema>): ObservedBinding {
  const fields: Readonly<Record<string, string>> = { ...targetField, plain_text: "text" };
  const field = fields[binding.type];
  const value = field === undefined ? undefined : binding[field];
  return { name: binding.name, type: binding.type, value: typeof value === "string" ? value : undefined };
}

/**
 * Bindings that stay although the spec does not know them: those that neither the spec nor, by the inventory, we ever
 * wrote. They are sent as `inherit`.
 * @param written names that we wrote, as remembered
 */
export function foreignBindings(
  observed: readonly ObservedBinding[],
  desired: BindingsDesired,
  written: ReadonlySet<string>,
): ObservedBinding[] {
  const own = ownNames(desired);
  return observed.filter((binding) => !own.has(binding.name) && !written.has(binding.name));
}

/** Every binding name that the spec makes. */
export function ownNames(desired: BindingsDesired): Set<string> {
  const assets = desired.bundle.assets?.binding;
  return new Set([
    ...Object.keys(desired.vars),
    ...Object.keys(desired.secrets),
    ...desired.bindings.map((binding) => binding.name),
    ...(assets === undefined ? [] : [assets]),
  ]);
}

const shown = (binding: ObservedBinding | undefined): string | undefined =>
  binding && `${binding.type}${binding.value === undefined ? "" : ` ${binding.value}`}`;

/** Pure: differences between desired bindings and what was found; values of secrets are compared elsewhere. */
export function diffBindings(
  desired: BindingsDesired,
  observed: readonly ObservedBinding[],
  options: { written: ReadonlySet<string>; exclusive: boolean },
): FieldChange[] {
  const byName = new Map(observed.map((binding) => [binding.name, binding] as const));
  const changes: FieldChange[] = [];
  const expect = (field: string, name: string, type: string, value: string | undefined): void => {
    const found = byName.get(name);
    if (found?.type === type && (value === undefined || found.value === value)) return;
    const from = shown(found);
    const to = shown({ name, type, value });
    changes.push({
      field: `${field}.${name}`,
      effect: "in-place",
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    });
  };
  for (const [name, text] of Object.entries(desired.vars)) expect("vars", name, "plain_text", text);
  for (const name of Object.keys(desired.secrets)) expect("secrets", name, "secret_text", undefined);
  for (const binding of desired.bindings) expect("bindings", binding.name, binding.type, binding.target);
  if (desired.bundle.assets?.binding !== undefined)
    expect("assets", desired.bundle.assets.binding, "assets", undefined);
  const own = ownNames(desired);
  for (const binding of observed) {
    if (own.has(binding.name) || !(options.exclusive || options.written.has(binding.name))) continue;
    changes.push({ field: `bindings.${binding.name}`, effect: "in-place", from: shown(binding) ?? "" });
  }
  return changes.toSorted((a, b) => (a.field < b.field ? -1 : 1));
}
