/** What people ask for and consent to, by annotation. */
import type { ReconciledObject } from "./kind.ts";
import type { Consents } from "./pass.ts";

/** Any token that was not answered yet asks for a deep pass past every cache. */
export const REQUEST_ANNOTATION = "flaresmith.dev/reconcile-requested-at";

function splitList(text: string | undefined): ReadonlySet<string> {
  return new Set(
    (text ?? "")
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== ""),
  );
}

/** What people decided, from the object's annotations. */
export function consentsOf(object: ReconciledObject): Consents {
  const annotations = object.metadata.annotations ?? {};
  return {
    adopt: splitList(annotations["flaresmith.dev/adopt"]),
    confirm: splitList(annotations["flaresmith.dev/confirm"]),
    gone: splitList(annotations["flaresmith.dev/confirm-gone"]),
  };
}

/** The token that asks for a pass; undefined when none was ever set. */
export function requestOf(object: ReconciledObject): string | undefined {
  return object.metadata.annotations?.[REQUEST_ANNOTATION];
}
