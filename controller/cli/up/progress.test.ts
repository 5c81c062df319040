/** What people see after everything was Ready: changes go on being told, once each. */
import { expect, test } from "vitest";
import { virtualClock } from "../../runtime/adapters/virtual.ts";
import type { KubernetesObject } from "../../store/resource-client.ts";
import { textProgress } from "./progress.ts";

function project(
  name: string,
  generation: number,
  ready: "True" | "False",
  message: string,
): KubernetesObject {
  const reason = ready === "True" ? "Succeeded" : "Conflict";
  const place = {
    observedGeneration: generation,
    lastTransitionTime: "2026-01-01T00:00:00Z",
    reason,
    message,
  };
  const stalled = ready === "True" ? [] : [{ type: "Stalled", status: "True", ...place }];
  return {
    apiVersion: "flaresmith.dev/v1alpha1",
    kind: "Project",
    metadata: { name, namespace: "default", generation },
    spec: {},
    status: {
      observedGeneration: generation,
      conditions: [{ type: "Ready", status: ready, ...place }, ...stalled],
    },
  };
}

const connection = { ...project("github", 1, "True", ""), kind: "Connection" };

function started(interactive: boolean, objects: readonly KubernetesObject[]) {
  const written: string[] = [];
  const drawn: string[] = [];
  const clock = virtualClock();
  const terminal = {
    line: (text: string) => void written.push(text),
    error: (text: string) => void written.push(text),
    raw: (text: string) => void drawn.push(text),
    interactive,
    columns: 120,
  };
  const progress = textProgress(terminal, clock);
  progress.show(objects);
  return { clock, drawn, progress, written };
}

const shop = project("shop", 1, "True", "Everything is as specified.");
const taken = project("shop", 1, "False", "The name is taken.");

test.each([true, false])(
  "a change after the end is told by a line of its own (terminal: %s)",
  (interactive) => {
    const { progress, written } = started(interactive, [shop]);
    progress.end();
    written.length = 0;
    progress.changed(shop);
    expect(written).toEqual([]);
    progress.changed(taken);
    progress.changed(taken);
    expect(written).toEqual(["✗ project shop: Conflict: The name is taken."]);
  },
);

test.each([true, false])(
  "an object that goes is told, and told anew when it comes back (terminal: %s)",
  (interactive) => {
    const { progress, written } = started(interactive, [shop]);
    progress.end();
    written.length = 0;
    progress.gone(shop);
    progress.gone(shop);
    progress.changed(shop);
    expect(written).toEqual(["- project shop: gone", "✓ project shop: Ready"]);
  },
);

test("what was seen last on a terminal is not told again when the lines are left", () => {
  const { drawn, progress, written } = started(true, [shop]);
  progress.changed(taken);
  progress.end();
  expect(drawn.at(-1)).toContain("✗ project shop: Conflict: The name is taken.\n");
  progress.changed(taken);
  expect(written).toEqual([]);
});

test("on a terminal a burst of changes is drawn once, in the order of kinds and names", async () => {
  const { clock, drawn, progress } = started(true, [shop]);
  drawn.length = 0;
  progress.changed(project("books", 1, "True", ""));
  for (let change = 0; change < 1000; change += 1) progress.changed(change % 2 === 0 ? taken : shop);
  progress.changed(connection);
  await clock.advance(1000);
  expect(drawn).toEqual([
    "\u001b[1A\u001b[0J✓ connection github: Ready\n✓ project books: Ready\n✓ project shop: Ready\n",
  ]);
});

test("of more objects than a screen has lines, those that are not Ready are shown, and how many are", async () => {
  const many = Array.from({ length: 40 }, (_, index) => project(`p${index}`, 1, "True", ""));
  const { clock, drawn, progress } = started(true, many);
  progress.changed(taken);
  await clock.advance(1000);
  expect(drawn.at(-1)).toContain("✗ project shop: Conflict: The name is taken.\n  40 of 41 are Ready\n");
  progress.gone(taken);
  await clock.advance(1000);
  expect(drawn.at(-1)).toMatch(/0J {2}40 of 40 are Ready\n$/);
});

test("an object whose status speaks of the spec before is not called by that status", () => {
  const edited = { ...shop, metadata: { ...shop.metadata, generation: 2 } };
  expect(started(false, [edited]).written).toEqual(["… project shop: to be compared"]);
});
