/** A reader that goes away (`flaresmith crds | head -1`) is no failure of the command. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";

test("a command whose output nobody reads to its end exits as usual, without a stack trace", async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), "crds"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  // Closed before anything is written: the first write fails already.
  child.stdout.destroy();
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const [code] = (await once(child, "close")) as [number | null];
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
});
