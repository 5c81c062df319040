/** What alerts and the dashboard ask for exists: every metric and every label of every query. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { createMetrics } from "../../controller/runtime/metrics.ts";

const folder = join(import.meta.dirname, "../../manifests/components/prometheus");
const read = (name: string): string => readFileSync(join(folder, name), "utf8");

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}
interface Panel {
  type: string;
  title: string;
  targets?: { expr: string; legendFormat: string }[];
}

const rules = (
  parse(read("prometheus-rule.yaml")) as { spec: { groups: { rules: Rule[] }[] } }
).spec.groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read("dashboard.json")) as {
  panels: Panel[];
  templating: { list: { type: string; query: { query: string } }[] };
};
const panels = dashboard.panels.filter(({ type }) => type !== "row");

/** What Prometheus adds to every series of a target that a ServiceMonitor found. */
const targetLabels = ["namespace", "pod", "service", "job", "instance", "endpoint", "container"];

/** Labels by series name: what `/metrics` can show, histograms by their three series. */
const series = new Map<string, ReadonlySet<string>>();
for (const metric of createMetrics({ processMetrics: true }).registry.getMetricsAsArray()) {
  const { labelNames, name, type } = metric as unknown as {
    labelNames: string[];
    name: string;
    type: string;
  };
  // A label that the target has too is renamed.
  const own = labelNames.map((label) => (targetLabels.includes(label) ? `exported_${label}` : label));
  const labels = [...own, ...targetLabels];
  if (type !== "histogram") series.set(name, new Set(labels));
  else for (const suffix of ["sum", "count"]) series.set(`${name}_${suffix}`, new Set(labels));
  if (type === "histogram") series.set(`${name}_bucket`, new Set([...labels, "le"]));
}

const KEYWORDS = "and|or|unless|by|without|on|ignoring|group_left|group_right|offset|bool";

/** The series that a PromQL query selects, and the labels that it names. */
function namesOf(query: string): { metrics: string[]; labels: string[] } {
  const labels: string[] = [];
  const note = (list: string): void => void labels.push(...(list.match(/[a-z_]\w*/gi) ?? []));
  const left = query
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\{([^}]*)\}/g, (_, matchers: string) => (note(matchers), ""))
    .replaceAll(/\[[^\]]*\]/g, "")
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g, (_, list: string) => {
      note(list);
      return " ";
    });
  const metrics = [...left.matchAll(/(?<![\w$])[a-z_:][\w:]*(?!\s*\(|\w)/gi)].map(([name]) => name);
  return { metrics: metrics.filter((name) => !new RegExp(`^(?:${KEYWORDS})$`).test(name)), labels };
}

/** What a query names and nothing has. */
function unknownIn(query: string): string[] {
  const { labels, metrics } = namesOf(query);
  expect(metrics, query).not.toEqual([]);
  const unknown = metrics.filter((name) => !series.has(name));
  const known = new Set(metrics.flatMap((name) => [...(series.get(name) ?? [])]));
  return [...unknown, ...labels.filter((label) => !known.has(label))];
}

test("a query that names what does not exist is found", () => {
  expect(unknownIn('sum by (controller) (rate(workqueue_deep{name="x"}[5m])) > 0')).toEqual([
    "workqueue_deep",
    "name",
    "controller",
  ]);
  expect(unknownIn('max by (colour) (workqueue_depth{name="a}b"})')).toEqual(["colour"]);
  expect(unknownIn("histogram_quantile(0.9, sum by (le) (rate(provision_duration_seconds[1h])))")).toEqual([
    "provision_duration_seconds",
    "le",
  ]);
  expect(unknownIn("workqueue_depth unless on (controller) workqueue_delayed offset 5m")).toEqual([]);
});

describe("alerts", () => {
  test.each(rules.map((rule) => [rule.alert, rule] as const))("%s asks for what exists", (_, { expr }) => {
    expect(unknownIn(expr)).toEqual([]);
  });

  test("each says how bad it is, what happened and what to do; messages name labels that the query keeps", () => {
    for (const { alert, annotations, expr, labels } of rules) {
      expect(alert).toMatch(/^Flaresmith[A-Z]\w+$/);
      expect(["critical", "warning"]).toContain(labels.severity);
      expect(annotations.summary).toMatch(/\.$/);
      expect(annotations.description.length).toBeGreaterThan(60);
      const text = Object.values(annotations).join(" ");
      const named = [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label ?? "");
      const kept = /^\(*\s*(?:sum|max|min) by \(([^)]*)\)/.exec(expr.trim())?.[1]?.split(/,\s*/);
      const known = kept ?? namesOf(expr).metrics.flatMap((name) => [...(series.get(name) ?? [])]);
      expect(
        named.filter((label) => !known.includes(label)),
        alert,
      ).toEqual([]);
    }
  });

  test("the specification explains every one", () => {
    const spec = readFileSync(join(import.meta.dirname, "../../specs/013-in-a-cluster/spec.md"), "utf8");
    expect(rules.filter(({ alert }) => !spec.includes(`\`${alert}\``)).map(({ alert }) => alert)).toEqual([]);
  });
});

describe("the dashboard", () => {
  test.each(panels.map((panel) => [panel.title, panel] as const))(
    "%s shows what exists",
    (_, { targets = [] }) => {
      expect(targets).not.toEqual([]);
      for (const { expr, legendFormat } of targets) {
        expect(unknownIn(expr)).toEqual([]);
        const { metrics } = namesOf(expr);
        const known = new Set(metrics.flatMap((name) => [...(series.get(name) ?? [])]));
        const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label ?? "");
        expect(shown.filter((label) => !known.has(label))).toEqual([]);
      }
    },
  );

  test("its choice of namespaces is asked of what exists", () => {
    const queries = dashboard.templating.list
      .filter(({ type }) => type === "query")
      .map(({ query }) => query.query);
    expect(queries).toHaveLength(1);
    for (const query of queries) {
      const [, metric = "", label = ""] = /^label_values\((\w+), (\w+)\)$/.exec(query) ?? [];
      expect(series.get(metric)?.has(label)).toBe(true);
    }
  });
});
