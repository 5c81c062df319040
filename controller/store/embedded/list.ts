/** Lists: selection, order, and continued lists that stay at the revision of their first page. */
import type { KubernetesObject, ListOptions } from "../resource-client.ts";
import type { ChangeLog } from "./change-log.ts";
import { objectPath, type StoredObject } from "./collection.ts";
import { badRequest, continueExpired, revisionExpired, tooLargeResourceVersion } from "./errors.ts";
import { parseFieldSelector, type FieldRequirement } from "./field-selector.ts";
import { parseLabelSelector } from "./label-selector.ts";
import { parseObject, type State } from "./state.ts";
import { typeKey, type TypeDefinition } from "./type-definition.ts";

/** Which objects of a type are meant. */
export interface Selection {
  namespace: string | undefined;
  matches(object: StoredObject): boolean;
  /** Whether every object of the namespace matches. */
  everything: boolean;
}

/** Built-in types without fields of their own share one conversion, which words it differently. */
function unknownField(definition: TypeDefinition, path: string): Error {
  return badRequest(
    definition.builtIn === true && definition.selectableFields === undefined
      ? `${JSON.stringify(path)} is not a known field selector: only "metadata.name", "metadata.namespace"`
      : `field label not supported: ${path}`,
  );
}

/** @throws ApiError 400 for a selector that cannot be parsed or names an unknown field */
export function select(
  definition: TypeDefinition,
  options: Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector">,
): Selection {
  const labels = parseLabelSelector(options.labelSelector);
  const fields = parseFieldSelector(options.fieldSelector);
  const simple: FieldRequirement[] = [];
  const parsed: { requirement: FieldRequirement; read: (object: KubernetesObject) => string }[] = [];
  for (const requirement of fields) {
    const { selectableFields = {} } = definition;
    const read = Object.hasOwn(selectableFields, requirement.path)
      ? selectableFields[requirement.path]
      : undefined;
    if (
      requirement.path === "metadata.name" ||
      (requirement.path === "metadata.namespace" && definition.type.namespaced)
    ) {
      simple.push(requirement);
    } else if (read === undefined) {
      throw unknownField(definition, requirement.path);
    } else parsed.push({ requirement, read });
  }
  const namespace = options.namespace === "" ? undefined : options.namespace;
  return {
    namespace,
    everything: labels === undefined && fields.length === 0,
    matches(object) {
      if (namespace !== undefined && object.namespace !== namespace) return false;
      if (labels !== undefined && !labels(object.labels)) return false;
      for (const { path, value, equal } of simple) {
        const actual = path === "metadata.name" ? object.name : object.namespace;
        if ((actual === value) !== equal) return false;
      }
      if (parsed.length > 0) {
        const value = parseObject(object.text);
        for (const { requirement, read } of parsed) {
          if ((read(value) === requirement.value) !== requirement.equal) return false;
        }
      }
      return true;
    },
  };
}

export interface ListedText {
  /** Each object as JSON, in the stored version. */
  texts: string[];
  revision: number;
  continue?: string;
  remainingItemCount?: number;
}

interface Token {
  /** Format of the token. */
  v: 1;
  rv: number;
  /** The last path that was answered. */
  start: string;
}

function encode(token: Token): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

function decode(text: string): Token {
  try {
    const token = JSON.parse(Buffer.from(text, "base64url").toString()) as Token;
    if (token.v === 1 && Number.isSafeInteger(token.rv) && typeof token.start === "string") return token;
  } catch {
    // Falls through: whatever it was, it is none of our tokens.
  }
  throw badRequest(
    "invalid continue token: continue key is not valid: the token was not made by this server",
  );
}

/** Objects at an earlier revision, in order: the present with later changes undone. */
function* valuesAt(
  state: State,
  log: ChangeLog,
  key: string,
  options: { namespace: string | undefined; after: string; revision: number },
): Generator<StoredObject> {
  const undone = new Map<string, StoredObject | undefined>();
  for (const change of log.newestFirst(options.revision)) {
    if (change.typeKey !== key) continue;
    const object = change.next ?? change.previous;
    if (object !== undefined) undone.set(objectPath(object.namespace, object.name), change.previous);
  }
  if (undone.size === 0) {
    yield* state.collection(key).values(options.namespace, options.after);
    return;
  }
  const gone = [...undone.entries()]
    .filter(([path, object]) => object !== undefined && path > options.after)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  let index = 0;
  for (const object of state.collection(key).values(options.namespace, options.after)) {
    const path = objectPath(object.namespace, object.name);
    for (; index < gone.length && (gone[index]?.[0] ?? "") < path; index += 1) {
      const earlier = gone[index]?.[1];
      if (earlier !== undefined) yield earlier;
    }
    if (undone.has(path)) {
      if (gone[index]?.[0] === path) index += 1;
      const earlier = undone.get(path);
      if (earlier !== undefined) yield earlier;
    } else yield object;
  }
  for (; index < gone.length; index += 1) {
    const earlier = gone[index]?.[1];
    if (earlier !== undefined) yield earlier;
  }
}

/**
 * Lists the objects of a stored type.
 * @param options.exactRevision lists what was there then; default: what is there now
 * @throws ApiError 400 for a bad selector or token, 410 for a revision that is forgotten, 504 for one of the future
 */
export function listObjects(
  state: State,
  log: ChangeLog,
  definition: TypeDefinition,
  options: ListOptions & { key?: string; exactRevision?: number },
): ListedText {
  const selection = select(definition, options);
  const key = options.key ?? typeKey(definition.type);
  const token =
    options.continue === undefined || options.continue === "" ? undefined : decode(options.continue);
  const revision = token?.rv ?? options.exactRevision ?? state.revision;
  const { resourceVersion = "" } = options;
  if (token === undefined && Number(resourceVersion) > state.revision)
    throw tooLargeResourceVersion(resourceVersion, state.revision);
  if (revision > state.revision || revision < log.oldestRevision)
    throw token === undefined ? revisionExpired() : continueExpired();
  const limit = options.limit === undefined || options.limit <= 0 ? Number.POSITIVE_INFINITY : options.limit;
  const texts: string[] = [];
  let last: StoredObject | undefined;
  let remaining = 0;
  const objects = valuesAt(state, log, key, {
    namespace: selection.namespace,
    after: token?.start ?? "",
    revision,
  });
  for (const object of objects) {
    if (!selection.matches(object)) continue;
    if (texts.length < limit) {
      texts.push(object.text);
      last = object;
    } else {
      remaining += 1;
      // With a selector the rest is not counted, as in kube-apiserver.
      if (!selection.everything) break;
    }
  }
  const start = last === undefined ? "" : objectPath(last.namespace, last.name);
  return {
    texts,
    revision,
    ...(remaining === 0 ? {} : { continue: encode({ v: 1, rv: revision, start }) }),
    ...(remaining > 0 && selection.everything ? { remainingItemCount: remaining } : {}),
  };
}
