/** `Table` answers: what `kubectl get` prints (apiextensions-apiserver `registry/customresource/tableconvertor`). */
import type { PrinterColumn } from "../../crds/kind.ts";
import { humanDuration } from "./human-duration.ts";
import { compileJsonPath } from "./json-path.ts";

export interface ColumnDefinition {
  name: string;
  type: string;
  format: string;
  description: string;
  priority: number;
}

/** One value of a row: null where there is nothing. */
export type Cell = string | number | boolean | null;

export interface TableColumns {
  definitions: readonly ColumnDefinition[];
  /** @param now milliseconds since the epoch, for ages */
  cells(object: unknown, now: number): Cell[];
}

/** How much of each object a row carries. */
export type IncludeObject = "Metadata" | "Object" | "None";

interface Metadata {
  name?: string;
  resourceVersion?: string;
  continue?: string;
  remainingItemCount?: number;
}

export const NAME_COLUMN: ColumnDefinition = {
  name: "Name",
  type: "string",
  format: "name",
  description: "Name must be unique within a namespace. Cannot be changed.",
  priority: 0,
};

/** @returns the metadata of anything that looks like an object of the API */
function metadataOf(object: unknown): Metadata {
  return (object as { metadata?: Metadata }).metadata ?? {};
}

function printed(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

function cellOf(type: PrinterColumn["type"], value: unknown, now: number): Cell {
  if (value === undefined || value === null) return null;
  switch (type) {
    case "string":
      return printed(value);
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date": {
      if (typeof value !== "string") return null;
      const time = Date.parse(value);
      return Number.isNaN(time) ? "<invalid>" : humanDuration(now - time);
    }
  }
}

/** Columns of a kind of ours: the name, then what the kind declares. */
export function columnsOf(columns: readonly PrinterColumn[]): TableColumns {
  const compiled = columns.map((column) => ({ type: column.type, path: compileJsonPath(column.jsonPath) }));
  return {
    definitions: [
      NAME_COLUMN,
      ...columns.map(({ name, type, description, priority }) => ({
        name,
        type,
        format: "",
        description,
        priority: priority ?? 0,
      })),
    ],
    cells: (object, now) => [
      metadataOf(object).name ?? "",
      ...compiled.map(({ type, path }) => cellOf(type, path(object)[0], now)),
    ],
  };
}

/** The metadata alone, in the form that informers for metadata and table rows use. */
export function partialMetadata(object: unknown, version: "v1" | "v1beta1"): Record<string, unknown> {
  return {
    kind: "PartialObjectMetadata",
    apiVersion: `meta.k8s.io/${version}`,
    metadata: metadataOf(object),
  };
}

/** One row. */
export function rowOf(
  object: unknown,
  options: { columns: TableColumns; include: IncludeObject; version: "v1" | "v1beta1"; now: number },
): { cells: Cell[]; object: unknown } {
  const { columns, include, version, now } = options;
  const shown = include === "Object" ? object : include === "None" ? null : partialMetadata(object, version);
  return { cells: columns.cells(object, now), object: shown };
}

/** A whole table with one object, or an event of a watch, which names its columns the first time only. */
export function tableOf(
  object: unknown,
  options: {
    columns: TableColumns;
    include: IncludeObject;
    version: "v1" | "v1beta1";
    now: number;
    withColumns: boolean;
  },
): Record<string, unknown> {
  const { resourceVersion } = metadataOf(object);
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata: resourceVersion === undefined ? {} : { resourceVersion },
    columnDefinitions: options.withColumns ? options.columns.definitions : null,
    rows: [rowOf(object, options)],
  };
}
