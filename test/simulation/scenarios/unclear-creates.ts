import { between, happens, spread } from "../chance.ts";
import { drawFaults } from "../faults.ts";
import type { Scenario, Step } from "../run.ts";
import { drawOneThing } from "../shapes.ts";

export const unclearCreates: Scenario = {
  name: "unclear-creates",
  about: "A thing is made while answers get lost and reads lag: nobody can tell yet whether it exists.",
  script: (random) => {
    const faults = drawFaults(random, {
      only: ["lag", "lost-answer", "failure-after", "crash-after-call", "crash-after-write", "slow"],
      most: 120_000,
    });
    const shape = { ...drawOneThing(random, "shop"), deletionPolicy: "Delete" as const };
    const at = between(random, 0, faults.end * 0.7);
    const steps: Step[] = [{ at, act: (scene) => scene.want(shape) }];
    if (happens(random, 0.6))
      steps.push({ at: at + spread(random, 50, 40_000), act: (scene) => scene.abandon("shop") });
    return { steps, faults };
  },
};
