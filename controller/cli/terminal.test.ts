/** What values do to the terminal of whoever looks at them: nothing. */
import { expect, test } from "vitest";
import { virtualClock } from "../runtime/adapters/virtual.ts";
import { activityLine } from "./activity-line.ts";
import { matrixText } from "./matrix-text.ts";
import { createTerminal, tableText } from "./terminal.ts";
import { textProgress } from "./up/progress.ts";

/** Names the window, erases the screen, turns text around, hides a line's end. */
const HOSTILE = "x\u001b]0;owned\u0007\u001b[2J\u009b2J\u202Egpj\u200b\u2028\r\u{E0041}\u007f";
const SHOWN =
  "x\\u001b]0;owned\\u0007\\u001b[2J\\u009b2J\\u202egpj\\u200b\\u2028\\u000d\\udb40\\udc41\\u007f";

function opened(isTTY = false) {
  const written = { out: "", err: "" };
  const terminal = createTerminal({
    stdout: { write: (text) => (written.out += text), isTTY, columns: 300 },
    stderr: { write: (text) => (written.err += text), isTTY },
    env: {},
  });
  return { terminal, written };
}

test("control and format characters in a line are shown, not sent; lines and letters stay", () => {
  const { terminal, written } = opened();
  terminal.line(`a: ${HOSTILE}\nb: Zürich 東京 ✓ 🙂`);
  terminal.error(`error: ${HOSTILE}`);
  expect(written).toEqual({ out: `a: ${SHOWN}\nb: Zürich 東京 ✓ 🙂\n`, err: `error: ${SHOWN}\n` });
});

test("as JSON they are still the same value", () => {
  const { terminal, written } = opened();
  const value = { branch: HOSTILE, list: ["a\nb"] };
  terminal.line(JSON.stringify(value, null, 2));
  expect(written.out).not.toMatch(/[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]--[\n]]/v);
  expect(JSON.parse(written.out)).toEqual(value);
});

test("what is meant to move the cursor does", () => {
  const { terminal, written } = opened();
  terminal.raw("\r\u001b[K");
  expect(written.out).toBe("\r\u001b[K");
});

test("a cell is as wide as what is shown of it, and no cell begins a line", () => {
  const [, row, ...more] = tableText(["BRANCH", "COMMIT"], [[`${HOSTILE}\nmain`, "53cc6d5"]]).split("\n");
  expect(row).toBe(`${SHOWN} main   53cc6d5`);
  expect(more).toEqual([]);
});

test("nothing of an object reaches a terminal as it is: matrix, living lines, activity", async () => {
  const { terminal, written } = opened(true);
  const row = { kind: "Preview", name: "shop-pr-1", stage: "Preview", health: "Unknown" };
  const rest = { reason: "Conflict", message: HOSTILE, commit: HOSTILE, neonBranch: null, url: HOSTILE };
  const matrix = {
    namespace: "default",
    project: "shop",
    rows: [{ ...row, ...rest, ready: "False", branch: HOSTILE }],
  };
  terminal.line(matrixText(matrix as unknown as Parameters<typeof matrixText>[0]));
  activityLine(terminal).show(HOSTILE);
  const clock = virtualClock();
  const progress = textProgress(terminal, clock);
  const place = { observedGeneration: 1, lastTransitionTime: "2026-01-01T00:00:00Z", reason: "Conflict" };
  progress.show([
    {
      apiVersion: "flaresmith.dev/v1alpha1",
      kind: "Preview",
      metadata: { name: "shop-pr-1", namespace: "default", generation: 1 },
      status: {
        observedGeneration: 1,
        conditions: [{ type: "Ready", status: "False", message: `${HOSTILE}\n✓ all`, ...place }],
      },
    },
  ]);
  progress.note(HOSTILE);
  await clock.advance(1000);
  // Ours, to draw lines again.
  const values = written.out.replaceAll("\r\u001b[K", "").replaceAll("\u001b[1A\u001b[0J", "");
  expect(values).not.toMatch(/[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]--[\n]]/v);
  expect(values).toContain(`Conflict: ${SHOWN} ✓ all\n`);
});
