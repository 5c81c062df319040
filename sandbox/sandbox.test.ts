import { expect, test } from "vitest";
import { createSandbox } from "./sandbox.ts";

test("requests reach the provider of their origin; any other origin does not exist", async () => {
  const { fetch, seed, urls } = createSandbox();
  const neon = await fetch(`${urls.neon}/projects`, {
    headers: { authorization: `Bearer ${seed.neon.token}` },
  });
  expect(await neon.json()).toMatchObject({ projects: [] });
  const github = await fetch(`${urls.github}/orgs/acme`, {
    headers: { authorization: `Bearer ${seed.github.token}`, "user-agent": "test" },
  });
  expect(await github.json()).toMatchObject({ login: "acme" });
  await expect(fetch("https://api.github.com/user")).rejects.toThrow(
    "https://api.github.com is not part of this sandbox",
  );
});

test("an aborted request rejects with the signal's reason", async () => {
  const { context, fetch, urls } = createSandbox();
  context.faults.add({ provider: "neon", delay: 1_000 });
  const controller = new AbortController();
  const pending = fetch(`${urls.neon}/regions`, { signal: controller.signal });
  controller.abort(new Error("deadline"));
  await expect(pending).rejects.toThrow("deadline");
});

test("equal seeds give equal credentials, other seeds others", () => {
  expect(createSandbox({ seed: 3 }).seed).toEqual(createSandbox({ seed: 3 }).seed);
  expect(createSandbox({ seed: 3 }).seed.neon.token).not.toBe(createSandbox({ seed: 4 }).seed.neon.token);
});
