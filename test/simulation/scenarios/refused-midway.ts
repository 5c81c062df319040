import { between, happens, spread } from "../chance.ts";
import { drawFaults } from "../faults.ts";
import type { Scenario, Step } from "../run.ts";
import { wholeShape } from "../shapes.ts";

export const refusedMidway: Scenario = {
  name: "refused-midway",
  about: "Providers refuse in the middle of what takes several calls, and soon nobody wants it any more.",
  script: (random) => {
    const faults = drawFaults(random, {
      only: ["rate-limit", "rate-limit-unannounced", "token-refused", "lag", "slow", "terminated"],
      most: 60_000,
    });
    const shape = { ...wholeShape("shop"), template: false };
    const less = happens(random, 0.5)
      ? { ...shape, previews: {} }
      : { ...shape, previews: {}, environments: {} };
    const wholly = happens(random, 0.5);
    const at = between(random, 0, faults.end * 0.5);
    const steps: Step[] = [
      { at, act: (scene) => scene.want(shape) },
      {
        at: at + spread(random, 500, 60_000),
        act: (scene) => (wholly ? scene.abandon("shop") : scene.want(less)),
      },
    ];
    return { steps, faults };
  },
};
