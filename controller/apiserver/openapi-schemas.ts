/** Schemas of what is not ours, for `kubectl explain`: metadata, lists, options. The types bring their own. */

/** A schema of OpenAPI v3, as JSON. */
export type OpenApiSchema = Readonly<Record<string, unknown>>;

export const META = "io.k8s.apimachinery.pkg.apis.meta.v1";
/** How a schema refers to another one. */
export const reference = (name: string): OpenApiSchema => ({ $ref: `#/components/schemas/${name}` });

const described = (description: string, schema: OpenApiSchema): OpenApiSchema => ({ description, ...schema });
/** A reference cannot carry a description of its own, so it is wrapped. */
const referred = (description: string, name: string): OpenApiSchema => ({
  description,
  default: {},
  allOf: [reference(name)],
});
const text = (description: string): OpenApiSchema => described(description, { type: "string" });
const integer = (description: string): OpenApiSchema =>
  described(description, { type: "integer", format: "int64" });
const flag = (description: string): OpenApiSchema => described(description, { type: "boolean" });
const time = (description: string): OpenApiSchema =>
  described(description, { type: "string", format: "date-time" });
const textMap = (description: string): OpenApiSchema =>
  described(description, { type: "object", additionalProperties: { type: "string" } });
const object = (
  description: string,
  properties: Record<string, OpenApiSchema>,
  required: readonly string[] = [],
): OpenApiSchema => ({
  description,
  type: "object",
  ...(required.length === 0 ? {} : { required }),
  properties,
});

/** `apiVersion` and `kind`, as every object has them. */
export const typeMeta: Readonly<Record<string, OpenApiSchema>> = {
  apiVersion: text("Group and version of the schema that this object follows."),
  kind: text("Which kind of object this is, in CamelCase. Cannot be changed."),
};

/** Schemas that others refer to. */
export const metaSchemas: Readonly<Record<string, OpenApiSchema>> = {
  [`${META}.ObjectMeta`]: object("What every stored object carries besides its content.", {
    name: text("Unique within the namespace and kind. Cannot be changed."),
    generateName: text("Prefix of the name that the server makes when name is left out."),
    namespace: text("The space within which the name is unique. Cannot be changed."),
    labels: textMap("Key and value pairs to select objects by."),
    annotations: textMap("Key and value pairs for tools; nothing selects by them."),
    finalizers: described(
      "What must be done before the object goes; each entry is removed by whoever did its part.",
      {
        type: "array",
        items: { type: "string" },
        "x-kubernetes-list-type": "set",
        "x-kubernetes-patch-strategy": "merge",
      },
    ),
    ownerReferences: described("Objects that this one belongs to; it is removed when all of them are gone.", {
      type: "array",
      items: { default: {}, allOf: [reference(`${META}.OwnerReference`)] },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["uid"],
      "x-kubernetes-patch-merge-key": "uid",
      "x-kubernetes-patch-strategy": "merge",
    }),
    uid: text("Unique in time and space; made by the server. Read-only."),
    resourceVersion: text(
      "Changes with every write; a write that carries it fails when the object has moved on.",
    ),
    generation: integer("Counts the changes of the desired state. Read-only."),
    creationTimestamp: time("When the object was created. Read-only."),
    deletionTimestamp: time(
      "When deletion was asked for; the object goes when its finalizers are gone. Read-only.",
    ),
    deletionGracePeriodSeconds: integer("How long the object may take to end. Read-only."),
    selfLink: text("Not used any more."),
    managedFields: described("Who set which field, kept for server-side apply.", {
      type: "array",
      items: { default: {}, allOf: [reference(`${META}.ManagedFieldsEntry`)] },
      "x-kubernetes-list-type": "atomic",
    }),
  }),
  [`${META}.OwnerReference`]: object(
    "Names an object that another one belongs to.",
    {
      apiVersion: text("API version of the owner."),
      kind: text("Kind of the owner."),
      name: text("Name of the owner."),
      uid: text("Uid of the owner."),
      controller: flag("Whether the owner manages this object."),
      blockOwnerDeletion: flag("Whether a foreground deletion of the owner waits for this object."),
    },
    ["apiVersion", "kind", "name", "uid"],
  ),
  [`${META}.ManagedFieldsEntry`]: object("The fields that one manager set.", {
    manager: text("Name of the manager."),
    operation: text("Apply or Update."),
    apiVersion: text("The version that the field names are of."),
    time: time("When the manager last changed the set."),
    fieldsType: text("Always FieldsV1."),
    fieldsV1: described("The fields as a tree: f:<name>, k:<list key>, v:<value>.", { type: "object" }),
    subresource: text("The subresource that was written, such as status."),
  }),
  [`${META}.ListMeta`]: object("What a list carries besides its items.", {
    resourceVersion: text("The revision at which the list was read."),
    continue: text("Set when there is more; pass it with the next request."),
    remainingItemCount: integer("How many items are left."),
    selfLink: text("Not used any more."),
  }),
  [`${META}.DeleteOptions`]: object("How to delete.", {
    ...typeMeta,
    dryRun: described("All: nothing is stored.", { type: "array", items: { type: "string" } }),
    gracePeriodSeconds: integer("Not used by the kinds that are served here."),
    orphanDependents: flag("Older form of propagationPolicy."),
    preconditions: referred("Refuse unless the object is this one.", `${META}.Preconditions`),
    propagationPolicy: text("Background, Foreground or Orphan: what happens to dependents."),
  }),
  [`${META}.Preconditions`]: object("What must hold for a deletion.", {
    uid: text("The uid that the object must have."),
    resourceVersion: text("The resourceVersion that the object must have."),
  }),
  [`${META}.Patch`]: object("The body of a PATCH request.", {}),
  [`${META}.Status`]: object("The answer to a request that failed, or that has no object to answer.", {
    ...typeMeta,
    metadata: referred("Metadata.", `${META}.ListMeta`),
    status: text("Success or Failure."),
    message: text("What is the case, for people."),
    reason: text("Why, in one word for programs."),
    code: described("HTTP status.", { type: "integer", format: "int32" }),
  }),
};

/** Names that Kubernetes gives to the schemas of the built-in types, by group and plural. */
export const builtInNames: Readonly<Record<string, string>> = {
  "/namespaces": "io.k8s.api.core.v1.Namespace",
  "/secrets": "io.k8s.api.core.v1.Secret",
  "/configmaps": "io.k8s.api.core.v1.ConfigMap",
  "/events": "io.k8s.api.core.v1.Event",
  "events.k8s.io/events": "io.k8s.api.events.v1.Event",
  "coordination.k8s.io/leases": "io.k8s.api.coordination.v1.Lease",
  "apiextensions.k8s.io/customresourcedefinitions":
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
};
