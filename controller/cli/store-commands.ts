/** `backup` and `restore` on the command line. */
import type { Command } from "commander";
import { contextOption, dataDirOption, ending, kubeconfigOption, outputOption } from "./command-parts.ts";
import type { Run } from "./command-parts.ts";
import { backup, restore } from "./commands/backup.ts";
import type { BackupOptions, RestoreOptions } from "./commands/backup.ts";
import type { CommandEnvironment } from "./environment.ts";

/** Adds the commands. */
export function addStoreCommands(program: Command, environment: CommandEnvironment, run: Run): void {
  program
    .command("backup")
    .summary("save the whole store in one file, while flaresmith up runs or not")
    .description(
      "Saves everything of one moment: objects with their status, Secrets made with kubectl as they are, who this\ninstallation is. A store whose disk is full or whose file is damaged can be saved as long as flaresmith up runs.",
    )
    .argument("<file>", "where to; must not exist")
    .addOption(dataDirOption())
    .addOption(kubeconfigOption())
    .addOption(contextOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      ending(
        [
          "flaresmith backup flaresmith-$(date +%F).db",
          "flaresmith backup /mnt/backup/flaresmith.db --data-dir /data",
        ],
        [
          "0  saved",
          "1  there is no store, it is damaged, or the file exists or cannot be written",
          "2  the command line is wrong",
        ],
      ),
    )
    .action((file: string, options: BackupOptions) =>
      run(() => backup(file, options, environment), options.output),
    );
  program
    .command("restore")
    .summary("put a saved store into a data directory that has none")
    .description(
      "The data directory then goes on from where the file was saved: what was made at the providers since is recognised\nby its markers. Clients that watch list anew, because revisions go on far above all that was ever given out.",
    )
    .argument("<file>", "what flaresmith backup wrote, or a store.db that was copied or moved away")
    .addOption(dataDirOption())
    .addOption(outputOption())
    .addHelpText(
      "after",
      ending(
        [
          "flaresmith restore flaresmith-2026-01-31.db",
          "flaresmith restore /mnt/backup/flaresmith.db --data-dir /data",
        ],
        [
          "0  restored",
          "1  there is a store already, or the file is not sound",
          "2  the command line is wrong",
        ],
      ),
    )
    .action((file: string, options: RestoreOptions) =>
      run(() => Promise.resolve(restore(file, options, environment)), options.output),
    );
}
