/** Questions go to people only. */
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createAsk } from "./ask.ts";

function streams(options: { input?: boolean; output?: boolean } = {}) {
  const { input = true, output = true } = options;
  const stdin = Object.assign(new PassThrough(), { isTTY: input });
  const stderr = Object.assign(new PassThrough(), { isTTY: output });
  return { stdin, stderr };
}

test("nobody is asked where nobody types, or nobody reads", () => {
  expect(createAsk(streams({ input: false }))).toBeUndefined();
  expect(createAsk(streams({ output: false }))).toBeUndefined();
});

test("the question goes to standard error, and the line that was typed is the answer", async () => {
  const { stderr, stdin } = streams();
  const answer = createAsk({ stderr, stdin })?.("Really? ");
  stdin.write("yes\n");
  expect(await answer).toBe("yes");
  expect(String(stderr.read())).toContain("Really? ");
});

test("an input that ends is an empty answer", async () => {
  const { stderr, stdin } = streams();
  const answer = createAsk({ stderr, stdin })?.("Really? ");
  stdin.end();
  expect(await answer).toBe("");
});

test("Ctrl-C is an empty answer", async () => {
  const { stderr, stdin } = streams();
  const answer = createAsk({ stderr, stdin })?.("Really? ");
  stdin.write("\u0003");
  expect(await answer).toBe("");
});
