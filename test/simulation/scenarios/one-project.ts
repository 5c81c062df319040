import { between, count, happens } from "../chance.ts";
import { drawFaults } from "../faults.ts";
import type { Scenario, Step } from "../run.ts";
import { changed, drawShape } from "../shapes.ts";

export const oneProject: Scenario = {
  name: "one-project",
  about: "One project is made, changed a few times and sometimes deleted, while anything goes wrong.",
  script: (random) => {
    const faults = drawFaults(random);
    let shape = drawShape(random, "shop");
    const first = shape;
    const steps: Step[] = [{ at: 0, act: (scene) => scene.want(first) }];
    const moments = Array.from({ length: count(random, 0, 4) }, () => between(random, 0, faults.end * 1.2));
    for (const at of moments.toSorted((a, b) => a - b)) {
      shape = changed(shape, random);
      const next = shape;
      steps.push({ at, act: (scene) => scene.want(next) });
    }
    if (happens(random, 0.3))
      steps.push({ at: faults.end * 1.3 + 1_000, act: (scene) => scene.abandon("shop") });
    return { steps, faults };
  },
};
