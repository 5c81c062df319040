/** What git itself started, as it tells with `GIT_TRACE2_EVENT`: the oracle for what was executed. */
import { readFileSync } from "node:fs";
import type { GitRunner } from "../../controller/runtime/adapters/run-git.ts";

/** Makes every run write what it starts to a file. */
export function tracing(run: GitRunner, file: string): GitRunner {
  return (command, signal) => run({ ...command, env: { ...command.env, GIT_TRACE2_EVENT: file } }, signal);
}

/** Argument lists of every program that git started, or that was git; empty when nothing ran. */
export function startedPrograms(file: string): string[][] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { event: string; argv?: string[] })
    .filter(({ event }) => event === "start" || event === "child_start" || event === "exec")
    .map(({ argv = [] }) => argv);
}

/** What reading a repository takes: git and its parts, a shell's line for the other side, and ssh where the URL says so. */
const EXPECTED = [
  /^(?:\/\S+\/)?(?:git|git-upload-pack|git-remote-https)$/,
  /^git-upload-pack --strict '(?:[^']|'\\'')*'$/,
  /^ssh -F \/dev\/null -i /,
];

/** What was started and should not have been. */
export function unexpectedPrograms(file: string): string[][] {
  return startedPrograms(file).filter(
    ([program = ""]) => !EXPECTED.some((expected) => expected.test(program)),
  );
}
