/** Every scenario, by name. */
import type { Scenario } from "../run.ts";
import { deleteDuringCreate } from "./delete-during-create.ts";
import { drift } from "./drift.ts";
import { fiveProjects } from "./five-projects.ts";
import { foreignName } from "./foreign-name.ts";
import { oneProject } from "./one-project.ts";
import { oneThing } from "./one-thing.ts";
import { providerOutage } from "./provider-outage.ts";
import { refusedMidway } from "./refused-midway.ts";
import { settingsInPlace } from "./settings-in-place.ts";
import { twoLeaders } from "./two-leaders.ts";
import { unclearCreates } from "./unclear-creates.ts";

export const scenarios: readonly Scenario[] = [
  oneThing,
  oneProject,
  fiveProjects,
  deleteDuringCreate,
  foreignName,
  providerOutage,
  drift,
  twoLeaders,
  unclearCreates,
  refusedMidway,
  settingsInPlace,
];

/** @throws RangeError naming the scenarios there are */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found) return found;
  throw new RangeError(
    `there is no scenario ${name}; there are ${scenarios.map((one) => one.name).join(", ")}`,
  );
}
