import type { Random } from "../../../controller/runtime/clock.ts";
import { between, count, pick } from "../chance.ts";
import { drawFaults } from "../faults.ts";
import { objectsOf, outsider, takeOver } from "../people.ts";
import type { Scenario, Scene, Step } from "../run.ts";
import { wholeShape } from "../shapes.ts";

/** What somebody else does to what is ours. Nothing of it touches data: that would wait for a person. */
const meddling: readonly ((scene: Scene) => Promise<unknown>)[] = [
  (scene) =>
    outsider(scene, "github", {
      method: "PATCH",
      path: "/repos/acme/shop",
      body: { description: "changed by somebody" },
    }),
  (scene) =>
    outsider(scene, "github", {
      method: "PATCH",
      path: "/repos/acme/shop/actions/variables/REGION",
      body: { name: "REGION", value: "mars" },
    }),
  (scene) =>
    outsider(scene, "github", { method: "DELETE", path: "/repos/acme/shop/actions/variables/REGION" }),
  (scene) => outsider(scene, "github", { method: "DELETE", path: "/repos/acme/shop/environments/dev" }),
  (scene) =>
    outsider(scene, "github", {
      method: "DELETE",
      path: "/repos/acme/shop/environments/dev/secrets/DATABASE_URL",
    }),
  async (scene) => {
    const rulesets = (await outsider(scene, "github", {
      method: "GET",
      path: "/repos/acme/shop/rulesets",
    })) as { id: number }[] | undefined;
    const id = rulesets?.[0]?.id;
    if (id !== undefined)
      await outsider(scene, "github", { method: "DELETE", path: `/repos/acme/shop/rulesets/${id}` });
  },
  (scene) =>
    outsider(scene, "cloudflare", {
      method: "DELETE",
      path: `/accounts/${scene.sandbox.seed.cloudflare.accountId}/workers/scripts/shop-api-dev/schedules`,
    }),
  (scene) =>
    outsider(scene, "cloudflare", {
      method: "PUT",
      path: `/accounts/${scene.sandbox.seed.cloudflare.accountId}/workers/scripts/shop-api-dev/schedules`,
      body: [{ cron: "5 5 * * *" }],
    }),
];

/** Everything that somebody may do, one after the other. */
export async function meddleWithEverything(scene: Scene): Promise<void> {
  scene.intention.meddled();
  for (const how of meddling) await how(scene);
}

function meddle(random: Random): Step["act"] {
  const how = pick(random, meddling);
  return async (scene) => {
    scene.intention.meddled();
    await how(scene);
  };
}

/**
 * The description of a repository says whose it is until the controller has seen that it was made. When somebody changes
 * it while no controller lives, nothing else tells: the team does.
 */
async function knowTheirRepository({ store, team }: Scene): Promise<void> {
  for (const project of objectsOf(store, "Project"))
    await takeOver(team, project, (slot) => slot === "githubRepo");
}

export const drift: Scenario = {
  name: "drift",
  about: "Somebody else changes and deletes what a project stands for, while anything goes wrong.",
  script: (random) => {
    const faults = drawFaults(random);
    const shape = wholeShape("shop");
    const steps: Step[] = [{ at: 0, act: (scene) => scene.want(shape) }];
    for (let left = count(random, 1, 5); left > 0; left -= 1)
      steps.push({ at: between(random, 3_000, faults.end + 60_000), act: meddle(random) });
    return { steps, faults, decide: knowTheirRepository };
  },
};
