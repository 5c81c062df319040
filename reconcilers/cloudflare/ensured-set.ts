/**
 * Sets that lie in a Worker: routes, domains, schedules. Each is one resource whose entries are written one by one; what
 * we wrote is remembered, so that only that is taken away.
 */
import type { WriteResult } from "../engine/resource.ts";

/** One write of a set. It changes what is remembered, by key, once it succeeded. */
export interface SetOperation {
  run(remember: Map<string, string>): Promise<void>;
}

/**
 * Carries out every operation, so that one that is refused does not hold up the others.
 *
 * @param options `data`: what was remembered so far; `id`: id of the set
 * @returns what is remembered now; pending when some operations failed, whose errors come up again in the next pass
 * @throws whatever the first operation threw, when none succeeded: then there is nothing new to remember
 */
export async function applyOperations(
  operations: readonly SetOperation[],
  options: { id: string; data: Readonly<Record<string, string>> | undefined },
): Promise<WriteResult<never>> {
  const remembered = new Map(Object.entries(options.data ?? {}));
  const failures: unknown[] = [];
  for (const operation of operations) {
    try {
      await operation.run(remembered);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0 && failures.length === operations.length) throw failures[0];
  const result = { id: options.id, data: Object.fromEntries(remembered) };
  return failures.length === 0
    ? result
    : {
        ...result,
        pending: `${failures.length} of ${operations.length} changes were refused and are tried again`,
      };
}

/** What is remembered under a prefix, by the rest of the key. */
export function rememberedUnder(
  data: Readonly<Record<string, string>> | undefined,
  prefix: string,
): Map<string, string> {
  return new Map(
    Object.entries(data ?? {}).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [],
    ),
  );
}
