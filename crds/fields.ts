/** Field schemas that several kinds share. Every field carries the sentence that `kubectl explain` shows. */
import { z } from "zod";

/** Go duration text such as `90s`, `10m`, `1h30m` (time.ParseDuration without signs and sub-millisecond units). */
export const duration = (): z.ZodString =>
  z
    .string()
    .regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/)
    .max(32);

/** A DNS-1123 subdomain, what Kubernetes takes as an object name. */
export const objectName = (): z.ZodString =>
  z
    .string()
    .min(1)
    .max(253)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);

/** A logical name inside a project: a DNS-1123 label, because it becomes part of provider names. */
export const logicalName = (): z.ZodString =>
  z
    .string()
    .min(1)
    .max(40)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

/** A name of an environment variable, GitHub variable, GitHub secret or Worker binding. */
export const variableName = (): z.ZodString =>
  z
    .string()
    .min(1)
    .max(128)
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/);

/**
 * For references, and for objects of which one of several fields is set: whoever applies one replaces it as a whole. Merged
 * field by field, two writers make up what neither of them wrote.
 */
export const atomic = Object.freeze({ "x-kubernetes-map-type": "atomic" });

export const localReference = (what: string) =>
  z
    .object({ name: objectName().describe(`Name of the ${what} in the same namespace.`) })
    .meta(atomic)
    .describe(`The ${what}, in the same namespace.`);

export const connectionReference = () =>
  z
    .object({
      name: objectName().describe("Name of the Connection."),
      namespace: objectName()
        .optional()
        .describe(
          "Namespace of the Connection, when it is another one; that Connection must list this namespace in allowedNamespaces.",
        ),
    })
    .meta(atomic)
    .describe("The Connection that holds identity and credentials at the provider.");

export const secretKeyReference = () =>
  z
    .object({
      name: objectName().describe("Name of a Secret in the same namespace."),
      key: z.string().min(1).max(253).describe("Key inside the Secret's data."),
    })
    .meta(atomic)
    .describe("A value in a Secret.");

export const suspend = () =>
  z
    .boolean()
    .default(false)
    .describe("True stops all work on this object, deletion included, until it is set back.");

export const interval = (standard: string) =>
  duration()
    .default(standard)
    .describe(
      `How often the world is compared again when nothing happened, as a Go duration from 30s to 24h. Default ${standard}.`,
    );

export const deepInterval = () =>
  duration()
    .default("6h")
    .describe(
      "How often also those fields are compared that cost calls of their own, from 1m to 168h. Default 6h.",
    );

export const deletionPolicy = () =>
  z
    .enum(["Orphan", "Delete"])
    .default("Orphan")
    .describe(
      "What deleting this object does to external things that hold data or code: Orphan leaves them in place and records a tombstone, Delete removes them. So does an edit that they are no part of any more, but Delete asks for a confirmation then.",
    );

export const drift = () =>
  z
    .enum(["Correct", "Warn"])
    .default("Correct")
    .describe(
      "What happens when the world differs from this object: Correct changes it back, Warn only reports it in the UpToDate condition.",
    );

/** A plain value, or a fact that is known when the revision is deployed. */
export const variable = () =>
  z
    .object({
      name: variableName().describe("Name of the variable."),
      value: z.string().max(5120).optional().describe("The value, as text."),
      valueFrom: z
        .object({
          field: z
            .enum(["project", "environment", "stage", "revision", "neonBranch"])
            .describe(
              "Which fact: the project's name, the short name of the environment or preview, the stage, the deployed commit, or the database branch.",
            ),
        })
        .meta(atomic)
        .optional()
        .describe("A fact about the deployment instead of a fixed value."),
    })
    .meta(atomic);

const condition = () =>
  z.object({
    type: z.string().describe("Type of the condition, such as Ready."),
    status: z.enum(["True", "False", "Unknown"]).describe("Whether the condition holds."),
    observedGeneration: z
      .int()
      .optional()
      .describe("Generation of the object that this condition speaks of."),
    lastTransitionTime: z.iso.datetime().describe("When status last changed."),
    reason: z.string().describe("One CamelCase word for programs."),
    message: z.string().describe("What is the case, where, and what to do about it."),
  });

/** What the status of every kind has. `extra` adds the kind's own plain fields. */
export const statusOf = <Shape extends z.ZodRawShape>(extra: Shape) =>
  z.object({
    observedGeneration: z.int().optional().describe("The generation that this status describes."),
    conditions: z
      .array(condition())
      .optional()
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] })
      .describe(
        "Conditions by the kstatus convention: Ready always, Reconciling and Stalled only when true.",
      ),
    lastHandledReconcileAt: z
      .string()
      .optional()
      .describe(
        "The last value of the annotation flaresmith.dev/reconcile-requested-at that was acted upon.",
      ),
    ...extra,
  });

export const state = () =>
  z
    .enum(["pending", "provisioning", "active", "updating", "validating", "error", "failed", "archived"])
    .optional()
    .describe("One word that sums the conditions up, for people.");

/** What the controller knows about one external resource that this object stands for. */
const inventoryEntry = () =>
  z.object({
    slot: z.string().describe("Which part of this object it is, e.g. neonBranch or cloudflareWorker/api."),
    provider: z.string().describe("github, neon or cloudflare."),
    type: z.string().describe("Type of the external resource."),
    id: z.string().optional().describe("The provider's id; missing while a create is on its way."),
    name: z.string().optional().describe("The provider's name for it."),
    scope: z
      .string()
      .optional()
      .describe(
        "Where it lies at the provider: an owner, an owner/repository, a Neon project id, an account id.",
      ),
    scopeId: z
      .string()
      .optional()
      .describe("The provider's id of that place, where the place can be renamed: a repository's."),
    key: z.string().describe("Idempotency key: <namespace>/<project>-<resource>-<environment>."),
    state: z
      .enum(["creating", "ready", "pending", "deleting", "conflict", "unknown", "error"])
      .describe("What the controller last knew."),
    nonce: z.string().optional().describe("Part of the marker of the create that this entry stands for."),
    since: z.string().optional().describe("When the intent (creating, deleting) was recorded."),
    specHash: z.string().optional().describe("Hash of the desired state that was last written."),
    fingerprint: z
      .string()
      .optional()
      .describe("What the provider said about the state that was last written."),
    data: z
      .record(z.string(), z.string())
      .optional()
      .describe("What else must be remembered, such as keyed hashes of written secrets."),
    parent: z
      .string()
      .optional()
      .describe("Slot of what it is a part of: it goes, or stays, together with that."),
    policy: z
      .enum(["Orphan", "Delete"])
      .optional()
      .describe("What removal from the spec or deletion of the object does to it."),
    connection: z.string().optional().describe("Namespace and name of the Connection it was reached by."),
    error: z.string().optional().describe("The last error about it."),
  });

export const inventory = () =>
  z
    .array(inventoryEntry())
    .optional()
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["slot"] })
    .describe("Every external resource that this object stands for.");
