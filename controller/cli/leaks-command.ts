/** `leaks` on the command line. */
import type { Command } from "commander";
import {
  collect,
  contextOption,
  credentialPluginOption,
  dataDirOption,
  ending,
  kubeconfigOption,
  outputOption,
} from "./command-parts.ts";
import type { Run } from "./command-parts.ts";
import { leaks, leaksExitCodes } from "./commands/leaks.ts";
import type { LeaksOptions } from "./commands/leaks.ts";
import type { CommandEnvironment } from "./environment.ts";

/** Adds the command. */
export function addLeaks(program: Command, environment: CommandEnvironment, run: Run): void {
  program
    .command("leaks")
    .summary("print what is ours at the providers and no object owns; --delete deletes it")
    .description(
      "Looks through every Connection of a server (a running flaresmith up, or the cluster that --kubeconfig names) for what carries this installation's marker, and compares\nit with the inventories of all objects. What was left in place on purpose is listed apart. Reads only, unless --delete\nis given; then it asks, and takes nothing that holds data or code unless it is named.",
    )
    .option("--delete", "delete the leaks, after a question", false)
    .option("--yes", "with --delete: do not ask", false)
    .option(
      "--include <provider/type/id>",
      "with --delete: also take this one, although it holds data or code; may be repeated",
      collect,
      [],
    )
    .addOption(dataDirOption())
    .addOption(kubeconfigOption())
    .addOption(contextOption())
    .addOption(credentialPluginOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      ending(
        [
          "flaresmith leaks",
          "flaresmith leaks -o json",
          "flaresmith leaks --delete                                                  asks first",
          "flaresmith leaks --delete --include neon/branch/br-cool-sea-12345678       that database branch too",
          "flaresmith leaks --delete --yes                                            for scripts",
        ],
        [
          "0  nothing of this installation is without an owner; with --delete: any more",
          "1  something is",
          "2  it cannot be told: something could not be looked at or deleted, no server answers, wrong command line",
        ],
      ),
    )
    .action((options: LeaksOptions) =>
      run(() => leaks(options, environment), options.output, { failureCode: leaksExitCodes.failed }),
    );
}
