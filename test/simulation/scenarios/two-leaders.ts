import { between, count, spread } from "../chance.ts";
import { drawFaults } from "../faults.ts";
import type { Period } from "../faults.ts";
import type { Scenario, Step } from "../run.ts";
import { changed, wholeShape } from "../shapes.ts";

export const twoLeaders: Scenario = {
  name: "two-leaders",
  about:
    "Two controllers believe that they lead, for a while or several times, while a project is made and changed.",
  script: (random) => {
    const others = drawFaults(random, {
      only: ["lag", "stale-cache", "slow", "conflict", "lost-answer", "crash-after-call"],
      most: 120_000,
    });
    const end = Math.max(30_000, others.end);
    const periods = Array.from({ length: count(random, 1, 3) }, (): Period => {
      const from = spread(random, 10, end / 2);
      return { kind: "two-leaders", provider: "github", from, to: between(random, from, end), amount: 0 };
    });
    const shape = wholeShape("shop");
    const next = changed(shape, random);
    const steps: Step[] = [
      { at: spread(random, 10, 10_000), act: (scene) => scene.want(shape) },
      { at: between(random, 10_000, end), act: (scene) => scene.want(next) },
    ];
    return { steps, faults: { ...others, end, periods: [...periods, ...others.periods] } };
  },
};
