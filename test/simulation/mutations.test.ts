/** The simulator can see: each deliberate fault in the controller is caught within so many seeds. */
import { spawn } from "node:child_process";
import { expect, it } from "vitest";
import { mutations } from "./mutations.ts";

const simulate = new URL("simulate.ts", import.meta.url).pathname;

/** Runs seeds until one breaks a promise. @returns exit code and everything printed */
function seek(
  mutation: string,
  scenario: string,
  seeds: number,
): Promise<{ code: number | null; text: string }> {
  const args = [simulate, "--mutation", mutation, "--scenario", scenario, "--seeds", String(seeds)];
  const child = spawn(process.execPath, [...args, "--processes", "1", "--stop-at-first"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  const listen = (chunk: Buffer): void => void (text += chunk.toString());
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, text })));
}

it.each(mutations)("$name is caught: $about", { timeout: 300_000 }, async ({ name, scenario, within }) => {
  const { code, text } = await seek(name, scenario, within);
  expect(text).toMatch(/^\d+ seeds, [1-9]\d* violations/m);
  expect(code).toBe(1);
});
