import { expect, test } from "vitest";
import { kinds } from "../../crds/index.ts";
import { builtInColumns } from "./built-in-columns.ts";
import { ageOf, humanDuration } from "./human-duration.ts";
import { compileJsonPath } from "./json-path.ts";
import { columnsOf } from "./table.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each([
  [-2 * SECOND, "<invalid>"],
  [-1500, "0s"],
  [0, "0s"],
  [119 * SECOND, "119s"],
  [2 * MINUTE, "2m"],
  [9 * MINUTE + 59 * SECOND, "9m59s"],
  [10 * MINUTE + 30 * SECOND, "10m"],
  [179 * MINUTE, "179m"],
  [3 * HOUR, "3h"],
  [7 * HOUR + 59 * MINUTE, "7h59m"],
  [8 * HOUR + 59 * MINUTE, "8h"],
  [47 * HOUR, "47h"],
  [2 * DAY, "2d"],
  [7 * DAY + 23 * HOUR, "7d23h"],
  [8 * DAY + 5 * HOUR, "8d"],
  [729 * DAY, "729d"],
  [730 * DAY, "2y"],
  [731 * DAY, "2y1d"],
  [8 * 365 * DAY + 5 * DAY, "8y"],
])("an age of %i ms reads %s", (milliseconds, text) => {
  expect(humanDuration(milliseconds)).toBe(text);
});

test("an absent time is unknown, a broken one invalid", () => {
  expect(ageOf(undefined, 0)).toBe("<unknown>");
  expect(ageOf("yesterday", 0)).toBe("<invalid>");
});

const object = {
  metadata: { name: "shop", creationTimestamp: "2026-01-01T00:00:00Z", labels: { "a.b/c": "d" } },
  spec: { topics: ["x", "y"], max: 3.7, on: false, none: null },
  status: {
    conditions: [
      { type: "Stalled", status: "False" },
      { type: "Ready", status: "True", message: "fine" },
    ],
  },
};

test.each([
  [".metadata.name", ["shop"]],
  [".spec.topics", [["x", "y"]]],
  [".spec.topics[*]", ["x", "y"]],
  [".spec.topics[-1]", ["y"]],
  [".spec.topics[7]", []],
  [".metadata.labels['a\\.b/c']", ["d"]],
  ['.status.conditions[?(@.type=="Ready")].message', ["fine"]],
  ["..spec", undefined],
])("JSONPath %s", (path, expected) => {
  if (expected === undefined) expect(() => compileJsonPath(path)).toThrow("unsupported JSONPath");
  else expect(compileJsonPath(path)(object)).toEqual(expected);
});

test("cells have the type of their column, and are null where there is nothing", () => {
  const columns = columnsOf([
    { name: "Topics", type: "string", jsonPath: ".spec.topics", description: "" },
    { name: "Max", type: "integer", jsonPath: ".spec.max", description: "" },
    { name: "On", type: "boolean", jsonPath: ".spec.on", description: "" },
    { name: "Wrong", type: "integer", jsonPath: ".metadata.name", description: "" },
    { name: "None", type: "string", jsonPath: ".spec.none", description: "" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "" },
  ]);
  const now = Date.parse("2026-01-01T00:05:00Z");
  expect(columns.cells(object, now)).toEqual(["shop", '["x","y"]', 3, false, null, null, "5m"]);
});

test("every column of every kind compiles", () => {
  for (const kind of kinds) expect(columnsOf(kind.columns).definitions).toHaveLength(kind.columns.length + 1);
});

test("events of both APIs print the same row", () => {
  const now = Date.parse("2026-01-01T01:00:00Z");
  const core = {
    metadata: { name: "e" },
    involvedObject: { kind: "Project", name: "shop", fieldPath: "spec.neon" },
    reason: "Created",
    message: "made it ",
    type: "Normal",
    count: 3,
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:55:00Z",
    source: { component: "flaresmith", host: "h" },
  };
  const newer = {
    metadata: { name: "e" },
    regarding: core.involvedObject,
    reason: "Created",
    note: "made it ",
    type: "Normal",
    deprecatedCount: 3,
    deprecatedFirstTimestamp: core.firstTimestamp,
    deprecatedLastTimestamp: core.lastTimestamp,
    deprecatedSource: core.source,
  };
  const row = [
    "5m",
    "Normal",
    "Created",
    "project/shop",
    "spec.neon",
    "flaresmith, h",
    "made it",
    "60m",
    3,
    "e",
  ];
  expect(builtInColumns("/events")?.cells(core, now)).toEqual(row);
  expect(builtInColumns("events.k8s.io/events")?.cells(newer, now)).toEqual(row);
});
