/** What unknown and duplicate fields lead to (`fieldValidation`): a refusal, warnings, or nothing. */
import type { ResourceType } from "../resource-client.ts";
import type { OnDecoded } from "./decode-object.ts";
import { badRequest } from "./errors.ts";

export interface FieldValidationOptions {
  type: ResourceType;
  mode: "Strict" | "Warn" | "Ignore";
  /** Paths of fields that stand twice in the body. Default: none. */
  duplicates?: readonly string[];
  /** Takes the text of a Warning header. Default: nobody hears it. */
  warn?: (text: string) => void;
}

/**
 * What a store calls with the unknown fields of an object that is written.
 * @throws ApiError 400 from the returned function, naming every field, when `mode` is Strict
 */
export function fieldValidation(options: FieldValidationOptions): OnDecoded {
  const { type, mode, duplicates = [] } = options;
  return (unknownFields) => {
    const notes = [
      ...duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`),
      ...unknownFields.map((path) => `unknown field ${JSON.stringify(path)}`),
    ];
    if (notes.length === 0 || mode === "Ignore") return;
    if (mode === "Strict") {
      throw badRequest(
        `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: strict decoding error: ${notes.join(", ")}`,
      );
    }
    for (const note of notes) options.warn?.(note);
  };
}
