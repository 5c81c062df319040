/** Answers in a form in which two servers can be compared: without what each makes up (uids, versions, times). */

export interface Answer {
  code: number;
  reason?: string;
  /** Left out when several causes make it up, whose order is free. */
  message?: string;
  causes?: string[];
  object?: unknown;
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** @param versions seen before, so that equal versions get equal numbers */
export function normalObject(object: Record<string, unknown>, versions: Map<string, number>): unknown {
  const metadata: Record<string, unknown> = { ...(object["metadata"] as Record<string, unknown>) };
  for (const field of ["uid", "creationTimestamp", "deletionTimestamp"])
    if (metadata[field] !== undefined) metadata[field] = `<${field}>`;
  const version = metadata["resourceVersion"];
  if (typeof version === "string") {
    if (!versions.has(version)) versions.set(version, versions.size + 1);
    metadata["resourceVersion"] = versions.get(version);
  }
  if (Array.isArray(metadata["managedFields"])) {
    metadata["managedFields"] = (metadata["managedFields"] as Record<string, unknown>[])
      .map((entry) => ({ ...entry, time: undefined }))
      .toSorted((left, right) => (JSON.stringify(sorted(left)) < JSON.stringify(sorted(right)) ? -1 : 1));
  }
  return sorted({ ...object, metadata });
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sorted(value[key])]),
  );
}

/** CEL that cannot be evaluated says so before the rule's message; the twin of the rule gives the message alone. */
function withoutEvaluation(message: string): string {
  return message.replace(/^Invalid value: "(?:object|string)": .* evaluating rule: /, "Invalid value: ");
}

/** An error as an answer: causes without duplicates and in order, ids made up by the server blanked. */
export function normalError(error: {
  code: number;
  reason?: string | undefined;
  message: string;
  causes: readonly { reason?: string; message?: string; field?: string | undefined }[];
}): Answer {
  const causes = [
    ...new Set(
      error.causes.map(
        (cause) => `${cause.reason ?? ""} ${cause.field ?? ""} ${withoutEvaluation(cause.message ?? "")}`,
      ),
    ),
  ].toSorted();
  const blank = (text: string): string =>
    text
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uid>")
      // Where kube-apiserver stores the object.
      .replace(
        /StorageError: invalid object, Code: 4, Key: \S+, ResourceVersion: 0, AdditionalErrorMsg: /,
        "",
      );
  return {
    code: error.code,
    ...(error.reason === undefined || error.reason === "" ? {} : { reason: error.reason }),
    ...(causes.length > 1 ? {} : { message: blank(error.message) }),
    ...(causes.length === 0 ? {} : { causes }),
  };
}
