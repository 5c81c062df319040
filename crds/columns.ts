/** Columns that every kind has, so that `kubectl get` reads the same everywhere. */
import type { PrinterColumn } from "./kind.ts";

/** `Ready`: True, False or Unknown. */
export function readyColumn(description = "Whether the world is as this object says."): PrinterColumn {
  return {
    name: "Ready",
    type: "string",
    jsonPath: '.status.conditions[?(@.type=="Ready")].status',
    description,
  };
}

/** `Status`: what the Ready condition says. */
export const statusColumn: PrinterColumn = Object.freeze({
  name: "Status",
  type: "string",
  jsonPath: '.status.conditions[?(@.type=="Ready")].message',
  description: "What is the case.",
});

/** `Suspended`, with `-o wide`. */
export const suspendedColumn: PrinterColumn = Object.freeze({
  name: "Suspended",
  type: "boolean",
  jsonPath: ".spec.suspend",
  description: "Whether all work on it is stopped, deletion included.",
  priority: 1,
});

/** `Age`. */
export const ageColumn: PrinterColumn = Object.freeze({
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "Since when it exists.",
});
