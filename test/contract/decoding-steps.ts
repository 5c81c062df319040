/** Steps about metadata of the wrong shape, which a Go API server refuses or drops while it decodes. */
import { widget, type Step } from "./transcript-steps.ts";

/** Each stores nothing. */
export const decodingSteps: readonly Step[] = [
  {
    title: "metadata: unknown field",
    verb: "create",
    name: "v",
    strict: true,
    body: widget("v", { name: "a", junk: 1 }, { foo: 1 }),
  },
  {
    title: "metadata: unknown field is dropped",
    verb: "create",
    name: "v",
    dryRun: true,
    body: widget("v", { name: "a" }, { foo: 1, creationTimestamp: null, annotations: { a: null } }),
  },
  {
    title: "metadata: label is a number",
    verb: "create",
    name: "v",
    body: widget("v", { name: "a" }, { labels: { a: 5 } }),
  },
  {
    title: "metadata: labels are a list",
    verb: "create",
    name: "v",
    body: widget("v", { name: "a" }, { labels: ["a"] }),
  },
  {
    title: "metadata: generation is text",
    verb: "create",
    name: "v",
    body: widget("v", { name: "a" }, { generation: "a" }),
  },
  {
    title: "metadata: finalizers are a text",
    verb: "create",
    name: "v",
    body: widget("v", { name: "a" }, { finalizers: "a" }),
  },
];
