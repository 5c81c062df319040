import { expect, test } from "vitest";
import { virtualClock } from "../../runtime/adapters/virtual.ts";
import { fixedToken, telling, tokenFromFile, tokenFromPlugin } from "./credentials.ts";

function fileOf(first: string) {
  const clock = virtualClock();
  const file = { text: first as string | undefined, reads: 0 };
  const credentials = tokenFromFile({
    path: "/sa/token",
    clock,
    read: () => {
      file.reads++;
      return file.text === undefined ? Promise.reject(new Error("ENOENT")) : Promise.resolve(file.text);
    },
  });
  return { clock, credentials, file };
}

test("a token file is read once a minute, and once by all who ask at the same time", async () => {
  const { clock, credentials, file } = fileOf("one\n");
  expect(await Promise.all([credentials.token(), credentials.token()])).toEqual(["one", "one"]);
  file.text = "two";
  expect(await credentials.token()).toBe("one");
  expect(file.reads).toBe(1);
  await clock.advance(60_000);
  expect(await credentials.token()).toBe("two");
  expect(file.reads).toBe(2);
});

test.each([
  ["given once", () => fixedToken("one")],
  ["of a file", () => fileOf("one").credentials],
])(
  "a token %s is told whenever it is used, so that nobody forgets to keep it out of logs",
  async (_, make) => {
    const told: string[] = [];
    const credentials = telling(make(), (token) => void told.push(token));
    for (let use = 0; use < 3; use += 1) await credentials.token();
    expect(told).toEqual(["one", "one", "one"]);
  },
);

test("a token that takes the place of a refused one is told too", async () => {
  const { credentials, file } = fileOf("one");
  const told: string[] = [];
  const used = telling(credentials, (token) => void told.push(token));
  await used.token();
  file.text = "two";
  await used.replacement("one");
  expect(told).toEqual(["one", "two"]);
});

test("while it cannot be read, the last token serves; without one the error stands", async () => {
  const { clock, credentials, file } = fileOf("one");
  await credentials.token();
  file.text = undefined;
  await clock.advance(120_000);
  expect(await credentials.token()).toBe("one");
  const never = fileOf("");
  await expect(never.credentials.token()).rejects.toThrow("/sa/token is empty");
});

test("who was refused a token that was replaced meanwhile gets the new one without another read", async () => {
  const { credentials, file } = fileOf("one");
  await credentials.token();
  file.text = "two";
  expect(await credentials.replacement("one")).toBe("two");
  expect(await credentials.replacement("one")).toBe("two");
  expect(file.reads).toBe(2);
  expect(await credentials.replacement("two")).toBeUndefined();
});

test("a plugin is asked again shortly before its token ends, and when the token is refused", async () => {
  const clock = virtualClock();
  let runs = 0;
  const credentials = tokenFromPlugin({
    clock,
    run: () => Promise.resolve({ token: `token-${++runs}`, expiresAt: clock.now() + 600_000 }),
  });
  expect(await credentials.token()).toBe("token-1");
  await clock.advance(580_000);
  expect(await credentials.token()).toBe("token-1");
  await clock.advance(15_000);
  expect(await credentials.token()).toBe("token-2");
  expect(await credentials.replacement("token-2")).toBe("token-3");
});
