/** Where a listener is reached. */
import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { listen } from "./listen.ts";

const hasIPv6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.family === "IPv6");

test("without a host it answers at every address, IPv6 and IPv4", async () => {
  const listener = await listen({ fetch: () => new Response("here"), name: "ops", host: undefined, port: 0 });
  try {
    const hosts = ["127.0.0.1", ...(hasIPv6 ? ["[::1]"] : [])];
    for (const host of hosts)
      expect(await (await fetch(`http://${host}:${listener.port}/`)).text()).toBe("here");
    expect(listener.url).toMatch(/^http:\/\/(?:\[::\]|0\.0\.0\.0):\d+$/);
  } finally {
    await listener.close();
  }
});

test("a port that is taken is named with its address", async () => {
  const options = { fetch: () => new Response(), name: "webhooks", host: "127.0.0.1" };
  const first = await listen({ ...options, port: 0 });
  await expect(listen({ ...options, port: first.port })).rejects.toThrow(
    `the webhooks listener cannot use 127.0.0.1:${first.port}`,
  );
  await first.close();
});
