/** What a Source says and does when the store does not take what it applies. */
import { afterEach, expect, test } from "vitest";
import { ApiError } from "../store/resource-client.ts";
import type { ResourceClient } from "../store/resource-client.ts";
import { conditionOf, createSourceWorld, project } from "../../test/support/source-world.ts";
import type { SourceWorld } from "../../test/support/source-world.ts";

let world: SourceWorld;
afterEach(() => world.stop());

/** A world whose store answers applies with `refusal` for as long as there is one. */
async function refusing(refusal: ApiError): Promise<{ readonly heal: () => void }> {
  let current: ApiError | undefined = refusal;
  const client = new Proxy({} as ResourceClient, {
    get: (_, name: keyof ResourceClient) =>
      name === "apply" && current !== undefined
        ? () => Promise.reject(current)
        : (world.store[name] as (...args: unknown[]) => unknown).bind(world.store),
  });
  world = await createSourceWorld({ client });
  await world.write({ "shop.yaml": project("shop") });
  await world.source("platform", { directory: world.directory });
  return { heal: () => void (current = undefined) };
}

const user = 'User "system:serviceaccount:flaresmith-system:flaresmith"';

test.each([
  ["does not know the controller for a moment", 401, "Unauthorized", "Unauthorized"],
  [
    "has not read its roles yet",
    403,
    "Forbidden",
    `projects.flaresmith.dev "shop" is forbidden: ${user} cannot patch resource "projects"`,
  ],
  ["is away", 503, "ServiceUnavailable", "the server is currently unable to handle the request"],
])("an API server that %s is asked again soon, and no file is blamed", async (_, code, reason, message) => {
  const { heal } = await refusing(new ApiError({ code, reason, message }));
  const source = await world.sync("platform");
  expect(conditionOf(source, "Ready")).toMatchObject({
    status: "False",
    message: expect.stringContaining(message) as string,
  });
  expect(source.status?.errors ?? []).toEqual([]);
  heal();
  const began = world.clock.now();
  await world.until(async () => (await world.find("Project", "shop")) !== undefined);
  expect(world.clock.now() - began).toBeLessThan(120_000);
});

test("an object that a policy denies is its file's error", async () => {
  const message =
    'projects.flaresmith.dev "shop" is forbidden: ValidatingAdmissionPolicy "names" denied request: no shops';
  await refusing(new ApiError({ code: 403, reason: "Forbidden", message }));
  const source = await world.sync("platform");
  expect(source.status?.errors).toMatchObject([{ file: "shop.yaml", line: 1, message }]);
});
