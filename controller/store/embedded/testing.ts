/** What the tests of the store share: inputs that stand still, and a custom resource without a schema of its own. */
import type { Clock, Random } from "../../runtime/clock.ts";
import type { KubernetesObject, ResourceType } from "../resource-client.ts";
import { builtinTypes } from "./builtin/index.ts";
import { openEmbeddedStore, type EmbeddedStore, type EmbeddedStoreOptions } from "./store.ts";
import type { TypeDefinition } from "./type-definition.ts";

export const thingType: ResourceType = {
  group: "test.dev",
  version: "v1",
  kind: "Thing",
  plural: "things",
  namespaced: true,
};

/** A type with status and generation, whose schema only says which list is a list-map. */
const thingDefinition: TypeDefinition = {
  type: thingType,
  singular: "thing",
  shortNames: [],
  categories: [],
  hasStatus: true,
  hasGeneration: true,
  schema: {
    type: "object",
    properties: {
      spec: {
        type: "object",
        properties: {
          items: {
            type: "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            items: { type: "object", properties: { name: { type: "string" }, value: { type: "integer" } } },
          },
          map: { type: "object", additionalProperties: { type: "integer" } },
          atomic: { type: "array", items: { type: "integer" } },
          scalar: { type: "integer" },
        },
      },
    },
  },
};

export function thing(name: string, spec: object = {}, metadata: object = {}): KubernetesObject {
  return {
    apiVersion: "test.dev/v1",
    kind: "Thing",
    metadata: { name, namespace: "default", ...metadata },
    spec,
  };
}

export interface TestClock extends Clock {
  advance(milliseconds: number): void;
}

/** A clock that stands still unless advanced; timers fire as soon as the current job is done. */
export function testClock(): TestClock {
  let now = Date.parse("2026-01-01T00:00:00Z");
  return {
    now: () => now,
    monotonic: () => now,
    setTimer(_, callback) {
      let cancelled = false;
      queueMicrotask(() => {
        if (!cancelled) callback();
      });
      return { cancel: () => void (cancelled = true) };
    },
    sleep: () => Promise.resolve(),
    advance: (milliseconds) => void (now += milliseconds),
  };
}

/** Reproducible chance. */
function testRandom(): Random {
  let state = 7;
  let ids = 0;
  const next = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  return {
    next,
    hex: (bytes) => Array.from({ length: bytes * 2 }, () => Math.floor(next() * 16).toString(16)).join(""),
    uuid: () => `00000000-0000-4000-8000-${String((ids += 1)).padStart(12, "0")}`,
  };
}

/** A store with all built-in types and the thing. In memory unless a path is given. */
export function openTestStore(options: Partial<EmbeddedStoreOptions> = {}): Promise<EmbeddedStore> {
  return openEmbeddedStore({
    path: ":memory:",
    clock: testClock(),
    random: testRandom(),
    types: [...builtinTypes, thingDefinition],
    ...options,
  });
}
