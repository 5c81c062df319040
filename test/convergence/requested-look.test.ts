/** A look that was asked for is owed until it was taken. */
import { afterEach, expect, test } from "vitest";
import { ApiError } from "../../controller/store/resource-client.ts";
import type { ResourceType } from "../../controller/store/resource-client.ts";
import { connectedStore } from "../laws/support.ts";
import { seedTemplate, shopEnvironment, shopProject } from "../support/shop.ts";
import { createWorld, statusOf } from "../support/world.ts";
import type { World } from "../support/world.ts";

const MINUTE = 60_000;
let world: World;
afterEach(() => world.stop());

test("while the API server refuses what the object is made from, it is not called handled", async () => {
  const { sandbox, store: real, time } = await connectedStore();
  let refuses = false;
  const store = new Proxy(real, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      const bound = value.bind(target) as (...args: unknown[]) => unknown;
      if (name !== "get") return bound;
      return (type: ResourceType, ...rest: unknown[]) =>
        refuses && type.kind === "Secret"
          ? Promise.reject(new ApiError({ code: 503, reason: "ServiceUnavailable", message: "away" }))
          : bound(type, ...rest);
    },
  });
  world = await createWorld({ sandbox, store, time });
  seedTemplate(world);
  await world.apply(
    { kind: "Secret", metadata: { name: "keys" }, stringData: { stripe: "sk_1" } },
    shopProject({ previews: undefined }),
    shopEnvironment("staging", {
      secrets: [{ name: "STRIPE", from: { secretRef: { name: "keys", key: "stripe" } }, to: ["GitHub"] }],
    }),
  );
  await world.settle();
  refuses = true;
  await world.annotate("Environment", "shop-staging", { "flaresmith.dev/reconcile-requested-at": "now" });
  await world.pass(5 * MINUTE);
  expect(statusOf(await world.get("Environment", "shop-staging"))["lastHandledReconcileAt"]).not.toBe("now");
  refuses = false;
  await world.until(
    async () => statusOf(await world.get("Environment", "shop-staging"))["lastHandledReconcileAt"] === "now",
    20 * MINUTE,
  );
});
