/**
 * OpenAPI v3 of everything that is served. kubectl reads it for `explain`, and to learn whether dry run and field
 * validation are supported (cli-runtime `resource.QueryParamVerifierV3`: the parameters of PATCH by group and kind).
 */
import { createHash } from "node:crypto";
import { typeKey, type TypeDefinition } from "../store/embedded/type-definition.ts";
import { ALL_VERBS } from "./discovery.ts";
import {
  builtInNames,
  META,
  metaSchemas,
  reference,
  typeMeta,
  type OpenApiSchema,
} from "./openapi-schemas.ts";

export interface OpenApi {
  /** `/openapi/v3`: where each document is, with a hash that changes with its content. */
  index(): unknown;
  /** A document as JSON text by its path in the index, e.g. `apis/flaresmith.dev/v1alpha1`; undefined when there is none. */
  document(path: string): string | undefined;
}

const PARAMETERS: Readonly<Record<string, { description: string; type: string }>> = {
  dryRun: { description: "All: everything is checked and nothing is stored.", type: "string" },
  fieldManager: {
    description: "Name under which the written fields are recorded; required for apply.",
    type: "string",
  },
  fieldValidation: {
    description: "Ignore, Warn or Strict: what unknown and duplicate fields lead to.",
    type: "string",
  },
  force: { description: "Take over fields that another manager applied.", type: "boolean" },
  labelSelector: { description: "Only objects with these labels.", type: "string" },
  fieldSelector: { description: "Only objects with these field values.", type: "string" },
  limit: { description: "At most this many; the answer then says how to continue.", type: "integer" },
  continue: { description: "Where a list goes on.", type: "string" },
  resourceVersion: { description: "The revision to read at or to watch from.", type: "string" },
  resourceVersionMatch: { description: "NotOlderThan or Exact.", type: "string" },
  sendInitialEvents: { description: "Start a watch with everything that exists.", type: "boolean" },
  allowWatchBookmarks: { description: "Send BOOKMARK events.", type: "boolean" },
  timeoutSeconds: { description: "How long a watch lasts.", type: "integer" },
  watch: { description: "Answer with changes, one per line.", type: "boolean" },
  propagationPolicy: { description: "Background, Foreground or Orphan.", type: "string" },
  gracePeriodSeconds: { description: "Not used by the kinds that are served here.", type: "integer" },
};

const WRITE = ["dryRun", "fieldManager", "fieldValidation"];
const LIST = [
  "allowWatchBookmarks",
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersion",
  "resourceVersionMatch",
  "sendInitialEvents",
  "timeoutSeconds",
  "watch",
];
const DELETE = ["dryRun", "gracePeriodSeconds", "propagationPolicy"];

function parameters(names: readonly string[]): unknown[] {
  return names.map((name) => {
    const { description, type } = PARAMETERS[name] ?? { description: name, type: "string" };
    return { name, in: "query", description, schema: { type, uniqueItems: true } };
  });
}

function pathParameter(name: string, description: string): unknown {
  return { name, in: "path", description, required: true, schema: { type: "string", uniqueItems: true } };
}

/** `dev.flaresmith.v1alpha1.Project` for kinds of ours, the Kubernetes name for built-in ones. */
function schemaName(definition: TypeDefinition): string {
  const { type } = definition;
  const builtIn = builtInNames[typeKey(type)];
  return builtIn ?? `${type.group.split(".").toReversed().join(".")}.${type.version}.${type.kind}`;
}

function schemasOf(definition: TypeDefinition): Record<string, OpenApiSchema> {
  const { type } = definition;
  const name = schemaName(definition);
  const own = (definition.schema ?? {}) as OpenApiSchema;
  const metadata = {
    description: "Name, namespace, labels and what the server keeps.",
    default: {},
    allOf: [reference(`${META}.ObjectMeta`)],
  };
  const gvk = [{ group: type.group, version: type.version, kind: type.kind }];
  return {
    [name]: {
      ...own,
      type: "object",
      properties: { ...(own["properties"] as object | undefined), ...typeMeta, metadata },
      "x-kubernetes-group-version-kind": gvk,
    },
    [`${name}List`]: {
      description: `A list of ${type.kind} objects.`,
      type: "object",
      required: ["items"],
      properties: {
        ...typeMeta,
        items: {
          description: `The ${type.plural}.`,
          type: "array",
          items: { default: {}, allOf: [reference(name)] },
        },
        metadata: { description: "About the list.", default: {}, allOf: [reference(`${META}.ListMeta`)] },
      },
      "x-kubernetes-group-version-kind": [{ ...gvk[0], kind: `${type.kind}List` }],
    },
  };
}

interface PathContext {
  definition: TypeDefinition;
  name: string;
}

function operation(
  context: PathContext,
  options: {
    action: string;
    does: string;
    query: readonly string[];
    answers: string;
    body?: readonly [string, readonly string[]];
  },
): unknown {
  const { type } = context.definition;
  const content = (schema: string, mediaTypes: readonly string[]): unknown =>
    Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, { schema: reference(schema) }]));
  return {
    description: `${options.does} ${type.kind}`,
    ...(options.query.length === 0 ? {} : { parameters: parameters(options.query) }),
    ...(options.body === undefined
      ? {}
      : {
          requestBody: {
            content: content(options.body[0], options.body[1]),
            required: options.action !== "delete",
          },
        }),
    responses: {
      200: { description: "OK", content: content(options.answers, ["application/json", "application/yaml"]) },
      401: { description: "Unauthorized" },
    },
    "x-kubernetes-action": options.action,
    "x-kubernetes-group-version-kind": { group: type.group, version: type.version, kind: type.kind },
  };
}

const BODY = ["application/json", "application/yaml"] as const;

function pathsOf(definition: TypeDefinition): Record<string, unknown> {
  const { type } = definition;
  const verbs = new Set(definition.verbs ?? ALL_VERBS);
  const name = schemaName(definition);
  const context = { definition, name };
  const patchTypes = [
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    ...(definition.builtIn === true ? ["application/strategic-merge-patch+json"] : []),
  ];
  const when = (verb: string, method: string, value: () => unknown): Record<string, unknown> =>
    verbs.has(verb) ? { [method]: value() } : {};
  const prefix = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const all = `${prefix}/${type.plural}`;
  const collection = type.namespaced ? `${prefix}/namespaces/{namespace}/${type.plural}` : all;
  const inNamespace = type.namespaced ? [pathParameter("namespace", "Namespace of the object.")] : [];
  const named = [pathParameter("name", `Name of the ${type.kind}.`), ...inNamespace];
  const list = (): unknown =>
    operation(context, { action: "list", does: "list", query: LIST, answers: `${name}List` });
  const get = (): unknown =>
    operation(context, { action: "get", does: "read one", query: [], answers: name });
  const put = (): unknown =>
    operation(context, {
      action: "put",
      does: "replace one",
      query: WRITE,
      answers: name,
      body: [name, BODY],
    });
  const patch = (): unknown =>
    operation(context, {
      action: "patch",
      does: "change a part of one",
      query: [...WRITE, "force"],
      answers: name,
      body: [`${META}.Patch`, patchTypes],
    });
  const paths: Record<string, unknown> = {
    [collection]: {
      ...when("list", "get", list),
      ...when("create", "post", () =>
        operation(context, {
          action: "post",
          does: "create a",
          query: WRITE,
          answers: name,
          body: [name, BODY],
        }),
      ),
      ...when("deletecollection", "delete", () =>
        operation(context, {
          action: "deletecollection",
          does: "delete all selected",
          query: [...LIST, ...DELETE],
          answers: `${META}.Status`,
          body: [`${META}.DeleteOptions`, BODY],
        }),
      ),
      ...(inNamespace.length === 0 ? {} : { parameters: inNamespace }),
    },
    [`${collection}/{name}`]: {
      ...when("get", "get", get),
      ...when("update", "put", put),
      ...when("delete", "delete", () =>
        operation(context, {
          action: "delete",
          does: "delete one",
          query: DELETE,
          answers: `${META}.Status`,
          body: [`${META}.DeleteOptions`, BODY],
        }),
      ),
      ...when("patch", "patch", patch),
      parameters: named,
    },
  };
  if (definition.hasStatus) {
    paths[`${collection}/{name}/status`] = { get: get(), put: put(), patch: patch(), parameters: named };
  }
  if (type.namespaced) paths[all] = when("list", "get", list);
  return paths;
}

function documentOf(types: readonly TypeDefinition[]): string {
  return JSON.stringify({
    openapi: "3.0.0",
    info: { title: "Flaresmith", version: "v1" },
    paths: Object.assign({}, ...types.map(pathsOf)) as object,
    components: { schemas: { ...metaSchemas, ...(Object.assign({}, ...types.map(schemasOf)) as object) } },
  });
}

/** Describes these types; documents are made when first asked for and kept. */
export function createOpenApi(types: readonly TypeDefinition[]): OpenApi {
  const byPath = new Map<string, TypeDefinition[]>();
  for (const definition of types) {
    const { group, version } = definition.type;
    const path = group === "" ? `api/${version}` : `apis/${group}/${version}`;
    byPath.set(path, [...(byPath.get(path) ?? []), definition]);
  }
  const made = new Map<string, string>();
  const document = (path: string): string | undefined => {
    const known = made.get(path);
    const served = byPath.get(path);
    if (known !== undefined || served === undefined) return known;
    const text = documentOf(served);
    made.set(path, text);
    return text;
  };
  return {
    index: () => ({
      paths: Object.fromEntries(
        [...byPath.keys()].map((path) => {
          const hash = createHash("sha512")
            .update(document(path) ?? "")
            .digest("hex")
            .toUpperCase();
          return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }];
        }),
      ),
    }),
    document,
  };
}
