/** One run of `flaresmith up`. */
import type { Shutdown } from "../../runtime/shutdown.ts";
import type { Tracker } from "../../runtime/tracker.ts";
import type { CommandEnvironment } from "../environment.ts";
import type { UpOptions } from "./options.ts";
import type { Report } from "./report.ts";

/** What the steps of one run share. */
export interface Run {
  options: UpOptions;
  environment: CommandEnvironment;
  directory: string;
  shutdown: Shutdown;
  tracker: Tracker;
  report: Report;
}
