/** What `kubectl get` prints of the types that Kubernetes itself has (kubernetes `pkg/printers/internalversion`). */
import { ageOf } from "./human-duration.ts";
import { NAME_COLUMN, type Cell, type ColumnDefinition, type TableColumns } from "./table.ts";

type Fields = Record<string, unknown>;

function column(
  name: string,
  description: string,
  options: { type?: string; priority?: number } = {},
): ColumnDefinition {
  return { name, type: options.type ?? "string", format: "", description, priority: options.priority ?? 0 };
}

const age = column("Age", "How long ago the object was created.");

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function table(
  definitions: readonly ColumnDefinition[],
  cells: (object: Fields, metadata: Fields, now: number) => Cell[],
): TableColumns {
  return {
    definitions,
    cells: (value, now) => {
      const object = fields(value);
      return cells(object, fields(object["metadata"]), now);
    },
  };
}

/** The time that counts, of an event written by either API: `lastTimestamp`, the series' last, or `eventTime`. */
function lastSeen(event: Fields): unknown {
  const series = fields(event["series"]);
  return (
    series["lastObservedTime"] ??
    event["lastTimestamp"] ??
    event["deprecatedLastTimestamp"] ??
    event["eventTime"] ??
    undefined
  );
}

function firstSeen(event: Fields): unknown {
  return event["firstTimestamp"] ?? event["deprecatedFirstTimestamp"] ?? event["eventTime"] ?? undefined;
}

function sourceOf(event: Fields): string {
  const source = fields(event["source"] ?? event["deprecatedSource"]);
  const component =
    text(source["component"]) || text(event["reportingComponent"]) || text(event["reportingController"]);
  const host = text(source["host"]) || text(event["reportingInstance"]);
  return host === "" ? component : `${component}, ${host}`;
}

function countOf(event: Fields): number {
  const count = fields(event["series"])["count"] ?? event["count"] ?? event["deprecatedCount"];
  return typeof count === "number" && count > 0 ? count : 1;
}

function eventRow(event: Fields, metadata: Fields, now: number): Cell[] {
  const about = fields(event["involvedObject"] ?? event["regarding"]);
  const kind = text(about["kind"]).toLowerCase();
  return [
    ageOf(lastSeen(event), now),
    text(event["type"]),
    text(event["reason"]),
    text(about["name"]) === "" ? kind : `${kind}/${text(about["name"])}`,
    text(about["fieldPath"]),
    sourceOf(event),
    (text(event["message"]) || text(event["note"])).trim(),
    ageOf(firstSeen(event), now),
    countOf(event),
    text(metadata["name"]),
  ];
}

const events = table(
  [
    column("Last Seen", "When this event was last recorded."),
    column("Type", "Normal or Warning."),
    column("Reason", "Why, in one word for programs."),
    column("Object", "What the event is about."),
    column("Subobject", "The part of the object that it is about.", { priority: 1 }),
    column("Source", "Which component reported it.", { priority: 1 }),
    column("Message", "What happened."),
    column("First Seen", "When this event was first recorded.", { priority: 1 }),
    column("Count", "How often it was recorded.", { priority: 1 }),
    { ...NAME_COLUMN, priority: 1 },
  ],
  eventRow,
);

const size = (value: unknown): number => Object.keys(fields(value)).length;

const byType: Readonly<Record<string, TableColumns>> = {
  "/secrets": table(
    [NAME_COLUMN, column("Type", "What the secret is for."), column("Data", "How many keys it has."), age],
    (secret, metadata, now) => [
      text(metadata["name"]),
      text(secret["type"]),
      size(secret["data"]),
      ageOf(metadata["creationTimestamp"], now),
    ],
  ),
  "/configmaps": table([NAME_COLUMN, column("Data", "How many keys it has."), age], (map, metadata, now) => [
    text(metadata["name"]),
    size(map["data"]) + size(map["binaryData"]),
    ageOf(metadata["creationTimestamp"], now),
  ]),
  "/namespaces": table(
    [NAME_COLUMN, column("Status", "Active or Terminating."), age],
    (namespace, metadata, now) => [
      text(metadata["name"]),
      text(fields(namespace["status"])["phase"]),
      ageOf(metadata["creationTimestamp"], now),
    ],
  ),
  "/events": events,
  "events.k8s.io/events": events,
  "coordination.k8s.io/leases": table(
    [NAME_COLUMN, column("Holder", "Who holds it."), age],
    (lease, metadata, now) => [
      text(metadata["name"]),
      text(fields(lease["spec"])["holderIdentity"]),
      ageOf(metadata["creationTimestamp"], now),
    ],
  ),
  "apiextensions.k8s.io/customresourcedefinitions": table(
    [NAME_COLUMN, column("Created At", "When it was created.", { type: "date" })],
    (_, metadata) => [text(metadata["name"]), text(metadata["creationTimestamp"])],
  ),
};

/**
 * Columns of a built-in type; undefined for any other.
 * @param key group and plural, e.g. `/secrets`
 */
export function builtInColumns(key: string): TableColumns | undefined {
  return byType[key];
}
