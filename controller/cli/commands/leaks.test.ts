/** What a person knows before they answer whether leaks are deleted. */
import { expect, test } from "vitest";
import { lostStore } from "../../../test/leaks/lost-store.ts";
import { projectManifests } from "../../../test/leaks/projects.ts";
import { listLeaks, runLeaks } from "../../../test/leaks/support.ts";
import type { LeaksJson } from "../../../test/leaks/support.ts";
import { createWorld } from "../../../test/support/world.ts";
import { seedTemplate } from "../../../test/support/shop.ts";

test("with -o json, standard error lists what is asked about; without a question it is silent", async () => {
  const world = await createWorld();
  seedTemplate(world);
  await lostStore(world, projectManifests("lost", { environments: ["dev"], previews: ["pr-1"] }));
  await world.pass(60_000);
  const { leaks } = await listLeaks(world);
  const preview = leaks.find(({ type }) => type === "preview")?.include ?? "no preview";

  const asked = await runLeaks(world, { delete: true, answer: "no" });
  expect(asked.asked).toEqual(["Delete this one thing at the providers? Type yes to do it: "]);
  const [, toDelete = ""] = /^To be deleted:\n(.*?)\n\n/ms.exec(asked.err) ?? [];
  expect(toDelete).toBe(`  ${preview} (pr-1)`);
  for (const { include } of leaks) expect(asked.err).toContain(include);
  expect((JSON.parse(asked.out) as LeaksJson).deletion?.results).toEqual([]);

  const unasked = await runLeaks(world, { delete: true, yes: true });
  expect(unasked).toMatchObject({ asked: [], err: "" });
});
