import { happens, spread } from "../chance.ts";
import { drawFaults } from "../faults.ts";
import type { Scenario, Scene, Step } from "../run.ts";
import { wholeShape } from "../shapes.ts";
import { outsider } from "../people.ts";

/** Somebody else's things under the names that the project would choose: what they are, and which objects they stop. */
const occupations: Readonly<
  Record<string, { stops: readonly string[]; occupy(scene: Scene): Promise<unknown> }>
> = Object.freeze({
  repository: {
    stops: ["Project/shop"],
    occupy: (scene) =>
      outsider(scene, "github", {
        method: "POST",
        path: "/orgs/acme/repos",
        body: { name: "shop", auto_init: true, description: "somebody else's" },
      }),
  },
  "Neon project": {
    stops: ["Project/shop"],
    occupy: (scene) =>
      outsider(scene, "neon", {
        method: "POST",
        path: "/projects",
        body: {
          project: { name: "shop", org_id: scene.sandbox.seed.neon.orgId, region_id: "aws-eu-central-1" },
        },
      }),
  },
  "KV namespace": {
    stops: ["Environment/shop-dev"],
    occupy: (scene) =>
      outsider(scene, "cloudflare", {
        method: "POST",
        path: `/accounts/${scene.sandbox.seed.cloudflare.accountId}/storage/kv/namespaces`,
        body: { title: "shop-cache-dev" },
      }),
  },
  bucket: {
    stops: ["Project/shop"],
    occupy: (scene) =>
      outsider(scene, "cloudflare", {
        method: "POST",
        path: `/accounts/${scene.sandbox.seed.cloudflare.accountId}/r2/buckets`,
        body: { name: "shop-files" },
      }),
  },
});

/** Makes somebody else's things, and then the project that wants their names. */
export function occupyAndWant(chosen: readonly string[]): Step["act"] {
  return async (scene) => {
    const before = new Set(scene.things().map((thing) => thing.name));
    for (const name of chosen) await occupations[name]?.occupy(scene);
    for (const thing of scene.things())
      if (!before.has(thing.name)) scene.intention.foreign.set(thing.name, JSON.stringify(thing));
    await scene.want({ ...wholeShape("shop"), template: false });
  };
}

/** Lets the project have everything that can be adopted. */
export async function consent(scene: Scene): Promise<void> {
  scene.intention.foreign.clear();
  scene.intention.meddled();
  const adopt = { "flaresmith.dev/adopt": "githubRepo,cloudflareR2/files,cloudflareKv/cache" };
  await scene.team.annotate("Project", "shop", adopt);
  await scene.team.annotate("Environment", "shop-dev", adopt);
}

export const foreignName: Scenario = {
  name: "foreign-name",
  about:
    "Names that a project would choose belong to somebody else; sometimes he lets the project have them.",
  script: (random) => {
    const faults = drawFaults(random, { most: 120_000 });
    const some = Object.keys(occupations).filter(() => happens(random, 0.4));
    const chosen = some.length === 0 ? ["repository"] : some;
    // Theirs come before the project, so that what comes of it does not hang on who was first.
    const steps: Step[] = [{ at: 0, act: occupyAndWant(chosen) }];
    const end = random.next();
    const blocked = chosen.flatMap((name) => occupations[name]?.stops ?? []);
    if (end < 0.3) {
      steps.push({ at: spread(random, 1_000, faults.end), act: (scene) => scene.abandon("shop") });
    } else if (end < 0.6 && !chosen.includes("Neon project")) {
      steps.push({ at: spread(random, 1_000, faults.end * 1.2 + 1_000), act: consent });
      return { steps, faults };
    }
    return { steps, faults, blocked };
  },
};
