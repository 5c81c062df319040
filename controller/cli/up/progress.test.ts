/** What people see after everything was Ready: changes go on being told, once each. */
import { expect, test } from "vitest";
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

function screen(interactive: boolean) {
  const written: string[] = [];
  const terminal = {
    line: (text: string) => void written.push(text),
    error: (text: string) => void written.push(text),
    raw: () => undefined,
    interactive,
    columns: 120,
  };
  return { terminal, written };
}

const shop = project("shop", 1, "True", "Everything is as specified.");

test.each([true, false])(
  "a change after the end is told by a line of its own (terminal: %s)",
  (interactive) => {
    const { terminal, written } = screen(interactive);
    const progress = textProgress(terminal);
    progress.show([shop]);
    progress.end();
    written.length = 0;
    progress.show([shop]);
    expect(written).toEqual([]);
    progress.show([project("shop", 1, "False", "The name is taken.")]);
    progress.show([project("shop", 1, "False", "The name is taken.")]);
    expect(written).toEqual(["✗ project shop: Conflict: The name is taken."]);
  },
);

test.each([true, false])(
  "an object that goes is told, and told anew when it comes back (terminal: %s)",
  (interactive) => {
    const { terminal, written } = screen(interactive);
    const progress = textProgress(terminal);
    progress.show([shop]);
    progress.end();
    written.length = 0;
    progress.show([]);
    progress.show([]);
    progress.show([shop]);
    expect(written).toEqual(["- project shop: gone", "✓ project shop: Ready"]);
  },
);

test("an object whose status speaks of the spec before is not called by that status", () => {
  const { terminal, written } = screen(false);
  const edited = { ...shop, metadata: { ...shop.metadata, generation: 2 } };
  textProgress(terminal).show([edited]);
  expect(written).toEqual(["… project shop: to be compared"]);
});
