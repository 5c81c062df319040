import { between, count, happens, pick } from "../chance.ts";
import { calm, drawFaults, providerNames } from "../faults.ts";
import type { Period } from "../faults.ts";
import type { Scenario, Step } from "../run.ts";
import { changed, drawShape } from "../shapes.ts";

const troubles = ["outage", "rate-limit", "rate-limit-unannounced", "token-refused"] as const;

export const providerOutage: Scenario = {
  name: "provider-outage",
  about:
    "A provider is down, refuses or limits for up to an hour, before, while and after a project is made.",
  script: (random) => {
    const end = between(random, 60_000, 3_600_000);
    const periods = Array.from({ length: count(random, 1, 3) }, (): Period => {
      const from = happens(random, 0.3) ? 0 : between(random, 0, end / 2);
      return {
        kind: pick(random, troubles),
        provider: pick(random, providerNames),
        from,
        to: between(random, from, end),
        amount: count(random, 1, 600),
      };
    });
    const others = happens(random, 0.3) ? drawFaults(random) : calm;
    const shape = drawShape(random, "shop");
    const steps: Step[] = [{ at: between(random, 0, 10_000), act: (scene) => scene.want(shape) }];
    if (happens(random, 0.5)) {
      const next = changed(shape, random);
      steps.push({ at: between(random, 10_000, end), act: (scene) => scene.want(next) });
    }
    if (happens(random, 0.2)) steps.push({ at: end + 1_000, act: (scene) => scene.abandon("shop") });
    return {
      steps,
      faults: { ...others, end: Math.max(end, others.end), periods: [...periods, ...others.periods] },
    };
  },
};
