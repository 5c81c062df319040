import { between, happens, spread } from "../chance.ts";
import { takeUpAgain } from "../commands/say.ts";
import { drawFaults } from "../faults.ts";
import type { Scenario, Step } from "../run.ts";
import { changed, drawOneThing } from "../shapes.ts";

export const oneThing: Scenario = {
  name: "one-thing",
  about: "A repository with one thing in it is made, and sometimes changed, deleted and wanted again.",
  script: (random) => {
    const faults = drawFaults(random, { most: 120_000 });
    const first = drawOneThing(random, "shop");
    const steps: Step[] = [{ at: 0, act: (scene) => scene.want(first) }];
    let shape = first;
    if (happens(random, 0.4)) {
      shape = changed(first, random);
      const next = shape;
      steps.push({ at: between(random, 0, faults.end * 1.2), act: (scene) => scene.want(next) });
    }
    if (happens(random, 0.6)) {
      const at = spread(random, 10, faults.end * 1.3);
      steps.push({ at, act: (scene) => scene.abandon("shop") });
      if (happens(random, 0.3))
        steps.push({ at: at + spread(random, 10, 60_000), act: (scene) => scene.want(shape) });
    }
    return { steps: steps.toSorted((a, b) => a.at - b.at), faults, decide: takeUpAgain };
  },
};
