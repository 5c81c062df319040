/** Plain JSON values: compared, copied, told apart. */

/** Whether a value is an object with fields: not null, not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether two JSON values are equal. The order of fields does not count; a field that is undefined counts as absent. */
export function equalJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, index) => equalJson(item, right[index]))
    );
  }
  if (!isObject(left) || !isObject(right)) return false;
  let fields = 0;
  for (const key in left) {
    const value = left[key];
    if (value === undefined) continue;
    fields += 1;
    if (!Object.hasOwn(right, key) || !equalJson(value, right[key])) return false;
  }
  for (const key in right) if (right[key] !== undefined) fields -= 1;
  return fields === 0;
}

/** A value for a message. `String` would call a `toString` that came with it. */
export function shownJson(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "undefined");
}

/** A deep copy of a JSON value; fields that are undefined are left out. */
export function cloneJson<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item: unknown) => cloneJson(item)) as T;
  if (!isObject(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const field = value[key];
    if (field !== undefined) setField(copy, key, cloneJson(field));
  }
  return copy as T;
}

/** Sets a field, also one named `__proto__`, which plain assignment would take for the prototype. */
export function setField(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[key] = value;
  }
}
