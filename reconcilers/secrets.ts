/** Secret values that objects refer to, read once for each pass. */
import { FlaresmithError } from "../controller/runtime/errors.ts";
import type { SecretValue } from "../controller/runtime/secret-value.ts";
import type { ObjectReader } from "./objects.ts";

/** A value, or why there is none: the error is raised only by what needs the value (law 7). */
export type ResolvedSecret = SecretValue | FlaresmithError;

/** Reads a key of a Secret; the plaintext is registered for redaction before anyone can print it. */
export async function readSecret(options: {
  reader: ObjectReader;
  namespace: string;
  reference: { name: string; key: string };
  /** Path of the reference in the spec, for messages. */
  field: string;
  make: (plaintext: string) => SecretValue;
  signal: AbortSignal;
}): Promise<ResolvedSecret> {
  const { field, make, namespace, reader, reference, signal } = options;
  const data = await reader.secret({ namespace, name: reference.name }, signal);
  if (!data) {
    return new FlaresmithError({
      code: "SPEC_SECRET_MISSING",
      message: `Secret ${reference.name} does not exist in namespace ${namespace}`,
      field,
      hint: `Create it: kubectl create secret generic ${reference.name} -n ${namespace} --from-literal=${reference.key}=...`,
    });
  }
  // A Secret has no key `constructor` because every object has.
  const value = Object.hasOwn(data, reference.key) ? data[reference.key] : undefined;
  if (value === undefined) {
    return new FlaresmithError({
      code: "SPEC_SECRET_KEY_MISSING",
      message: `Secret ${reference.name} in namespace ${namespace} has no key ${reference.key}`,
      field,
      hint: `Its keys are ${Object.keys(data).sort().join(", ") || "none"}.`,
    });
  }
  return make(value);
}

/** The value, or the error thrown. */
export function revealed(secret: ResolvedSecret): SecretValue {
  if (secret instanceof FlaresmithError) throw secret;
  return secret;
}
