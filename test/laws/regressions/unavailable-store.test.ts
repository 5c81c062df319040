/** An API server that cannot answer for a moment is told as that, and never as a defect of the controller. */
import { expect, it } from "vitest";
import { ApiError } from "../../../controller/store/resource-client.ts";
import { createWorld } from "../../support/world.ts";
import { applySmallShop } from "../small-shop.ts";
import { connectedStore, unready } from "../support.ts";

it("reads of Secrets that are answered 503 delay, and no condition or log line speaks of a defect", async () => {
  const base = await connectedStore();
  let refusing = false;
  const store = new Proxy(base.store, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      return (...parameters: unknown[]): unknown => {
        if (property === "get" && refusing)
          return Promise.reject(
            new ApiError({
              code: 503,
              reason: "ServiceUnavailable",
              message: "the server is unable to handle it",
            }),
          );
        return Reflect.apply(value as (...all: unknown[]) => unknown, target, parameters);
      };
    },
  });
  const logged: string[] = [];
  const log = (line: string): void => void logged.push(line);
  const world = await createWorld({ sandbox: base.sandbox, store, time: base.time, log });
  await applySmallShop(world);
  refusing = true;
  await world.pass(60_000);
  refusing = false;
  await world.settle();
  expect(await unready(world)).toEqual([]);
  expect(logged.join("\n")).not.toContain("defect");
  expect((await world.tracker.exposition()).body).not.toMatch(/errors_total\{[^}]*INTERNAL_ERROR/);
  await world.stop();
});
