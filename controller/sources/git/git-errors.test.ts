/** What a Source says when git fails, for what people can mend themselves. */
import { expect, test } from "vitest";
import { gitError } from "./git-errors.ts";

test.each([
  ["dash", "GIT_SSH_COMMAND: 1: ssh: not found\nfatal: Could not read from remote repository."],
  ["bash", "bash: line 1: ssh: command not found\nfatal: Could not read from remote repository."],
  ["git itself", "error: cannot run ssh: No such file or directory\nfatal: unable to fork"],
])("without ssh on the machine it says to install it, in the words of %s", (_, stderr) => {
  expect(said(stderr)).toMatchObject({
    class: "terminal",
    hint: expect.stringContaining("OpenSSH") as string,
  });
});

test("a user without a name, as ssh wants one, is told so", () => {
  expect(said("No user exists for uid 65532\r\nfatal: Could not read from remote repository.")).toMatchObject(
    {
      class: "terminal",
      hint: expect.stringContaining("/etc/passwd") as string,
    },
  );
});

test("what is not known is told in git's words, without secrets and without what moves a terminal", () => {
  const { message } = said("fatal: the moon is in the way of \u001b[31mhunter2");
  expect(message).toBe(
    "git fetch failed for ssh://git@host.example/a.git: the moon is in the way of \uFFFD[31m***",
  );
});

function said(stderr: string) {
  return gitError({
    command: "fetch",
    url: "ssh://git@host.example/a.git",
    result: { code: 128, stdout: Buffer.alloc(0), stderr },
    redact: (text) => text.replaceAll("hunter2", "***"),
  });
}
