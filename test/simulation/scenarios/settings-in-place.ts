import { between, happens, pick, spread } from "../chance.ts";
import type { ProjectShape } from "../desired.ts";
import { drawFaults } from "../faults.ts";
import type { Scenario, Step } from "../run.ts";
import { drawOneThing } from "../shapes.ts";

/** A repository that stays, with nothing but settings in it. */
function settings(shape: ProjectShape): ProjectShape {
  return {
    ...shape,
    template: false,
    deletionPolicy: "Orphan",
    region: "eu",
    ruleset: true,
    neon: false,
    worker: false,
    cache: false,
    files: false,
    environments: {
      dev: { stage: "Dev", greeting: "hello", stageVariable: "dev", databaseUrl: false, stripe: false },
    },
    previews: {},
  };
}

export const settingsInPlace: Scenario = {
  name: "settings-in-place",
  about: "Settings are written into a repository that stays, and taken out of it, while processes die.",
  script: (random) => {
    const faults = drawFaults(random, {
      only: [
        "crash-before-call",
        "crash-after-call",
        "crash-before-write",
        "crash-after-write",
        "lost-answer",
        "lost-request",
        "two-leaders",
        "stale-cache",
        "conflict",
      ],
      most: 60_000,
    });
    const first = settings(drawOneThing(random, "shop"));
    const { region: _region, ...rest } = first;
    const { environments, ...bare } = first;
    const dev = environments["dev"];
    const others: ProjectShape[] = [
      { ...first, region: "us" },
      rest,
      { ...first, ruleset: false },
      { ...bare, environments: {} },
      ...(dev === undefined
        ? []
        : [{ ...first, environments: { dev: { ...dev, stageVariable: undefined } } }]),
    ];
    const steps: Step[] = [{ at: 0, act: (scene) => scene.want(first) }];
    let at = spread(random, 100, faults.end);
    for (let left = happens(random, 0.5) ? 2 : 1; left > 0; left -= 1) {
      const next = pick(random, others);
      steps.push({ at, act: (scene) => scene.want(next) });
      at += between(random, 100, 10_000);
    }
    if (happens(random, 0.7)) steps.push({ at, act: (scene) => scene.abandon("shop") });
    return { steps, faults };
  },
};
