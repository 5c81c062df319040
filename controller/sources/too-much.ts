import { FlaresmithError } from "../runtime/errors.ts";

/** The error of a source that is larger than one Source may be. @param message which limit it passes, e.g. `there are …` */
export function tooMuch(message: string): FlaresmithError {
  return new FlaresmithError({
    code: "SOURCE_NOT_READABLE",
    field: "spec.path",
    message,
    hint: "Name a narrower folder in spec.path, or divide the tree among several Sources.",
  });
}
