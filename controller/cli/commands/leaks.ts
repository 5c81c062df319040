/** `flaresmith leaks`: what is ours at the providers and no object owns; with `--delete` it is deleted, after a question. */
import { createLeakFinder } from "../../../reconcilers/leaks.ts";
import type { LeakFinder } from "../../../reconcilers/leaks.ts";
import { chooseLeaks } from "../../../reconcilers/engine/leaks/choose-leaks.ts";
import type { LeakChoice } from "../../../reconcilers/engine/leaks/choose-leaks.ts";
import type { LeakReport } from "../../../reconcilers/engine/leaks/find-leaks.ts";
import type { RemovedLeak } from "../../../reconcilers/engine/leaks/remove-leaks.ts";
import { createTracker } from "../../runtime/tracker.ts";
import type { ResourceClient } from "../../store/resource-client.ts";
import { CommandError, exitCodes } from "../failure.ts";
import { listAll, withServer } from "../running-server.ts";
import type { ServerOptions } from "../running-server.ts";
import { activityLine } from "../activity-line.ts";
import { configMapType, shownTypes } from "../types.ts";
import { secretReader } from "../process/controller.ts";
import { readInstallation } from "../process/installation.ts";
import type { CommandEnvironment } from "../environment.ts";
import { choiceLines, removalLines, reportLines, toJson } from "./leaks-text.ts";

export interface LeaksOptions extends ServerOptions {
  delete: boolean;
  /** Deletes without asking. */
  yes: boolean;
  /** What `--delete` may take although it holds data or code: `neon/branch/br-1`. */
  include: readonly string[];
  output: "text" | "json";
}

/** 0: nothing of ours is without an owner. 1: something is. 2: it cannot be told, or not for everything. */
export const leaksExitCodes = Object.freeze({ none: 0, leaks: 1, failed: 2 });

/**
 * Compares the providers with the objects of a running server.
 * @returns one of {@link leaksExitCodes}, after a deletion for what is left
 * @throws CommandError with exit code 2 for a command line that contradicts itself, and when no server answers
 */
export async function leaks(options: LeaksOptions, environment: CommandEnvironment): Promise<number> {
  checkOptions(options, environment);
  return withServer(options, environment, ({ client }) => leaksOf(client, options, environment));
}

function checkOptions(options: LeaksOptions, { ask }: CommandEnvironment): void {
  const wrong = (message: string, hint: string): CommandError =>
    new CommandError(message, { hint, exitCode: exitCodes.usage });
  if (!options.delete && (options.include.length > 0 || options.yes))
    throw wrong("--include and --yes say how to delete, and --delete is not there", "Add --delete.");
  if (options.delete && !options.yes && ask === undefined)
    throw wrong(
      "--delete asks before it deletes, and there is nobody to ask here",
      "Look at what flaresmith leaks lists, then add --yes.",
    );
}

/** The same through any client of the resource model. */
export async function leaksOf(
  client: ResourceClient,
  options: LeaksOptions,
  environment: CommandEnvironment,
): Promise<number> {
  const { clock, fetch, random, terminal, version } = environment;
  const { signal } = new AbortController();
  const tracker = createTracker({ clock });
  const { hashKey, id: installation, publicUrl } = await readInstallation(client);
  const redact = (text: string): string => tracker.secrets.redact(text);
  const activity = activityLine(options.output === "json" ? undefined : terminal, redact);
  const print = (lines: readonly string[]): void => {
    activity.clear();
    for (const line of lines) terminal.line(redact(line));
  };
  const finder = await createLeakFinder({
    readObjects: async (labelSelector) => ({
      objects: (await Promise.all(shownTypes.map((type) => listAll(client, type)))).flat(),
      tombstones: (await client.list(configMapType, { labelSelector })).items,
    }),
    secret: secretReader(client),
    fetch,
    clock,
    random,
    tracker,
    installation,
    hashKey,
    version,
    publicUrl,
    deleting: options.delete,
    progress: (text) => activity.show(text),
    signal,
  });
  const report = await finder.find();
  activity.clear();
  const text = options.output === "text";
  if (text) print(reportLines(report, installation, clock.now()));
  const removed = options.delete
    ? await removal(finder, report, options, environment, {
        result: (lines) => {
          if (text) print(lines);
        },
        // Whoever is asked must have seen it; a script that says --yes is told by the JSON.
        question: (lines) => {
          if (text) print(lines);
          else if (!options.yes) for (const line of lines) terminal.error(redact(line));
        },
      })
    : undefined;
  if (!text)
    terminal.line(redact(JSON.stringify(toJson(report, removed, installation, clock.now()), null, 2)));
  return exitCodeOf(report, removed?.results ?? []);
}

interface Removal {
  choice: LeakChoice;
  results: readonly RemovedLeak[];
}

/** @throws CommandError with exit code 2 when something was named that is no leak: then nothing is deleted */
async function removal(
  finder: LeakFinder,
  report: LeakReport,
  options: LeaksOptions,
  { ask }: CommandEnvironment,
  print: Record<"question" | "result", (lines: readonly string[]) => void>,
): Promise<Removal> {
  const choice = chooseLeaks(report, options.include);
  if (choice.wrong.length > 0) {
    throw new CommandError(choice.wrong.map(({ name, why }) => `--include ${name}: ${why}`).join("\n"), {
      hint: "Copy PROVIDER/TYPE/ID from the list of leaks; nothing was deleted.",
      exitCode: leaksExitCodes.failed,
    });
  }
  print.question(choiceLines(choice));
  if (choice.chosen.length === 0) return { choice, results: [] };
  if (!options.yes) {
    const things = choice.chosen.length === 1 ? "this one thing" : `these ${choice.chosen.length} things`;
    const answer = (await ask?.(`Delete ${things} at the providers? Type yes to do it: `)) ?? "";
    if (answer.trim().toLowerCase() !== "yes") {
      print.result(["Nothing was deleted."]);
      return { choice, results: [] };
    }
  }
  const results = await finder.remove(choice.chosen, report);
  print.result(removalLines(results));
  return { choice, results };
}

function exitCodeOf(report: LeakReport, results: readonly RemovedLeak[]): number {
  const { leaks: found, missed, undecided } = report;
  if (missed.length > 0 || undecided.length > 0 || results.some(({ result }) => result === "failed"))
    return leaksExitCodes.failed;
  const deleted = results.filter(({ result }) => result === "deleted").length;
  return found.length > deleted ? leaksExitCodes.leaks : leaksExitCodes.none;
}
