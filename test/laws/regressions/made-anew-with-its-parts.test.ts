/** What was deleted by somebody else and is made anew by consent is made with everything that lay in it. */
import { expect, it } from "vitest";
import type { KubernetesObject } from "../../../controller/store/resource-client.ts";
import { conditionsOf, createWorld } from "../../support/world.ts";
import type { Manifest, World } from "../../support/world.ts";
import { asSomeoneElse, external } from "../support.ts";

const files = [
  { path: "docs/spec.md", content: "# Spec\n" },
  { path: "src/index.js", content: "export default {};\n" },
];

const shop: Manifest = {
  kind: "Project",
  metadata: { name: "shop" },
  spec: { github: { connectionRef: { name: "github" }, repository: "shop", files } },
};

/** Says yes to whatever the conditions ask for. */
async function agree(world: World, object: KubernetesObject): Promise<void> {
  const words = conditionsOf(object)
    .map(({ message }) => message)
    .join(" ");
  const found = /(flaresmith\.dev\/confirm(?:-gone)?): "?([0-9a-z]+)/.exec(words);
  if (found) await world.annotate("Project", "shop", { [found[1] ?? ""]: found[2] ?? "" });
}

const filesOf = (world: World): string[] =>
  Object.keys(external(world.sandbox).github.repositories.find(({ name }) => name === "shop")?.files ?? {});

it("the files of a repository that was deleted are in the new one", async () => {
  const world = await createWorld();
  await world.apply(shop);
  await world.settle();
  const before = filesOf(world);
  expect(before).toContain("src/index.js");
  await world.pass(60_000);
  await asSomeoneElse(world, "github", "DELETE", "/repos/acme/shop");
  await world.request("Project", "shop");
  await world.until(async () => {
    await agree(world, await world.get("Project", "shop"));
    return filesOf(world).length > 0;
  }, 1_200_000);
  await world.settle();
  expect(filesOf(world)).toEqual(before);
  await world.stop();
});
