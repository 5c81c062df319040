/** The command line: which commands there are, and how a failure leaves. */
import { Command, CommanderError } from "commander";
import type { Run } from "./command-parts.ts";
import { exitCodes, reportFailure } from "./failure.ts";
import { addLeaks } from "./leaks-command.ts";
import { addReadingCommands } from "./reading-commands.ts";
import { addStoreCommands } from "./store-commands.ts";
import { addUp } from "./up-command.ts";
import { addController } from "./controller-command.ts";
import type { CommandEnvironment } from "./environment.ts";

/** What commander says about a mistyped line, as `error: …` and `hint: …` like every other failure. */
function usageFailure(text: string): string {
  const [error = "", ...suggestions] = text.trim().split("\n");
  const meant = /Did you mean (.+)\?/.exec(suggestions.join(" "))?.[1];
  const hint =
    meant === undefined ? "--help lists commands and options, with examples." : `Did you mean ${meant}?`;
  return `${error}\nhint: ${hint}`;
}

/** The whole command line, without anything having run. */
function createProgram(environment: CommandEnvironment, run: Run): Command {
  const program = new Command("flaresmith")
    .description("A GitOps controller that keeps GitHub, Neon and Cloudflare equal to your YAML.")
    .version(environment.version, "-V, --version")
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => environment.terminal.raw(text),
      writeErr: (text) => environment.terminal.error(text.trimEnd()),
      outputError: (text, write) => write(usageFailure(text)),
    });
  addUp(program, environment, run);
  addController(program, environment, run);
  addReadingCommands(program, environment, run);
  addStoreCommands(program, environment, run);
  addLeaks(program, environment, run);
  return program;
}

/**
 * Runs one command line.
 * @param args what was typed after the program's name
 * @returns the exit code; nothing is ever thrown
 */
export async function runCommandLine(
  args: readonly string[],
  environment: CommandEnvironment,
): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const run: Run = async (action, output, { failureCode, outlivesOutput = false } = {}) => {
    try {
      exitCode = await action();
      const lost = outlivesOutput ? undefined : await environment.lostOutput?.();
      if (lost !== undefined) throw lost;
    } catch (error) {
      const code = reportFailure(error, environment.terminal, output);
      exitCode = code === exitCodes.failed ? (failureCode ?? code) : code;
    }
  };
  try {
    await createProgram(environment, run).parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return reportFailure(error, environment.terminal, "text");
  }
}
