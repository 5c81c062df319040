/** The smallest project that has one of everything: quick enough to be made once for each request it takes. */
import { seedTemplate, shopEnvironment, shopPreview, shopProject } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import type { Manifest, World } from "../support/world.ts";
import { names } from "./support.ts";

export function smallShop(spec: Record<string, unknown> = {}): Manifest[] {
  const project = shopProject({ previews: { environmentRef: { name: "shop-dev" } }, ...spec });
  const cloudflare = {
    ...(project.spec?.["cloudflare"] as Record<string, unknown>),
    kv: [{ name: "cache" }],
    r2: [{ name: "files", scope: "Project" }],
  };
  const environment = shopEnvironment("dev", {
    cloudflare: {
      workers: [
        {
          name: "api",
          vars: [{ name: "ENVIRONMENT", valueFrom: { field: "environment" } }],
          crons: ["0 3 * * *"],
          routes: [{ pattern: "dev.acme.example/*", zone: "acme.example" }],
          bindings: [
            { name: "CACHE", kv: "cache" },
            { name: "FILES", r2: "files" },
          ],
        },
      ],
    },
  });
  return [{ ...project, spec: { ...project.spec, cloudflare, ...spec } }, environment, shopPreview()];
}

/** Applies it; what comes of it is for the caller to await. */
export async function applySmallShop(world: World, spec: Record<string, unknown> = {}): Promise<void> {
  seedTemplate(world);
  await world.apply(...smallShop(spec));
}

const policy = { deletionPolicy: "Delete" };

/** The small shop whose deletion leaves nothing. */
export function fleetingShop(): Manifest[] {
  return smallShop(policy).map((manifest) =>
    manifest.kind === "Environment" ? { ...manifest, spec: { ...manifest.spec, ...policy } } : manifest,
  );
}

/** Lets time go on until no Project, Environment or Preview exists. @throws Error after an hour of virtual time */
export async function gone(of: World): Promise<void> {
  await of.until(async () => {
    const objects = await Promise.all(["Project", "Environment", "Preview"].map((kind) => of.list(kind)));
    return objects.flat().length === 0;
  }, 3_600_000);
}

/** What the small shop comes to when nothing goes wrong. */
export async function smallShopNames(): Promise<string[]> {
  const world = await createWorld();
  await applySmallShop(world);
  await world.settle();
  const expected = names(world.sandbox);
  await world.stop();
  return expected;
}
