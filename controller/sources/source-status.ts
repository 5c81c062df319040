/** What a pass found, as the Source's status. Pure but for the write, which happens only when something is different. */
import type { SourceStatus } from "../../crds/source.ts";
import { timestamp } from "../runtime/clock.ts";
import type { Clock } from "../runtime/clock.ts";
import { summarize } from "../runtime/conditions.ts";
import type { StatusPart } from "../runtime/conditions.ts";
import { conditionMessage, conditionReason } from "../runtime/errors.ts";
import type { FlaresmithError } from "../runtime/errors.ts";
import { hashOf } from "../runtime/hash.ts";
import type { ResourceClient } from "../store/resource-client.ts";
import type { SourceError } from "./read/manifest-types.ts";
import { REQUEST_ANNOTATION, sourceType } from "./source-object.ts";
import type { SourceObject } from "./source-object.ts";

/** Errors that the status lists; the rest is counted. */
const LISTED_ERRORS = 100;
/** Bytes that they take at most: status is written as a whole, and etcd takes 1.5 MiB for one object. */
const LISTED_BYTES = 256 * 1024;
const MESSAGE_LENGTH = 2000;

export interface PassReport {
  /** The listing could not be read; everything else is then as it was. */
  readonly unreadable?: FlaresmithError;
  readonly revision?: string;
  /** Whether everything of the revision is in place. */
  readonly applied?: boolean;
  readonly objects?: number;
  readonly inventory?: SourceStatus["inventory"];
  readonly errors?: readonly SourceError[];
  readonly notes?: readonly string[];
  /** Reason of the Applied condition when there are errors. */
  readonly errorReason?: string;
  readonly held?: { readonly reason: string; readonly message: string };
  readonly progress?: { readonly reason: string; readonly message: string };
  /** The store failed on the way. */
  readonly broken?: FlaresmithError;
}

/**
 * Writes the status if it differs from the object's.
 *
 * @param source with the newest `metadata.resourceVersion` known
 * @throws ApiError 409 Conflict when the Source changed in the meantime
 */
export async function writeSourceStatus(
  options: { source: SourceObject; report: PassReport; client: ResourceClient; clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const { source, client } = options;
  const status = sourceStatus(options);
  if (isSame(status, source.status)) return;
  const { apiVersion, kind, metadata, spec } = source;
  await client.updateStatus(
    sourceType,
    { apiVersion, kind, metadata, spec, status },
    { fieldManager: "flaresmith" },
    signal,
  );
}

/** Whether two statuses say the same. Inventories may be long and are compared entry by entry. */
function isSame(next: SourceStatus, before: SourceStatus | undefined): boolean {
  const { inventory: now = [], ...rest } = next;
  const { inventory: then = [], ...other } = before ?? {};
  if (now.length !== then.length) return false;
  const equal = now.every((entry, index) => {
    const old = then[index];
    return old !== undefined && entry.name === old.name && entry.file === old.file && entry.kind === old.kind;
  });
  return equal && hashOf(rest) === hashOf(other);
}

function sourceStatus({
  source,
  report,
  clock,
}: {
  source: SourceObject;
  report: PassReport;
  clock: Clock;
}): SourceStatus {
  const generation = source.metadata.generation ?? 0;
  const request = source.metadata.annotations?.[REQUEST_ANNOTATION];
  const before = source.status;
  const { revision, inventory, errors = [] } = report;
  const kept =
    report.unreadable === undefined
      ? {
          observedRevision: revision,
          appliedRevision: report.applied === true ? revision : before?.appliedRevision,
          inventory: inventory ?? [],
          errors: errors.length === 0 ? undefined : listedErrors(errors),
        }
      : {};
  const conditions = summarize({
    previous: before?.conditions ?? [],
    generation,
    now: timestamp(clock),
    parts: partsOf(report),
    ...(report.held === undefined ? {} : { stalled: report.held }),
    ...(report.progress === undefined ? {} : { progress: report.progress }),
    readyMessage: readyMessage(report),
  });
  const { inventory: keptInventory = before?.inventory, ...others } = kept;
  const status = {
    ...before,
    inventory: undefined,
    ...others,
    observedGeneration: generation,
    conditions: [...conditions],
    ...(request === undefined ? {} : { lastHandledReconcileAt: request }),
  };
  // Members that are undefined are not there in what the API answers.
  const plain = JSON.parse(JSON.stringify(status)) as SourceStatus;
  return keptInventory === undefined ? plain : { ...plain, inventory: keptInventory };
}

function partsOf({
  unreadable,
  broken,
  revision = "",
  errors = [],
  errorReason = "ValidationFailed",
}: PassReport): StatusPart[] {
  if (unreadable !== undefined) return [failedPart("Fetched", unreadable)];
  const fetched: StatusPart = {
    type: "Fetched",
    status: "True",
    reason: "Succeeded",
    message: `Read ${revision}.`,
  };
  if (broken !== undefined) return [fetched, failedPart("Applied", broken)];
  if (errors.length > 0) {
    return [
      fetched,
      {
        type: "Applied",
        status: "False",
        reason: errorReason,
        message: summaryOf(errors),
        waitsFor: "person",
      },
    ];
  }
  return [
    fetched,
    {
      type: "Applied",
      status: "True",
      reason: "Succeeded",
      message: `Everything that ${revision} declares is applied.`,
    },
  ];
}

function failedPart(type: string, error: FlaresmithError): StatusPart {
  const person = error.class === "terminal" || error.class === "auth";
  return {
    type,
    status: "False",
    reason: conditionReason(error),
    message: conditionMessage(error),
    waitsFor: person ? "person" : "time",
  };
}

function readyMessage({ objects = 0, revision = "", notes = [] }: PassReport): string {
  const what =
    objects === 0
      ? "Nothing is declared"
      : objects === 1
        ? "1 object is applied"
        : `${objects} objects are applied`;
  const noted =
    notes.length === 0
      ? ""
      : ` ${notes.slice(0, 3).join(". ")}.${notes.length > 3 ? ` ${notes.length - 3} more files declare nothing.` : ""}`;
  return `${what} from ${revision}.${noted}`;
}

/** `file:line:column: message` */
function errorText({ file, line, column, message }: SourceError): string {
  return (
    [file, ...(line === undefined ? [] : [line, ...(column === undefined ? [] : [column])])].join(":") +
    `: ${message}`
  );
}

/** The first errors in one text, and how many there are. */
function summaryOf(errors: readonly SourceError[]): string {
  const shown = errors.slice(0, 3).map((error) => `${errorText(error).replace(/[.]$/, "")}.`);
  const more = errors.length > 3 ? ` And ${errors.length - 3} more, see status.errors.` : "";
  const cut = shown.join(" ");
  return `${cut.length > MESSAGE_LENGTH ? `${cut.slice(0, MESSAGE_LENGTH)}…` : cut}${more} Objects of these files keep their last good state, and nothing is pruned until this is corrected.`;
}

function listedErrors(errors: readonly SourceError[]): SourceError[] {
  const listed: SourceError[] = [];
  let bytes = 0;
  for (const [index, error] of errors.entries()) {
    const { message } = error;
    const shown =
      message.length > MESSAGE_LENGTH ? { ...error, message: `${message.slice(0, MESSAGE_LENGTH)}…` } : error;
    bytes += Buffer.byteLength(JSON.stringify(shown));
    if (index === LISTED_ERRORS || bytes > LISTED_BYTES) {
      const more = errors.length - index;
      return [...listed, { file: error.file, message: `and ${more} more errors from this file on` }];
    }
    listed.push(shown);
  }
  return listed;
}
