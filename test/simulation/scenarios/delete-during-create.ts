import { happens, spread } from "../chance.ts";
import { drawFaults } from "../faults.ts";
import type { Scenario, Step } from "../run.ts";
import { drawShape, wholeShape } from "../shapes.ts";

export const deleteDuringCreate: Scenario = {
  name: "delete-during-create",
  about:
    "A project, or its environment or preview, is deleted while it is being made; sometimes it is wanted again.",
  script: (random) => {
    const faults = drawFaults(random, { most: 120_000 });
    const drawn = happens(random, 0.5) ? wholeShape("shop") : drawShape(random, "shop");
    // What is orphaned on purpose could hide a leak.
    const shape = { ...drawn, deletionPolicy: "Delete" as const };
    const at = spread(random, 10, 20_000);
    const less = happens(random, 0.5)
      ? { ...shape, previews: {} }
      : { ...shape, previews: {}, environments: {} };
    const wholly = happens(random, 0.6);
    const steps: Step[] = [
      { at: 0, act: (scene) => scene.want(shape) },
      { at, act: (scene) => (wholly ? scene.abandon("shop") : scene.want(less)) },
    ];
    if (happens(random, 0.3))
      steps.push({ at: at + spread(random, 10, 60_000), act: (scene) => scene.want(shape) });
    return { steps, faults };
  },
};
