/** The smallest project that has one of everything: quick enough to be made once for each request it takes. */
import { seedTemplate, shopEnvironment, shopPreview, shopProject } from "../support/shop.ts";
import type { Manifest, World } from "../support/world.ts";

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
