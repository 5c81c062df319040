/**
 * The one way state is read and written: the Kubernetes resource model. The embedded store and (in a cluster) the
 * Kubernetes API stand behind this interface; one contract suite holds both to the same answers.
 */

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  time?: string;
  fieldsType: "FieldsV1";
  fieldsV1: Record<string, unknown>;
  subresource?: string;
}

export interface ObjectMeta {
  name: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  selfLink?: string;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFieldsEntry[];
}

/** Any object the API serves. Kinds of ours narrow `spec` and `status`. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** What names a served resource: group `""` is the core group. */
export interface ResourceType {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
}

/** Names one object. `namespace` is left out for cluster-scoped types. */
export interface ObjectKey {
  namespace?: string;
  name: string;
}

export interface ListOptions {
  /** Left out: all namespaces. */
  namespace?: string;
  /** Kubernetes label selector text, e.g. `a=b,c in (d,e),!f`. */
  labelSelector?: string;
  /** Kubernetes field selector text, e.g. `metadata.name=shop`. */
  fieldSelector?: string;
  /** At most this many items; the answer then carries `continue`. */
  limit?: number;
  continue?: string;
  /** The answer must not be older than this revision. Left out: the newest. */
  resourceVersion?: string;
}

export interface ResourceList<T extends KubernetesObject = KubernetesObject> {
  items: T[];
  /** The revision at which the list was read: watch from here. */
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

export interface WatchOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Events after this revision. Left out: starts with an ADDED event for every object that exists. */
  resourceVersion?: string;
  /** Send BOOKMARK events now and then, so that the revision stays fresh on a quiet type. Default false. */
  allowBookmarks?: boolean;
  /**
   * Begin with an ADDED event for every object that exists, then a BOOKMARK with `initialEventsEnd`; `resourceVersion` is
   * then not looked at. Needs `allowBookmarks`. Default false.
   */
  sendInitialEvents?: boolean;
  /** The watch ends after so long. Default, and for 0: the server's choice. */
  timeoutSeconds?: number;
}

export type WatchEvent<T extends KubernetesObject = KubernetesObject> =
  | { type: "ADDED" | "MODIFIED" | "DELETED"; object: T }
  /** `initialEventsEnd`: everything that existed when the watch began has been sent. */
  | { type: "BOOKMARK"; resourceVersion: string; initialEventsEnd?: true };

export interface WriteOptions {
  /** Recorded in `metadata.managedFields`. */
  fieldManager?: string;
  /** Validates and answers as the real write would; nothing is stored. Default false. */
  dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  fieldManager: string;
  /** Take over fields that other managers own instead of failing with 409 Conflict. Default false. */
  force?: boolean;
  /** Apply to the status alone; the object must exist. Left out: to all but the status. */
  subresource?: "status";
}

export type Patch =
  /** RFC 7386. */
  | { type: "merge"; body: Record<string, unknown> }
  /** RFC 6902. */
  | { type: "json"; body: readonly Record<string, unknown>[] };

export interface DeleteOptions {
  /** Refused with 409 Conflict when the object's is another one. */
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
  dryRun?: boolean;
}

/**
 * The object types handed out are never frozen copies shared with the store: callers may change them. Every write is
 * refused with 400 BadRequest when it holds a field that the schema does not know.
 */
export interface ResourceClient {
  /** @throws ApiError 404 NotFound */
  get<T extends KubernetesObject>(type: ResourceType, key: ObjectKey, signal?: AbortSignal): Promise<T>;
  /**
   * @throws ApiError 410 Expired for a `continue` that is too old; 504 Timeout with the cause `ResourceVersionTooLarge` for
   * a revision of the future; 400 BadRequest for a bad selector
   */
  list<T extends KubernetesObject>(
    type: ResourceType,
    options?: ListOptions,
    signal?: AbortSignal,
  ): Promise<ResourceList<T>>;
  /**
   * Ends when the signal is aborted, or when the server ends the watch; then watch again from the last revision.
   * @throws ApiError 410 Expired when the revision is older than the log: list again; 400 or 422 for `sendInitialEvents` at
   * a server that does not have it
   */
  watch<T extends KubernetesObject>(
    type: ResourceType,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>;
  /** @throws ApiError 409 AlreadyExists; 422 Invalid with every field path */
  create<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T>;
  /** Replaces all but status. With `metadata.resourceVersion`, only if unchanged. @throws ApiError 409 Conflict */
  update<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T>;
  /** Replaces the status alone. With `metadata.resourceVersion`, only if unchanged. @throws ApiError 409 Conflict */
  updateStatus<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T>;
  patch<T extends KubernetesObject>(
    type: ResourceType,
    key: ObjectKey,
    patch: Patch,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T>;
  patchStatus<T extends KubernetesObject>(
    type: ResourceType,
    key: ObjectKey,
    patch: Patch,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T>;
  /** Server-side apply; creates when absent. @throws ApiError 409 Conflict that names the managers and fields */
  apply<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options: ApplyOptions,
    signal?: AbortSignal,
  ): Promise<T>;
  /** Answers the object as it is after the request: with finalizers it stays, with a deletionTimestamp. @throws ApiError 404 */
  delete(
    type: ResourceType,
    key: ObjectKey,
    options?: DeleteOptions,
    signal?: AbortSignal,
  ): Promise<KubernetesObject>;
}

/** One cause in a Kubernetes Status, e.g. one invalid field. */
export interface StatusCause {
  reason: string;
  message: string;
  field?: string;
}

/** A refusal of the API, in the words of a Kubernetes `Status`. */
export class ApiError extends Error {
  /** HTTP status. */
  readonly code: number;
  /** Kubernetes reason: NotFound, AlreadyExists, Conflict, Invalid, Expired, Forbidden, BadRequest, … */
  readonly reason: string;
  readonly causes: readonly StatusCause[];
  /** Group, kind and name the refusal is about, as in `Status.details`. */
  readonly details: { group?: string; kind?: string; name?: string; retryAfterSeconds?: number };

  constructor(options: {
    code: number;
    reason: string;
    message: string;
    causes?: readonly StatusCause[];
    details?: { group?: string; kind?: string; name?: string; retryAfterSeconds?: number };
    cause?: unknown;
  }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ApiError";
    this.code = options.code;
    this.reason = options.reason;
    this.causes = options.causes ?? [];
    this.details = options.details ?? {};
  }
}

/** Whether an error is an {@link ApiError} with this reason. */
export function isApiError(error: unknown, reason: string): error is ApiError {
  return error instanceof ApiError && error.reason === reason;
}
