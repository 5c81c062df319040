/** What `up` says to type next. */
import { expect, test } from "vitest";
import type { SandboxAddresses } from "../../../sandbox/serve.ts";
import type { KubernetesObject } from "../../store/resource-client.ts";
import { psqlCommands } from "./addresses.ts";

const place = { url: "http://127.0.0.1:1", token: "t", account: "acme" };
const addresses: SandboxAddresses = {
  github: place,
  neon: place,
  cloudflare: place,
  workers: { url: place.url },
  postgres: { url: place.url },
  control: { url: place.url },
};

const preview = (name: string): KubernetesObject => ({
  apiVersion: "flaresmith.dev/v1alpha1",
  kind: "Preview",
  metadata: { name, namespace: "default" },
  status: { inventory: [{ provider: "neon", type: "branch", id: `br-${name}`, scope: "project" }] },
});

test("a branch that cannot be read is left out, and the others are there", async () => {
  const commands = await psqlCommands({
    objects: [preview("gone"), preview("garbled"), preview("good"), preview("refused")],
    addresses,
    signal: new AbortController().signal,
    fetch: (input) => {
      const url = input instanceof Request ? input.url : String(input);
      if (url.includes("br-gone")) return Promise.reject(new TypeError("fetch failed"));
      if (url.includes("br-garbled")) return Promise.resolve(new Response("<html>"));
      if (url.includes("br-refused")) return Promise.resolve(new Response("{}", { status: 503 }));
      const answer = url.includes("connection_uri")
        ? { uri: "postgresql://app@127.0.0.1/app" }
        : { databases: [{ name: "app", owner_name: "app" }] };
      return Promise.resolve(Response.json(answer));
    },
  });
  expect(commands).toEqual([{ name: "good", command: "psql 'postgresql://app@127.0.0.1/app'" }]);
});
