/** `flaresmith sandbox`: the local providers alone; `flaresmith sandbox env`: how other tools reach them. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { SandboxAddresses } from "../../../sandbox/serve.ts";
import { lockDataDirectory } from "../../store/embedded/index.ts";
import { CommandError, exitCodes } from "../failure.ts";
import type { CommandEnvironment } from "../environment.ts";
import { readTemplates, sandboxDirectory, startSandbox } from "../up/sandbox.ts";
import { onSignals } from "../process/signals.ts";

export interface SandboxOptions {
  dataDir: string;
  sandboxDir?: string | undefined;
  template: readonly string[];
  output: "text" | "json";
}

/** Runs until a signal. @throws CommandError when it does not start; DataDirectoryLockedError when it runs already */
export async function runSandbox(options: SandboxOptions, environment: CommandEnvironment): Promise<number> {
  const { clock, terminal } = environment;
  const templates = readTemplates(options.template);
  const directory = resolve(options.dataDir);
  const own = sandboxDirectory(directory, options.sandboxDir);
  const lock = lockDataDirectory(own, "--sandbox-dir");
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const stopListening = onSignals({
    process: environment.signals,
    clock,
    ask: () => ask(),
    insist: () => environment.exit(exitCodes.failed),
  });
  try {
    const addressesFile = join(directory, "sandbox.json");
    const served = await startSandbox({
      directory: own,
      addressesFile,
      templates,
      log: (line) => terminal.error(line),
    });
    try {
      if (options.output === "json")
        terminal.line(JSON.stringify({ event: "started", addressesFile, ...served.addresses }));
      else for (const line of addressLines(served.addresses, addressesFile)) terminal.line(line);
      await asked;
    } finally {
      await served.stop();
    }
    return exitCodes.ok;
  } finally {
    stopListening();
    lock.release();
  }
}

function addressLines(addresses: SandboxAddresses, addressesFile: string): string[] {
  const { cloudflare, control, github, neon, postgres, workers } = addresses;
  return [
    `the sandbox runs (addresses and credentials in ${addressesFile})`,
    `  github      ${github.url}   account ${github.account}`,
    `  neon        ${neon.url}   organization ${neon.account}`,
    `  cloudflare  ${cloudflare.url}   account ${cloudflare.account}`,
    `  workers     ${workers.url}`,
    `  postgres    ${postgres.url}`,
    `  control     ${control.url}`,
    "",
    'eval "$(flaresmith sandbox env)"',
  ];
}

/** Prints shell assignments, or with `-o json` an object. @throws CommandError when no sandbox was ever started there */
export async function sandboxVariables(
  options: { dataDir: string; output: "text" | "json" },
  { terminal }: Pick<CommandEnvironment, "terminal">,
): Promise<number> {
  const file = join(resolve(options.dataDir), "sandbox.json");
  if (!existsSync(file)) {
    throw new CommandError(`no sandbox was started here: ${file} does not exist`, {
      hint: "Start one with flaresmith sandbox or flaresmith up --sandbox, or name its --data-dir.",
    });
  }
  const { sandboxEnvironment } = await import("../../../sandbox/serve.ts");
  const variables = sandboxEnvironment(JSON.parse(readFileSync(file, "utf8")) as SandboxAddresses);
  if (options.output === "json") terminal.line(JSON.stringify(variables, null, 2));
  else
    for (const [name, value] of Object.entries(variables))
      terminal.line(`export ${name}='${value.replaceAll("'", "'\\''")}'`);
  return exitCodes.ok;
}
