import { MAX_ERRORS } from "./read/limits.ts";
import type { SourceError } from "./read/manifest-types.ts";

/** What is wrong in a source: the first faults as they are, and how many more there were. */
export interface ErrorList {
  add(error: SourceError): void;
  /** At most {@link MAX_ERRORS}, and one that counts the rest. */
  all(): SourceError[];
}

/** A source may be wrong in every file; memory is not the place to say so of each. */
export function createErrorList(errors: Iterable<SourceError> = []): ErrorList {
  const kept: SourceError[] = [];
  let beyond: string | undefined;
  let more = 0;
  const add = (error: SourceError): void => {
    if (kept.length < MAX_ERRORS) kept.push(error);
    else {
      beyond ??= error.file;
      more += 1;
    }
  };
  for (const error of errors) add(error);
  return {
    add,
    all: () =>
      beyond === undefined
        ? kept
        : [...kept, { file: beyond, message: `and ${more} more from this file on` }],
  };
}
