import { between } from "../chance.ts";
import { drawFaults } from "../faults.ts";
import type { Scenario, Step } from "../run.ts";
import { changed, drawShape } from "../shapes.ts";

const names = ["alpha", "bravo", "charlie", "delta", "echo"];

export const fiveProjects: Scenario = {
  name: "five-projects",
  about:
    "Five projects with previews share the accounts; some are changed or deleted while anything goes wrong.",
  script: (random) => {
    const faults = drawFaults(random);
    const steps: Step[] = [];
    for (const name of names) {
      const shape = { ...drawShape(random, name, { small: true }), previews: { "pr-1": { base: "dev" } } };
      const at = between(random, 0, 5_000);
      steps.push({ at, act: (scene) => scene.want(shape) });
      const next = changed(shape, random);
      const fate = random.next();
      const later = between(random, at, faults.end);
      if (fate < 0.3) steps.push({ at: later, act: (scene) => scene.want(next) });
      else if (fate < 0.5) steps.push({ at: later, act: (scene) => scene.abandon(name) });
    }
    return { steps, faults };
  },
};
