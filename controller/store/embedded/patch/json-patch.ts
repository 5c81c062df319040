/**
 * RFC 6902 JSON Patch, with what clients of Kubernetes rely on besides (evanphx/json-patch v4 in kube-apiserver): indices from
 * the end, `replace` of a field that is not there yet, `test` for null where there is no field.
 */
import { ApiError } from "../../resource-client.ts";
import { tooLarge } from "../errors.ts";
import { cloneJson, equalJson, isObject, setField, shownJson } from "../../../runtime/json.ts";

/** 422 as kube-apiserver answers when a patch does not fit the object. */
function unprocessable(message: string): ApiError {
  return new ApiError({
    code: 422,
    reason: "Invalid",
    message: `the server rejected our request due to an error in our request: ${message}`,
  });
}

/** Operations of one patch, and bytes that its copies may add: a few copies of copies would fill the memory. */
const MAX_OPERATIONS = 10_000;
const MAX_COPIED_BYTES = 3 * 1024 * 1024;

function segments(pointer: unknown): string[] {
  if (typeof pointer !== "string" || (pointer !== "" && !pointer.startsWith("/"))) {
    throw unprocessable(`${JSON.stringify(pointer)} is not a JSON pointer`);
  }
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function index(list: readonly unknown[], key: string, adding: boolean): number {
  if (adding && key === "-") return list.length;
  const length = list.length + (adding ? 1 : 0);
  const number = /^(0|-?[1-9][0-9]*)$/.test(key) ? Number(key) : Number.NaN;
  const position = number < 0 ? number + length : number;
  if (!(position >= 0 && position < length))
    throw unprocessable(`no element ${key} in a list of ${list.length}`);
  return position;
}

function read(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const key of path) {
    if (Array.isArray(value)) value = (value as unknown[])[index(value, key, false)];
    else if (isObject(value) && Object.hasOwn(value, key)) value = value[key];
    else throw unprocessable(`/${path.join("/")} does not exist`);
  }
  return value;
}

function change(
  root: unknown,
  path: readonly string[],
  operation: "add" | "remove" | "replace",
  value: unknown,
): unknown {
  if (path.length === 0) {
    if (operation === "remove") throw unprocessable("the whole object cannot be removed");
    return cloneJson(value);
  }
  const parent = read(root, path.slice(0, -1));
  const key = path.at(-1) ?? "";
  if (Array.isArray(parent)) {
    const at = index(parent, key, operation === "add");
    if (operation === "add") parent.splice(at, 0, cloneJson(value));
    else if (operation === "remove") parent.splice(at, 1);
    else parent[at] = cloneJson(value);
  } else if (isObject(parent)) {
    if (operation === "remove" && !Object.hasOwn(parent, key))
      throw unprocessable(`/${path.join("/")} does not exist`);
    if (operation === "remove") delete parent[key];
    else setField(parent, key, cloneJson(value));
  } else throw unprocessable(`/${path.join("/")} does not exist`);
  return root;
}

/** Whether a value stands at a path; a field that its parent does not have counts as null. */
function isThere(root: unknown, path: readonly string[], value: unknown): boolean {
  const parent = path.length === 0 ? undefined : read(root, path.slice(0, -1));
  const key = path.at(-1) ?? "";
  const present = isObject(parent) && !Object.hasOwn(parent, key) ? null : read(root, path);
  return equalJson(present, value ?? null);
}

/**
 * Applies the operations in order to a copy.
 * @throws ApiError 422 when one does not fit (a missing path, a failed test), naming it; 413 for too many operations
 */
export function jsonPatch(target: unknown, operations: readonly Record<string, unknown>[]): unknown {
  if (operations.length > MAX_OPERATIONS) {
    throw tooLarge(
      `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${operations.length}`,
    );
  }
  let copied = 0;
  let result = cloneJson(target);
  for (const operation of operations) {
    const path = segments(operation["path"]);
    const op = operation["op"];
    switch (op) {
      case "add":
      case "replace":
        // RFC 6902 asks for a value; kube-apiserver takes null for a missing one.
        result = change(result, path, op, operation["value"] ?? null);
        break;
      case "remove":
        result = change(result, path, "remove", undefined);
        break;
      case "move":
      case "copy": {
        const from = segments(operation["from"]);
        const value = cloneJson(read(result, from));
        if (op === "move") {
          if (from.length < path.length && from.every((part, position) => part === path[position])) {
            throw unprocessable("a value cannot be moved into itself");
          }
          result = change(result, from, "remove", undefined);
        } else {
          copied += Buffer.byteLength(JSON.stringify(value));
          if (copied > MAX_COPIED_BYTES) {
            const limit = `exceeding the limit ${MAX_COPIED_BYTES}`;
            throw unprocessable(
              `Unable to complete the copy, the accumulated size increase of copy is ${copied}, ${limit}`,
            );
          }
        }
        result = change(result, path, "add", value);
        break;
      }
      case "test":
        if (!isThere(result, path, operation["value"])) {
          throw unprocessable(`testing path ${shownJson(operation["path"])} failed`);
        }
        break;
      default:
        throw unprocessable(`unknown operation ${JSON.stringify(op)}`);
    }
  }
  return result;
}
