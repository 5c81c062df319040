/** What people see while a command is busy. */
import { expect, test } from "vitest";
import { activityLine } from "./activity-line.ts";
import type { Terminal } from "./terminal.ts";

function recorded(interactive: boolean): { terminal: Terminal; out: string[]; err: string[] } {
  const out: string[] = [];
  const err: string[] = [];
  const terminal: Terminal = {
    line: (text) => void out.push(`${text}\n`),
    error: (text) => void err.push(text),
    raw: (text) => void out.push(text),
    interactive,
    columns: 20,
  };
  return { terminal, out, err };
}

test("on a terminal one line is redrawn, cut to the width, and gone before the result", () => {
  const { err, out, terminal } = recorded(true);
  const line = activityLine(terminal);
  line.clear();
  line.show("looking at something long");
  line.show("short");
  line.clear();
  line.clear();
  expect(out).toEqual(["\r\u001b[Klooking at somethi…", "\r\u001b[Kshort", "\r\u001b[K"]);
  expect(err).toEqual([]);
});

test("elsewhere each step is a plain line beside the result, without secrets", () => {
  const { err, out, terminal } = recorded(false);
  activityLine(terminal, (text) => text.replace("s3cret", "…")).show("with s3cret");
  expect(err).toEqual(["with …"]);
  expect(out).toEqual([]);
});

test("beside JSON nothing is shown", () => {
  expect(() => {
    const line = activityLine(undefined);
    line.show("anything");
    line.clear();
  }).not.toThrow();
});
