/** One manifest file: bytes in, objects or faults out. Pure, so that results can be kept by the content's hash. */
import { isFields } from "../../../crds/schema/json.ts";
import { jsonFaultOffset } from "../../runtime/json-fault.ts";
import { parseDocuments } from "../../runtime/yaml/parse-documents.ts";
import type { Steps, YamlOptions } from "../../runtime/yaml/parse-documents.ts";
import { placeAt } from "../../runtime/yaml/places.ts";
import type { KubernetesObject } from "../../store/resource-client.ts";
import { checkManifest } from "./check-manifest.ts";
import {
  MAX_DEPTH,
  MAX_DOCUMENT_BYTES,
  MAX_FIELD_LENGTH,
  MAX_FILE_BYTES,
  MAX_MESSAGE_LENGTH,
  MAX_PROBLEMS,
  MAX_TOKENS,
} from "./limits.ts";
import type { FileContent, Manifest, Problem, SourceError } from "./manifest-types.ts";

/** What a file name says about how its content is read. */
export type FileFormat = "yaml" | "json" | "kustomization";

const YAML: YamlOptions = {
  dialect: "1.2",
  maxBytes: MAX_DOCUMENT_BYTES,
  maxDepth: MAX_DEPTH,
  maxTokens: MAX_TOKENS,
  maxProblems: MAX_PROBLEMS,
  // Through these a careless merge reaches a prototype.
  forbiddenKeys: new Set(["__proto__", "constructor", "prototype"]),
};

const KUSTOMIZATION: ReadonlySet<string> = new Set([
  "kustomization.yaml",
  "kustomization.yml",
  "Kustomization",
]);

/**
 * How a file of this path is read.
 *
 * @returns undefined for files that are no manifests: other extensions, and everything hidden or below `node_modules`
 */
export function fileFormat(path: string): FileFormat | undefined {
  const parts = path.split("/");
  if (parts.some(isIgnoredName)) return undefined;
  const name = parts.at(-1) ?? "";
  if (KUSTOMIZATION.has(name)) return "kustomization";
  if (/\.ya?ml$/.test(name)) return "yaml";
  return name.endsWith(".json") ? "json" : undefined;
}

/** Whether a file or folder of this name is passed over: hidden ones, and `node_modules`. */
export function isIgnoredName(name: string): boolean {
  return (name.startsWith(".") && name !== ".") || name === "node_modules";
}

/**
 * Reads the content of one file, in steps.
 *
 * @param bytes UTF-8
 * @returns every manifest in it, or every fault; never throws
 */
export function* readInSteps(format: FileFormat, bytes: Uint8Array): Steps<FileContent> {
  if (format === "kustomization") {
    return {
      manifests: [],
      problems: [],
      note: "a kustomization is not interpreted: the manifests beside it are applied as they are written; for overlays, commit the output of kubectl kustomize",
    };
  }
  const text = textOf(format, bytes);
  if (typeof text !== "string") return { manifests: [], problems: [text] };
  const { documents, problems: faults } = yield* parseDocuments(text, YAML);
  if (faults.length > 0) return { manifests: [], problems: limited(faults) };
  const manifests: Manifest[] = [];
  const problems: Problem[] = [];
  for (const document of documents) {
    if (format === "json" && !looksLikeManifest(document.value)) {
      return { manifests: [], problems: [] };
    }
    const checked = checkManifest(document);
    if ("manifest" in checked) manifests.push(checked.manifest);
    else problems.push(...checked.problems);
    if (problems.length > MAX_PROBLEMS) break;
    yield document.tokens;
  }
  return problems.length > 0 ? { manifests: [], problems: limited(problems) } : { manifests, problems: [] };
}

/** Reads the content of one file in one go. */
function readContent(format: FileFormat, bytes: Uint8Array): FileContent {
  const steps = readInSteps(format, bytes);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The text of a file, as YAML; or why it has none. */
function textOf(format: FileFormat, bytes: Uint8Array): string | Problem {
  if (bytes.byteLength > MAX_FILE_BYTES)
    return { message: `the file is larger than ${MAX_FILE_BYTES / 1024} KiB; split it` };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { ...invalidUtf8At(bytes), message: "the file is not UTF-8 text; save it as UTF-8" };
  }
  if (format !== "json") return text;
  // JSON may be indented with tabs, YAML may not; inside JSON's strings there are none.
  return jsonFault(text) ?? text.replaceAll("\t", " ");
}

/**
 * Reads one manifest file.
 *
 * @param path relative to the source, with '/'; decides by its name how the content is read
 * @returns its objects with the line where each begins; or, if anything is wrong, no object and every fault
 */
export function readManifestFile(
  path: string,
  bytes: Uint8Array,
): {
  objects: { object: KubernetesObject; file: string; line: number }[];
  errors: SourceError[];
  notes: string[];
} {
  const format = fileFormat(path);
  if (format === undefined) return { objects: [], errors: [], notes: [] };
  const { manifests, problems, note } = readContent(format, bytes);
  return {
    objects: manifests.map(({ object, line }) => ({ object, file: path, line })),
    errors: problems.map((problem) => ({ file: path, ...problem })),
    notes: note === undefined ? [] : [`${path}: ${note}`],
  };
}

/** Configuration of tools lies beside manifests (`package.json`, `wrangler.json`); it names neither version nor kind. */
function looksLikeManifest(value: unknown): boolean {
  return isFields(value) && (Object.hasOwn(value, "apiVersion") || Object.hasOwn(value, "kind"));
}

/** What may be listed: not too many, each of a bounded length, and no credentials that stand in a URL. */
function limited(problems: readonly Problem[]): Problem[] {
  const listed = problems.slice(0, MAX_PROBLEMS).map(({ field, message, ...place }) => ({
    ...place,
    ...(field === undefined ? {} : { field: shortened(field, MAX_FIELD_LENGTH) }),
    message: shortened(message.replaceAll(/(?<=:\/\/)[^\s/@"]*@/g, "…@"), MAX_MESSAGE_LENGTH),
  }));
  if (problems.length <= MAX_PROBLEMS) return listed;
  return [...listed, { message: `and more: only the first ${MAX_PROBLEMS} faults of a file are listed` }];
}

function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}

function invalidUtf8At(bytes: Uint8Array): { line: number; column: number } {
  const decoder = new TextDecoder("utf-8");
  const text = decoder.decode(bytes);
  // A genuine U+FFFD may come first; then the place is a little early.
  const at = text.indexOf("\uFFFD");
  return placeAt(text, Math.max(0, at));
}

function jsonFault(text: string): Problem | undefined {
  const offset = jsonFaultOffset(text);
  if (offset === undefined) return undefined;
  const what = offset === text.length ? "it ends too early" : "this is not allowed here";
  return { ...placeAt(text, offset), message: `the file is not JSON: ${what}; correct it there` };
}
