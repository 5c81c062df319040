import { expect, it } from "vitest";
import { bench, PUBLIC_URL, TOKEN } from "./testing.ts";

/** Runs a promise on microtasks alone; undefined when it needed a turn of the event loop. */
async function onMicrotasks<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  let value: Value | undefined;
  let settled = false;
  promise.then(
    (result) => {
      value = result;
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  for (let turn = 0; turn < 5000 && !settled; turn += 1) await Promise.resolve();
  return value;
}

it("answers without a turn of the event loop, so that a simulated clock can drive it", async () => {
  const { github } = bench();
  const headers = { "user-agent": "test", authorization: `Bearer ${TOKEN}` };
  const created = await onMicrotasks(
    github.fetch(
      new Request(`${PUBLIC_URL}/orgs/acme/repos`, {
        method: "POST",
        headers,
        body: JSON.stringify({ name: "shop", private: true, auto_init: true }),
      }),
    ),
  );
  expect(created?.status).toBe(201);
  const read = await onMicrotasks(
    github.fetch(new Request(`${PUBLIC_URL}/repos/acme/shop/commits/main`, { headers })),
  );
  expect(read?.status).toBe(200);
  expect(read && (await onMicrotasks(read.json()))).toMatchObject({ commit: { message: "Initial commit" } });
});

it("gives the same world for the same seed", async () => {
  const build = async (): Promise<unknown> => {
    const { github, octokit } = bench();
    await octokit.rest.repos.createInOrg({ org: "acme", name: "shop", auto_init: true });
    await octokit.rest.actions.getRepoPublicKey({ owner: "acme", repo: "shop" });
    return github.state();
  };
  expect(await build()).toEqual(await build());
});
