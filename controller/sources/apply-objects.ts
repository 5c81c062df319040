/** Makes the store's objects what a source declares. Only what differs is sent. */
import type { Caches } from "../runtime/reconcile.ts";
import { ApiError, isApiError } from "../store/resource-client.ts";
import type { KubernetesObject, ResourceClient } from "../store/resource-client.ts";
import type { DesiredObject } from "./desired.ts";
import { SOURCE_KINDS, SOURCE_LABEL } from "./read/check-manifest.ts";
import type { SourceError } from "./read/manifest-types.ts";
import { isAsApplied } from "./source-memory.ts";
import type { SourceMemories, SourceMemory } from "./source-memory.ts";
import { appliedType, FIELD_MANAGER, labelValueOf, ownerLabel, sourceType } from "./source-object.ts";
import type { SourceObject } from "./source-object.ts";
import { takenOver } from "./take-over.ts";

/** How applying ended. */
export interface ApplyOutcome {
  /** Objects that were created or changed. */
  readonly changed: number;
  readonly errors: readonly SourceError[];
  /** Keys of objects that belong to another Source. */
  readonly conflicts: readonly string[];
  /** Declared objects that are being deleted: they are made again when they are gone. */
  readonly waiting: readonly KubernetesObject[];
  /** The store could not be written; what is left is tried again. */
  readonly broken?: ApiError;
}

export interface ApplyOptions {
  readonly source: SourceObject;
  readonly objects: readonly DesiredObject[];
  readonly memory: SourceMemory;
  readonly memories: SourceMemories;
  readonly caches: Caches;
  readonly client: ResourceClient;
}

/** Writes at a time. A durable store makes writes that wait together durable together. */
const PARALLEL = 32;

/**
 * Applies everything that differs, kind by kind. A refusal concerns its object alone.
 *
 * @throws the signal's reason
 */
export async function applyObjects(options: ApplyOptions, signal: AbortSignal): Promise<ApplyOutcome> {
  const run = new ApplyRun(options, signal);
  const byKind = Map.groupBy(options.objects, ({ object }) => object.kind);
  for (const kind of SOURCE_KINDS) await run.take(byKind.get(kind) ?? []);
  return run.outcome();
}

/** Whether the API server refuses the controller, and not this object: RBAC says who may not, admission says what. */
function isAboutUs({ code, message }: ApiError): boolean {
  return code === 401 || (code === 403 && /: User "[^"]*" cannot /.test(message));
}

class ApplyRun {
  readonly #options: ApplyOptions;
  readonly #signal: AbortSignal;
  readonly #label: string;
  readonly #owner: string;
  readonly #namespace: string;
  readonly #errors: SourceError[] = [];
  readonly #conflicts: string[] = [];
  readonly #waiting: KubernetesObject[] = [];
  #changed = 0;
  #broken: ApiError | undefined;

  constructor(options: ApplyOptions, signal: AbortSignal) {
    const { name, namespace = "" } = options.source.metadata;
    this.#options = options;
    this.#signal = signal;
    this.#label = labelValueOf(name);
    this.#namespace = namespace;
    this.#owner = `${namespace}/${name}`;
  }

  outcome(): ApplyOutcome {
    return {
      changed: this.#changed,
      errors: this.#errors,
      conflicts: this.#conflicts,
      waiting: this.#waiting,
      ...(this.#broken === undefined ? {} : { broken: this.#broken }),
    };
  }

  async take(objects: readonly DesiredObject[]): Promise<void> {
    const due = objects.filter((desired) => this.#isDue(desired));
    let next = 0;
    const worker = async (): Promise<void> => {
      while (this.#broken === undefined) {
        const desired = due[next++];
        if (desired === undefined) return;
        this.#signal.throwIfAborted();
        await this.#apply(desired);
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL, due.length) }, worker));
  }

  #isDue(desired: DesiredObject): boolean {
    const { caches, memory, memories } = this.#options;
    const { key, object, hash } = desired;
    const current = caches
      .of(appliedType(object.kind))
      .get({ namespace: this.#namespace, name: object.metadata.name });
    const applied = memory.applied.get(key);
    if (applied?.hash === hash && isAsApplied(current, applied, object.metadata, this.#label)) return false;
    const claim = `${this.#namespace}/${key}`;
    const other = this.#otherOwner(claim, current);
    if (other !== undefined) {
      this.#conflicts.push(key);
      memory.applied.delete(key);
      this.#refuse(
        desired,
        `${object.kind} ${object.metadata.name} belongs to Source ${JSON.stringify(other)}; remove it from one of the two`,
      );
      return false;
    }
    memories.claims.set(claim, this.#owner);
    if (current?.metadata.deletionTimestamp !== undefined) {
      memory.applied.delete(key);
      this.#waiting.push(current);
      return false;
    }
    return true;
  }

  /** The name of another Source, one that exists, that has the object. */
  #otherOwner(claim: string, current: KubernetesObject | undefined): string | undefined {
    const { caches, memories } = this.#options;
    const sources = caches.of<SourceObject>(sourceType).list(this.#namespace);
    const claimed = memories.claims.get(claim);
    if (claimed !== undefined && claimed !== this.#owner) return claimed.slice(this.#namespace.length + 1);
    const label = current === undefined ? undefined : ownerLabel(current);
    if (label === undefined || label === this.#label) return undefined;
    return sources.find(({ metadata }) => labelValueOf(metadata.name) === label)?.metadata.name;
  }

  async #apply(desired: DesiredObject): Promise<void> {
    const { memory, caches } = this.#options;
    const { key, hash } = desired;
    const type = appliedType(desired.object.kind);
    const before = caches.of(type).get({ namespace: this.#namespace, name: desired.object.metadata.name });
    try {
      const result = await this.#send(desired);
      if (result === undefined) return;
      const { uid = "", generation = 0, resourceVersion } = result.metadata;
      if (before?.metadata.resourceVersion !== resourceVersion) this.#changed += 1;
      if (result.metadata.deletionTimestamp === undefined) memory.applied.set(key, { hash, uid, generation });
      else this.#waiting.push(result);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      memory.applied.delete(key);
      const passes = error.code >= 500 || error.code === 429 || error.reason === "Conflict";
      if (passes || isAboutUs(error)) this.#broken ??= error;
      else this.#refuse(desired, error.message, error.causes[0]?.field);
    }
  }

  /** Applies, and takes kubectl's fields over if there are any. */
  async #send(desired: DesiredObject): Promise<KubernetesObject | undefined> {
    const { client } = this.#options;
    const { object } = desired;
    const type = appliedType(object.kind);
    const labels = { ...object.metadata.labels, [SOURCE_LABEL]: this.#label };
    const sent = { ...object, metadata: { ...object.metadata, labels } };
    const options = { fieldManager: FIELD_MANAGER, force: true };
    const result = await client.apply(type, sent, options, this.#signal);
    const managedFields = takenOver(result);
    if (managedFields === undefined) return result;
    const { name, resourceVersion = "" } = result.metadata;
    const body = [
      { op: "replace", path: "/metadata/managedFields", value: managedFields },
      { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion },
    ];
    try {
      await client.patch(
        type,
        { namespace: this.#namespace, name },
        { type: "json", body },
        { fieldManager: FIELD_MANAGER },
        this.#signal,
      );
    } catch (error) {
      // Somebody wrote in between: the next pass sees a changed object and tries again.
      if (isApiError(error, "Conflict") || isApiError(error, "NotFound")) return undefined;
      throw error;
    }
    return client.apply(type, sent, options, this.#signal);
  }

  #refuse({ file, line }: DesiredObject, message: string, field?: string): void {
    this.#errors.push({ file, line, column: 1, ...(field === undefined ? {} : { field }), message });
  }
}
