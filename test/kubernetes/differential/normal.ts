/** Answers without what each server makes up: uids, versions, times, generated names, the order of Go's maps. */
import type { Answer } from "./exchange.ts";

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const GENERATED = /\bmade-[a-z0-9]{5}\b/g;
const TIMES = new Set(["creationTimestamp", "deletionTimestamp", "time"]);
const AGE = /^(\d+[smhdy])+$/;

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string => JSON.stringify(value) ?? "";

/** One server's answers in the course of a sequence: the same uid or version gets the same number each time. */
export class Normalizer {
  readonly #uids = new Map<string, number>();
  readonly #versions = new Map<string, number>();

  answer({ code, headers, body }: Answer): Answer {
    const warnings = (headers["warning"] ?? "").split(/, (?=299 )/).toSorted();
    return { code, headers: { ...headers, warning: this.#text(warnings.join(", ")) }, body: this.body(body) };
  }

  body(body: unknown): unknown {
    return this.#value(isFields(body) && body["kind"] === "Status" ? plainStatus(body) : body, "", "");
  }

  /** The versions in the order in which they were first seen. */
  versions(): number[] {
    return [...this.#versions.keys()].map(Number);
  }

  #number(numbers: Map<string, number>, value: string): number {
    const known = numbers.get(value) ?? numbers.size + 1;
    numbers.set(value, known);
    return known;
  }

  #text(value: string): string {
    return (
      value
        .replace(UUID, (uid) => `<uid ${this.#number(this.#uids, uid)}>`)
        .replace(GENERATED, "made-<generated>")
        .replace(/("<secret contents redacted>": ).*/, "$1<why it is no JSON>")
        // Where kube-apiserver stores the object.
        .replace(
          /StorageError: invalid object, Code: 4, Key: \S+, ResourceVersion: 0, AdditionalErrorMsg: /,
          "",
        )
        .replace(
          /(ResourceVersion in the \w+ \(|ResourceVersion in record \()(\d+)/g,
          (_, words: string, version: string) => `${words}<version ${this.#number(this.#versions, version)}>`,
        )
    );
  }

  #value(value: unknown, key: string, parent: string): unknown {
    if (typeof value === "string") {
      if (key === "resourceVersion" && /^\d+$/.test(value))
        return `<version ${this.#number(this.#versions, value)}>`;
      if (TIMES.has(key) && (parent === "metadata" || parent === "managedFields")) return "<time>";
      if (parent === "cells" && AGE.test(value)) return "<age>";
      return this.#text(value);
    }
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#value(item, "", key));
      return key === "managedFields" ? items.toSorted((a, b) => (text(a) < text(b) ? -1 : 1)) : items;
    }
    if (!isFields(value)) return value;
    const isList = /(List|Table)$/.test(String(value["kind"]));
    const entries = Object.keys(value)
      .toSorted()
      .map((name): [string, unknown] => {
        // The revision of a list moves with everything else that goes on at the server.
        // No items are no items.
        if (isList && name === "items" && value[name] === null) return [name, []];
        if (isList && name === "metadata" && isFields(value[name])) return [name, listMetadata(value[name])];
        return [name, this.#value(value[name], name, key === "" ? parent : key)];
      });
    // Items of built-in types say what they are only in lists of the embedded API.
    const isItem =
      parent === "items" && isFields(value["metadata"]) && value["apiVersion"] !== "flaresmith.dev/v1alpha1";
    if (isItem)
      return Object.fromEntries(entries.filter(([name]) => name !== "apiVersion" && name !== "kind"));
    // Words of each server.
    return Object.fromEntries(
      parent === "columnDefinitions" ? entries.filter(([name]) => name !== "description") : entries,
    );
  }
}

function listMetadata(metadata: Fields): Fields {
  return {
    ...metadata,
    ...(metadata["resourceVersion"] === undefined ? {} : { resourceVersion: "<revision>" }),
    ...(metadata["continue"] === undefined ? {} : { continue: "<continue>" }),
  };
}

/** CEL that cannot be evaluated says so before the rule's message; the twin of the rule gives the message alone. */
function withoutEvaluation(cause: unknown): unknown {
  if (!isFields(cause) || typeof cause["message"] !== "string") return cause;
  const message = cause["message"].replace(
    /^Invalid value: "(?:object|string)": .* evaluating rule: /,
    "Invalid value: ",
  );
  return { ...cause, message };
}

/**
 * A Status without what is not meant: details without content, the same cause several times, and the order of causes (Go
 * walks maps in any order), in which the message repeats them.
 */
function plainStatus(status: Fields): Fields {
  const { details, ...rest } = status;
  if (!isFields(details) || Object.keys(details).length === 0) return rest;
  if (!Array.isArray(details["causes"])) return status;
  const causes = new Map(
    (details["causes"] as unknown[]).map((cause) => [
      text(withoutEvaluation(cause)),
      withoutEvaluation(cause),
    ]),
  );
  const sorted = [...causes].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, cause]) => cause);
  const message = String(status["message"]);
  const [first] = sorted;
  return {
    ...rest,
    details: { ...details, causes: sorted },
    message:
      sorted.length > 1 || !isFields(first)
        ? message.replace(/: \[.*\]$/s, ": […]")
        : message.replace(
            /is invalid: .*$/s,
            `is invalid: ${String(first["field"])}: ${String(first["message"])}`,
          ),
  };
}

/** Whether two lists of versions, paired by position, agree in order and equality. */
export function sameOrder(left: readonly number[], right: readonly number[]): boolean {
  if (left.length !== right.length) return false;
  const order = left.map((_, index) => index).toSorted((a, b) => (left[a] ?? 0) - (left[b] ?? 0));
  return order.every((at, index) => index === 0 || (right[order[index - 1] ?? 0] ?? 0) < (right[at] ?? 0));
}
