/** A listing from before something was made says nothing about whether it is lost: another leader may have made it. */
import { expect, it } from "vitest";
import { seededRandom, virtualClock } from "../../controller/runtime/adapters/virtual.ts";
import { converge } from "./converge.ts";
import { resource } from "./graph.ts";
import { createObjectMemory } from "./memory.ts";
import { createObservationSource } from "./observation-source.ts";
import type { InventoryEntry, ResourceDefinition } from "./resource.ts";

/** What exists, and how often it was listed and read. */
interface Shelf {
  books: Set<string>;
  lists: number;
}

const book: ResourceDefinition<string, string, Shelf> = {
  provider: "library",
  type: "book",
  segment: "book",
  holds: "code",
  ownership: "inherited",
  fields: {},
  reference: (name) => ({ scope: "", name }),
  observe: async ({ name }, context) => {
    const found = await context.read({
      listing: "books",
      list: () => {
        context.client.lists += 1;
        return Promise.resolve([...context.client.books]);
      },
      find: (books) => books.find((one) => one === name),
      single: () => Promise.resolve(context.client.books.has(name) ? name : undefined),
    });
    if (found === undefined) return { state: "absent" };
    return { state: "present", id: name, owner: "unmarked", observed: name, depth: "deep" };
  },
  diff: () => [],
  create: () => Promise.reject(new Error("nothing may be created")),
  update: () => Promise.reject(new Error("nothing may be changed")),
  remove: () => Promise.reject(new Error("nothing may be removed")),
  outputs: () => ({}),
};

it("what another leader made after the last listing is found, and not called deleted by someone else", async () => {
  const clock = virtualClock();
  const shelf: Shelf = { books: new Set(["first"]), lists: 0 };
  const connection = {
    key: "default/library",
    provider: "library",
    account: "",
    client: shelf,
    source: createObservationSource(clock),
    witnessKey: new Uint8Array(),
  };
  const entry = (name: string): InventoryEntry => ({
    slot: name,
    provider: "library",
    type: "book",
    id: name,
    name,
    scope: "",
    key: name,
    state: "ready",
  });
  const pass = (...names: string[]) =>
    converge({
      nodes: names.map((name) =>
        resource({
          slot: name,
          definition: book,
          connection,
          key: name,
          desired: () => name,
          removal: "Orphan",
        }),
      ),
      inventory: new Map(names.map((name) => [name, entry(name)])),
      memory: createObjectMemory(),
      marker: { installation: "inst", namespace: "default", kind: "Project", name: "shop" },
      consents: { adopt: new Set(), confirm: new Set(), gone: new Set() },
      drift: "Correct",
      freshness: 300_000,
      deepInterval: 3_600_000,
      requested: false,
      trust: 0,
      persist: () => Promise.resolve(),
      confirm: () => Promise.resolve(),
      clock,
      random: seededRandom(1),
      tracker: { event: () => undefined, drift: () => undefined, state: () => undefined },
      signal: new AbortController().signal,
    });
  expect(await pass("first")).toMatchObject([{ status: "ready" }]);
  shelf.books.add("second");
  await clock.advance(120_000);
  expect(await pass("first", "second")).toMatchObject([{ status: "ready" }, { status: "ready" }]);
  // The look past the listing was for the one that it does not show.
  expect(shelf.lists).toBe(1);
  shelf.books.delete("second");
  await clock.advance(600_000);
  expect(await pass("first", "second")).toMatchObject([{ status: "ready" }, { status: "confirm" }]);
});
